/* tests/unit/wire/jwt_test.c - attacks on tokens, and the tokens that pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/base64.h"
#include "wire/digest.h"
#include "wire/jwt.h"

#define NOW 1769337000
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* Made by another implementation: HS256, secret "belfry-test-secret",
 * {"sub":"42","exp":1769340600,"admin":true}. */
#define KNOWN                                                       \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"                      \
	".eyJzdWIiOiI0MiIsImV4cCI6MTc2OTM0MDYwMCwiYWRtaW4iOnRydWV9" \
	".XJhTCytiaWpbHiiGqHa8rMY_Mmy5CMyVWXs37Z1meP4"

#define SECRET "belfry-test-secret"

static const struct jwt_key key = {
	.type = JWT_KEY_SECRET,
	.algorithms = JWT_ALGORITHMS_HS,
	.bytes = {(const uint8_t *)SECRET, sizeof(SECRET) - 1},
};

static const struct jwt_rules rules = {
	.keys = &key,
	.keys_count = 1,
	.leeway_s = 30,
	.claim_user = "",
	.claim_channels = "channels",
	.claim_admin = "admin",
};

static struct jwt_claims claims;

static void check_token(struct slice token, const struct jwt_rules *with, enum jwt_result expected)
{
	memset(&claims, 0xA5, sizeof(claims));
	uint32_t cost = 0;
	enum jwt_result result = jwt_verify(token, with, NOW, &cost, &claims);

	assert_int_equal(cost, 0);
	assert_int_equal(jwt_cost(token, with), 0);
	if (result != expected)
		fail_msg("%.*s gives %s, not %s", (int)token.size, (const char *)token.bytes,
			 jwt_result_code(result), jwt_result_code(expected));
	if (result == JWT_OK)
		return;
	for (size_t i = 0; i < sizeof(claims); i++)
		assert_int_equal(((const uint8_t *)&claims)[i], 0xA5);
}

static bool passes(struct slice token)
{
	uint32_t cost = 0;

	return jwt_verify(token, &rules, NOW, &cost, &claims) == JWT_OK;
}

/* Signs with the rules' secret, whatever the header says. */
static struct slice mint_with(enum hmac_hash hash, const char *header, struct slice payload)
{
	static char token[3 * TOKEN_SIZE_MAX];
	uint8_t mac[HMAC_SIZE_MAX];
	size_t size = base64url_write(slice_of_text(header), token);

	token[size++] = '.';
	size += base64url_write(payload, token + size);
	size_t mac_size = digest_hmac(hash, key.bytes, slice_of(token, size), mac);
	token[size++] = '.';
	size += base64url_write(slice_of(mac, mac_size), token + size);
	return slice_of(token, size);
}

static struct slice mint(const char *header, const char *payload)
{
	return mint_with(HMAC_SHA256, header, slice_of_text(payload));
}

static void known_token_passes(void **state)
{
	(void)state;
	check_token(SLICE(KNOWN), &rules, JWT_OK);
	assert_true(slice_equal_text(slice_of(claims.user, claims.user_size), "42"));
	assert_int_equal(claims.expires_s, 1769340600);
	assert_true(claims.admin);
	assert_true(slice_is_absent(claims.channels));
}

static void each_changed_character_is_noticed(void **state)
{
	char token[] = KNOWN;

	(void)state;
	for (size_t i = 0; i < sizeof(token) - 1; i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		assert_false(passes(slice_of(token, sizeof(token) - 1)));
		token[i] = was;
	}
}

static void cut_token_is_refused(void **state)
{
	(void)state;
	check_token(SLICE(""), &rules, JWT_MISSING);
	check_token((struct slice){NULL, 0}, &rules, JWT_MISSING);
	for (size_t size = 1; size < sizeof(KNOWN) - 1; size++)
		assert_false(passes(slice_of(KNOWN, size)));
}

