/* wire/jwt.c - nothing in a token is believed before its signature is. */
#include "wire/jwt.h"

#include "wire/base64.h"
#include "wire/channel_name.h"
#include "wire/digest.h"
#include "wire/json.h"

static const char *const result_codes[] = {
#define X(name, code, text) [JWT_##name] = code,
	JWT_RESULT_TABLE(X)
#undef X
};

static const char *const result_texts[] = {
#define X(name, code, text) [JWT_##name] = text,
	JWT_RESULT_TABLE(X)
#undef X
};

static const struct {
	const char *name;
	unsigned bit;
	enum hmac_hash hash;
} algorithms[] = {
	{"HS256", JWT_HS256, HMAC_SHA256},
	{"HS384", JWT_HS384, HMAC_SHA384},
	{"HS512", JWT_HS512, HMAC_SHA512},
};

/* The first that is there names the user. */
static const char *const user_claims[] = {"sub", "user_id", "userId"};

/* Two readers could disagree on which of two members counts, so there may be one. */
static const char *const single_claims[] = {"exp",     "nbf",    "iat",   "jti",     "sub",
					    "user_id", "userId", "admin", "channels"};

/* A token cut at its dots. */
struct parts {
	struct slice header;
	struct slice payload;
	struct slice signature;
	struct slice signed_text; /* header, dot, payload */
};

const char *jwt_result_code(enum jwt_result result)
{
	unsigned index = (unsigned)result;

	return index < ARRAY_SIZE(result_codes) ? result_codes[index] : "token_malformed";
}

const char *jwt_result_text(enum jwt_result result)
{
	unsigned index = (unsigned)result;

	return index < ARRAY_SIZE(result_texts) ? result_texts[index] : "unknown result";
}

static bool split(struct slice token, struct parts *ret_parts)
{
	struct slice rest = token;
	struct parts parts;

	if (token.size > TOKEN_SIZE_MAX)
		return false;
	parts.header = slice_cut(&rest, '.');
	parts.payload = slice_cut(&rest, '.');
	parts.signature = slice_cut(&rest, '.');
	if (slice_is_absent(parts.signature) || !slice_is_absent(rest))
		return false;
	parts.signed_text = slice_of(token.bytes, parts.header.size + 1 + parts.payload.size);
	*ret_parts = parts;
	return true;
}

/* Decodes a part and reads it as a JSON object. */
static bool read_object(struct slice part, uint8_t bytes[JWT_PAYLOAD_MAX],
			struct json_value *ret_object)
{
	size_t size;

	if (!base64url_parse(part, bytes, JWT_PAYLOAD_MAX, &size) ||
	    !json_is_valid(slice_of(bytes, size)))
		return false;
	struct json_value value = json_read(slice_of(bytes, size));
	if (value.type != JSON_OBJECT)
		return false;
	*ret_object = value;
	return true;
}

static enum jwt_result read_header(struct slice part, const struct jwt_rules *rules,
				   enum hmac_hash *ret_hash)
{
	uint8_t bytes[JWT_PAYLOAD_MAX];
	struct json_value header;
	struct json_value name;

	if (!read_object(part, bytes, &header) || json_count(header, "crit") > 0 ||
	    json_count(header, "alg") > 1)
		return JWT_MALFORMED;
	if (!json_find(header, "alg", &name) || name.type != JSON_STRING || rules->secret.size == 0)
		return JWT_ALGORITHM;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if ((rules->algorithms & algorithms[i].bit) == 0 ||
		    !json_string_equal(name.text, slice_of_text(algorithms[i].name)))
			continue;
		*ret_hash = algorithms[i].hash;
		return JWT_OK;
	}
	return JWT_ALGORITHM;
}

static enum jwt_result check_signature(const struct parts *parts, enum hmac_hash hash,
				       struct slice secret)
{
	uint8_t given[JWT_PAYLOAD_MAX]; /* as large as a signature can be: too long is wrong, not
					 * malformed */
	uint8_t mac[HMAC_SIZE_MAX];
	size_t given_size;

	if (!base64url_parse(parts->signature, given, sizeof(given), &given_size))
		return JWT_MALFORMED;
	size_t mac_size = digest_hmac(hash, secret, parts->signed_text, mac);
	bool equal = digest_equal(slice_of(given, given_size), slice_of(mac, mac_size));
	return equal ? JWT_OK : JWT_SIGNATURE;
}

/* A time that is not there leaves *time_s as it is. */
static bool read_time(struct json_value payload, const char *claim, int64_t *time_s)
{
	struct json_value value;

	return !json_find(payload, claim, &value) || json_number_to_i64(value, time_s);
}

