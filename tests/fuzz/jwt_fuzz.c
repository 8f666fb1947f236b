/* tests/fuzz/jwt_fuzz.c - tokens of strangers.
 *
 * The first byte chooses: a token as it is; header and payload, with a line break between, that are
 * signed here; a payload alone. Whatever comes, claims are whole or untouched, and what a token
 * says lies where the header says.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/base64.h"
#include "wire/channel_name.h"
#include "wire/digest.h"
#include "wire/json.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define NOW 1769337000
#define LEEWAY 30
#define PART_MAX 4096
#define FILL 0xA5

/* A point of P-256 that is its generator; RFC 7515 appendix A.2 has an RSA key, which is not
 * needed: nobody here can sign with either. */
static const uint8_t point[65] = {
	0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5,
	0x63, 0xA4, 0x40, 0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4,
	0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A,
	0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE, 0x33,
	0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,
};

static const struct jwt_key keys[] = {
	{.type = JWT_KEY_SECRET,
	 .algorithms = JWT_ALGORITHMS_HS,
	 .bytes = {(const uint8_t *)"secret", 6}},
	{.type = JWT_KEY_SECRET,
	 .algorithms = JWT_HS256,
	 .kid = {(const uint8_t *)"a", 1},
	 .bytes = {(const uint8_t *)"secret", 6}},
	{.type = JWT_KEY_P256, .algorithms = JWT_ES256, .bytes = {point, sizeof(point)}},
};

static const char *const names[] = {"a", "b"};

static struct jwt_claims claims;

static void check_claims(void)
{
	struct slice channels = claims.channels;

	ASSERT(claims.user_size > 0 && claims.user_size <= sizeof(claims.user));
	ASSERT(channel_name_is_valid(slice_of(claims.user, claims.user_size)));
	ASSERT(claims.jti_size <= sizeof(claims.jti));
	ASSERT(claims.expires_s > NOW - LEEWAY && claims.not_before_s <= NOW + LEEWAY);
	if (slice_is_absent(channels))
		return;
	ASSERT(channels.bytes >= claims.payload);
	ASSERT(channels.bytes + channels.size <= claims.payload + sizeof(claims.payload));
	ASSERT(json_is_valid(channels) && json_read(channels).type == JSON_ARRAY);
	(void)!jwt_allows_channel(&claims, SLICE("feed:1"));
}

static void check_result(enum jwt_result result)
{
	const uint8_t *bytes = (const uint8_t *)&claims;

	ASSERT(jwt_result_code(result)[0] != 0 && jwt_result_text(result)[0] != 0);
	if (result == JWT_OK) {
		check_claims();
		return;
	}
	for (size_t i = 0; i < sizeof(claims); i++)
		ASSERT(bytes[i] == FILL);
}

static void verify(struct slice token, const struct jwt_rules *rules)
{
	uint32_t cost = 0;

	memset(&claims, FILL, sizeof(claims));
	check_result(jwt_verify(token, rules, NOW, &cost, &claims));
	ASSERT(cost <= jwt_cost(token, rules));
}

static void sign_and_verify(struct slice input, const struct jwt_rules *rules)
{
	static char token[4 * PART_MAX];
	struct slice payload = input;
	struct slice header = slice_cut(&payload, '\n');
	uint8_t mac[HMAC_SIZE_MAX];

	if (slice_is_absent(payload) || input.size > PART_MAX)
		return;
	size_t size = base64url_write(header, token);

	token[size++] = '.';
	size += base64url_write(payload, token + size);
	size_t mac_size = digest_hmac(HMAC_SHA256, keys[0].bytes, slice_of(token, size), mac);
	token[size++] = '.';
	size += base64url_write(slice_of(mac, mac_size), token + size);
	verify(slice_of(token, size), rules);
}

static void read_payload(struct slice payload, const struct jwt_rules *rules)
{
	static char part[2 * PART_MAX];

	if (payload.size > PART_MAX)
		return;
	size_t size = base64url_write(payload, part);

	memset(&claims, FILL, sizeof(claims));
	check_result(jwt_claims_read(slice_of(part, size), rules, NOW, &claims));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct jwt_rules rules = {
		.keys = keys,
		.keys_count = ARRAY_SIZE(keys),
		.leeway_s = LEEWAY,
		.claim_user = "",
		.claim_channels = "channels",
		.claim_admin = "admin",
	};

	if (size == 0)
		return 0;
	if (bytes[0] & 8)
		rules.issuers = (struct jwt_names){names, 2};
	if (bytes[0] & 16)
		rules.audiences = (struct jwt_names){names, 1};
	if (bytes[0] & 32)
		rules.claim_user = "uid";
	struct slice input = slice_of(bytes + 1, size - 1);

	switch (bytes[0] & 3) {
	case 0:
		verify(input, &rules);
		break;
	case 1:
		sign_and_verify(input, &rules);
		break;
	default:
		read_payload(input, &rules);
	}
	return 0;
}