static void shape_is_checked(void **state)
{
	static const char *const rows[] = {
		".",
		"..",
		"...",
		"a.b",
		"x",
		KNOWN ".",
		KNOWN ".e30",
		"." KNOWN,
		KNOWN "=",
		" " KNOWN,
		KNOWN " ",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30",
		/* padding, another alphabet, unused bits set, and a digit alone in the header */
		"eyJhbGciOiJIUzI1NiJ9==.e30.AAAA",
		"eyJhbGciOiJIUzI1NiJ9+/.e30.AAAA",
		"eyJhbGciOiJIUzI1NiIsImEiOjF9.e30.AB",
		"e31.e30.AAAA",
		"eyJhbGciOiJIUzI1NiJ9e.e30.AAAA",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_token(slice_of_text(rows[i]), &rules, JWT_MALFORMED);
}

static void header_is_checked(void **state)
{
	static const struct {
		const char *header;
		enum jwt_result expected;
	} rows[] = {
		{HS256, JWT_OK},
		{"{\"alg\":\"HS256\"}", JWT_OK},
		{" { \"typ\" : 7 , \"kid\":\"../../x\", \"alg\" : \"HS256\" } ", JWT_OK},
		{"{\"alg\":\"none\"}", JWT_ALGORITHM},
		{"{\"alg\":\"None\"}", JWT_ALGORITHM},
		{"{\"alg\":\"NONE\"}", JWT_ALGORITHM},
		{"{\"alg\":\"nOnE\"}", JWT_ALGORITHM},
		{"{\"alg\":\"\"}", JWT_ALGORITHM},
		{"{\"alg\":\"hs256\"}", JWT_ALGORITHM},
		{"{\"alg\":\"HS256 \"}", JWT_ALGORITHM},
		{"{\"alg\":\"HS256\\u0000\"}", JWT_ALGORITHM},
		{"{\"alg\":\"RS256\"}", JWT_ALGORITHM},
		{"{\"alg\":\"ES256\"}", JWT_ALGORITHM},
		{"{\"alg\":\"PS256\"}", JWT_ALGORITHM},
		{"{\"alg\":\"EdDSA\"}", JWT_ALGORITHM},
		{"{\"alg\":[\"HS256\"]}", JWT_ALGORITHM},
		{"{\"alg\":null}", JWT_ALGORITHM},
		{"{}", JWT_ALGORITHM},
		{"{\"ALG\":\"HS256\"}", JWT_ALGORITHM},
		{"{\"x\":{\"alg\":\"HS256\"}}", JWT_ALGORITHM},
		{"{\"alg\":\"HS384\"}", JWT_SIGNATURE}, /* signed with another hash */
		{"{\"alg\":\"HS512\"}", JWT_SIGNATURE},
		{"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", JWT_MALFORMED},
		{"{\"alg\":\"none\",\"alg\":\"HS256\"}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"a\\u006cg\":\"none\"}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"crit\":[]}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"crit\":null}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"cr\\u0069t\":[\"b64\"],\"b64\":false}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\"", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"kid\":\"a\",\"kid\":\"a\"}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"kid\":7}", JWT_MALFORMED},
		{"{\"alg\":\"HS256\",\"kid\":null}", JWT_MALFORMED},
		{"[\"HS256\"]", JWT_MALFORMED},
		{"null", JWT_MALFORMED},
		{"", JWT_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_token(mint(rows[i].header, "{\"sub\":\"42\"}"), &rules, rows[i].expected);
}

static void signature_is_checked(void **state)
{
	/* {"alg":"none"} and {"alg":"HS256"} with {"sub":"42"} */
	static const struct {
		const char *token;
		enum jwt_result expected;
	} rows[] = {
		{"eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.", JWT_ALGORITHM},
		{"eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9", JWT_MALFORMED},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.", JWT_SIGNATURE},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.AAAA", JWT_SIGNATURE},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.A", JWT_MALFORMED},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.AB", JWT_MALFORMED},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.AA==", JWT_MALFORMED},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.AA A", JWT_MALFORMED},
		/* what is wrong behind a wrong signature is not looked at */
		{"eyJhbGciOiJIUzI1NiJ9.!!!.AAAA", JWT_SIGNATURE},
		{"eyJhbGciOiJIUzI1NiJ9..AAAA", JWT_SIGNATURE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_token(slice_of_text(rows[i].token), &rules, rows[i].expected);
}

/* Between the right signature and a longer or shorter one with the same start. */
static void signature_has_its_whole_size(void **state)
{
	struct slice token = mint(HS256, "{\"sub\":\"42\"}");
	char longer[1024];

	(void)state;
	memcpy(longer, token.bytes, token.size);
	memcpy(longer + token.size, "AAAA", 4);
	check_token(slice_of(longer, token.size - 3), &rules, JWT_SIGNATURE);
	assert_false(passes(slice_of(longer, token.size + 4)));
	check_token(slice_of(longer, token.size), &rules, JWT_OK);
}

static void check_algorithm(enum hmac_hash hash, const char *header, unsigned accepted,
			    enum jwt_result expected)
{
	struct jwt_key limited = key;
	struct jwt_rules some = rules;

	limited.algorithms = accepted;
	some.keys = &limited;
	check_token(mint_with(hash, header, SLICE("{\"sub\":\"42\"}")), &some, expected);
}

static void only_configured_algorithms_are_accepted(void **state)
{
	(void)state;
	check_algorithm(HMAC_SHA256, "{\"alg\":\"HS256\"}", JWT_HS256, JWT_OK);
	check_algorithm(HMAC_SHA384, "{\"alg\":\"HS384\"}", JWT_HS384, JWT_OK);
	check_algorithm(HMAC_SHA512, "{\"alg\":\"HS512\"}", JWT_HS512, JWT_OK);
	check_algorithm(HMAC_SHA384, "{\"alg\":\"HS384\"}", 7, JWT_OK);
	check_algorithm(HMAC_SHA512, "{\"alg\":\"HS512\"}", 7, JWT_OK);
	check_algorithm(HMAC_SHA256, "{\"alg\":\"HS256\"}", JWT_HS384 | JWT_HS512, JWT_ALGORITHM);
	check_algorithm(HMAC_SHA512, "{\"alg\":\"HS512\"}", JWT_HS256, JWT_ALGORITHM);
	check_algorithm(HMAC_SHA512, "{\"alg\":\"HS256\"}", 7, JWT_SIGNATURE);
	check_algorithm(HMAC_SHA256, "{\"alg\":\"HS256\"}", 0, JWT_ALGORITHM);
}

static void without_keys_nothing_is_signed(void **state)
{
	struct jwt_rules empty = rules;

	(void)state;
	empty.keys_count = 0;
	check_token(mint(HS256, "{\"sub\":\"42\"}"), &empty, JWT_ALGORITHM);
}

static void nesting_is_bounded(void **state)
{
	char payload[256] = "{\"sub\":\"1\",\"x\":";
	size_t start = strlen(payload);

	(void)state;
	for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX; depth++) {
		memset(payload + start, '[', depth);
		memset(payload + start + depth, ']', depth);
		snprintf(payload + start + 2 * depth, 2, "}");
		check_token(mint(HS256, payload), &rules,
			    depth < JSON_DEPTH_MAX ? JWT_OK : JWT_MALFORMED);
	}
}

/* A token of exactly `size` characters, if the sizes of its parts allow. */
static void check_size(size_t size, enum jwt_result expected)
{
	static uint8_t payload[2 * TOKEN_SIZE_MAX];
	const char start[] = "{\"sub\":\"1\",\"x\":\"";
	size_t header_size = BASE64URL_SIZE(sizeof(HS256) - 1);
	size_t payload_size = (size - header_size - 2 - BASE64URL_SIZE(32)) * 3 / 4;

	memset(payload, 'x', sizeof(payload));
	memcpy(payload, start, sizeof(start) - 1);
	memcpy(payload + payload_size - 2, "\"}", 2);
	struct slice token = mint_with(HMAC_SHA256, HS256, slice_of(payload, payload_size));
	assert_int_equal(token.size, size);
	check_token(token, &rules, expected);
}

static void size_is_bounded(void **state)
{
	(void)state;
	check_size(TOKEN_SIZE_MAX, JWT_OK);
	check_size(TOKEN_SIZE_MAX + 1, JWT_MALFORMED);
	check_size(2 * TOKEN_SIZE_MAX, JWT_MALFORMED);
}

static void results_have_codes_and_texts(void **state)
{
	(void)state;
	assert_string_equal(jwt_result_code(JWT_EXPIRED), "token_expired");
	assert_string_equal(jwt_result_text(JWT_SUBJECT), "the token names no user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_token_passes),
		cmocka_unit_test(each_changed_character_is_noticed),
		cmocka_unit_test(cut_token_is_refused),
		cmocka_unit_test(shape_is_checked),
		cmocka_unit_test(header_is_checked),
		cmocka_unit_test(signature_is_checked),
		cmocka_unit_test(signature_has_its_whole_size),
		cmocka_unit_test(only_configured_algorithms_are_accepted),
		cmocka_unit_test(without_keys_nothing_is_signed),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(results_have_codes_and_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