static enum jwt_result check_times(struct json_value payload, const struct jwt_rules *rules,
				   int64_t now_s, struct jwt_claims *claims)
{
	int64_t expires_s = INT64_MAX;
	int64_t not_before_s = INT64_MIN;
	int64_t issued_s = INT64_MIN;

	if (!read_time(payload, "exp", &expires_s) || !read_time(payload, "nbf", &not_before_s) ||
	    !read_time(payload, "iat", &issued_s))
		return JWT_MALFORMED;
	/* The leeway goes to our side of the comparison, where nothing overflows. */
	if (expires_s <= now_s - rules->leeway_s)
		return JWT_EXPIRED;
	if (not_before_s > now_s + rules->leeway_s)
		return JWT_NOT_YET;
	claims->expires_s = expires_s;
	claims->issued_s = issued_s;
	return JWT_OK;
}

static bool is_digits(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	return true;
}

/* The text of a string, or the digits of a number. False: neither, or over `capacity`. */
static bool read_text(struct json_value value, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	if (value.type == JSON_STRING)
		return json_string_decode(value.text, bytes, capacity, ret_size);
	if (value.type != JSON_NUMBER || !is_digits(value.text) || value.text.size > capacity)
		return false;
	memcpy(bytes, value.text.bytes, value.text.size);
	*ret_size = value.text.size;
	return true;
}

static bool read_user(struct json_value payload, struct jwt_claims *claims)
{
	struct json_value value;
	size_t i = 0;

	while (i < ARRAY_SIZE(user_claims) && !json_find(payload, user_claims[i], &value))
		i++;
	if (i == ARRAY_SIZE(user_claims) ||
	    !read_text(value, claims->user, sizeof(claims->user), &claims->user_size))
		return false;
	return channel_name_is_valid(slice_of(claims->user, claims->user_size));
}

/* A token id that could not be told apart from another could not be revoked. */
static bool read_jti(struct json_value payload, struct jwt_claims *claims)
{
	struct json_value value;

	return !json_find(payload, "jti", &value) ||
	       read_text(value, claims->jti, sizeof(claims->jti), &claims->jti_size);
}

static bool is_array_of_strings(struct json_value value)
{
	struct json_walk walk;
	struct json_value element;

	if (value.type != JSON_ARRAY)
		return false;
	json_walk_init(&walk, value);
	while (json_walk_element(&walk, &element))
		if (element.type != JSON_STRING)
			return false;
	return true;
}

static void read_rights(struct json_value payload, struct jwt_claims *claims)
{
	struct json_value value;

	claims->admin = json_find(payload, "admin", &value) && value.type == JSON_TRUE;
	if (json_find(payload, "channels", &value) && is_array_of_strings(value))
		claims->channels = value.text;
}

static enum jwt_result read_claims(struct slice part, const struct jwt_rules *rules, int64_t now_s,
				   struct jwt_claims *ret_claims)
{
	struct jwt_claims claims = {.user_size = 0};
	struct json_value payload;

	if (!read_object(part, claims.payload, &payload))
		return JWT_MALFORMED;
	for (size_t i = 0; i < ARRAY_SIZE(single_claims); i++)
		if (json_count(payload, single_claims[i]) > 1)
			return JWT_MALFORMED;
	enum jwt_result result = check_times(payload, rules, now_s, &claims);
	if (result != JWT_OK)
		return result;
	if (!read_user(payload, &claims))
		return JWT_SUBJECT;
	if (!read_jti(payload, &claims))
		return JWT_MALFORMED;
	read_rights(payload, &claims);
	*ret_claims = claims;
	if (!slice_is_absent(claims.channels)) /* it pointed into the payload on our stack */
		ret_claims->channels.bytes =
			ret_claims->payload + (claims.channels.bytes - claims.payload);
	return JWT_OK;
}

enum jwt_result jwt_verify(struct slice token, const struct jwt_rules *rules, int64_t now_s,
			   struct jwt_claims *ret_claims)
{
	struct parts parts;
	enum hmac_hash hash;

	if (token.size == 0)
		return JWT_MISSING;
	if (!split(token, &parts))
		return JWT_MALFORMED;
	enum jwt_result result = read_header(parts.header, rules, &hash);
	if (result == JWT_OK)
		result = check_signature(&parts, hash, rules->secret);
	if (result == JWT_OK)
		result = read_claims(parts.payload, rules, now_s, ret_claims);
	return result;
}

static bool pattern_allows(struct slice pattern, struct slice channel)
{
	if (slice_equal(pattern, channel))
		return true;
	if (pattern.size == 0 || pattern.bytes[pattern.size - 1] != '*')
		return false;
	return slice_starts_with(channel, slice_of(pattern.bytes, pattern.size - 1));
}

bool jwt_allows_channel(const struct jwt_claims *claims, struct slice channel)
{
	uint8_t pattern[CHANNEL_SIZE_MAX + 1]; /* a longer one matches no channel */
	struct json_walk walk;
	struct json_value element;
	size_t size;

	if (slice_is_absent(claims->channels))
		return false;
	json_walk_init(&walk, json_read(claims->channels));
	while (json_walk_element(&walk, &element))
		if (json_string_decode(element.text, pattern, sizeof(pattern), &size) &&
		    pattern_allows(slice_of(pattern, size), channel))
			return true;
	return false;
}
