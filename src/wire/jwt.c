/* wire/jwt.c - nothing in a token is believed before its signature is. */
#include "wire/jwt.h"

#include "wire/base64.h"
#include "wire/json.h"
#include "wire/signature.h"

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
} algorithms[] = {
	{"HS256", JWT_HS256}, {"HS384", JWT_HS384}, {"HS512", JWT_HS512}, {"RS256", JWT_RS256},
	{"RS384", JWT_RS384}, {"RS512", JWT_RS512}, {"ES256", JWT_ES256}, {"ES384", JWT_ES384},
};

/* A token cut at its dots. */
struct parts {
	struct slice header;
	struct slice payload;
	struct slice signature;
	struct slice signed_text; /* header, dot, payload */
};

/* Of the header. */
struct wish {
	unsigned algorithm;        /* one bit */
	bool has_kid;              /* otherwise the rest is not set */
	uint8_t kid[KID_SIZE_MAX]; /* decoded */
	size_t kid_size;
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

unsigned jwt_algorithm_named(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (slice_equal_text(name, algorithms[i].name))
			return algorithms[i].bit;
	return 0;
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

/* 0: it is missing, no string, or none that is verified here. */
static unsigned read_algorithm(struct json_value header)
{
	struct json_value name;
	uint8_t text[8];
	size_t size;

	if (!json_find(header, "alg", &name) || name.type != JSON_STRING ||
	    !json_string_decode(name.text, text, sizeof(text), &size))
		return 0;
	return jwt_algorithm_named(slice_of(text, size));
}

/* A name that is longer than any key's fits no key. */
static enum jwt_result read_kid(struct json_value header, struct wish *wish)
{
	struct json_value value;

	wish->has_kid = json_find(header, "kid", &value);
	if (!wish->has_kid)
		return JWT_OK;
	if (value.type != JSON_STRING)
		return JWT_MALFORMED;
	return json_string_decode(value.text, wish->kid, sizeof(wish->kid), &wish->kid_size)
		       ? JWT_OK
		       : JWT_KEY;
}

static enum jwt_result read_header(struct slice part, struct wish *ret_wish)
{
	uint8_t bytes[JWT_PAYLOAD_MAX];
	size_t size;

	if (!base64url_parse(part, bytes, sizeof(bytes), &size) ||
	    !json_is_valid(slice_of(bytes, size)))
		return JWT_MALFORMED;
	struct json_value header = json_read(slice_of(bytes, size));

	if (header.type != JSON_OBJECT || json_count(header, "crit") > 0 ||
	    json_count(header, "alg") > 1 || json_count(header, "kid") > 1)
		return JWT_MALFORMED;
	ret_wish->algorithm = read_algorithm(header);
	return ret_wish->algorithm == 0 ? JWT_ALGORITHM : read_kid(header, ret_wish);
}

/* ---- keys ---- */

static bool has_name(const struct jwt_key *key, const struct wish *wish)
{
	return !slice_is_absent(key->kid) &&
	       slice_equal(key->kid, slice_of(wish->kid, wish->kid_size));
}

static bool some_key_has_name(const struct jwt_rules *rules, const struct wish *wish)
{
	for (uint32_t i = 0; wish->has_kid && i < rules->keys_count; i++)
		if (has_name(&rules->keys[i], wish))
			return true;
	return false;
}

static bool some_key_is_for(const struct jwt_rules *rules, unsigned algorithm)
{
	for (uint32_t i = 0; i < rules->keys_count; i++)
		if (rules->keys[i].algorithms & algorithm)
			return true;
	return false;
}

static bool fits(const struct jwt_key *key, const struct wish *wish, bool is_named)
{
	if ((key->algorithms & wish->algorithm) == 0)
		return false;
	if (!wish->has_kid)
		return true;
	return is_named ? has_name(key, wish) : slice_is_absent(key->kid);
}

/* Pointers to the keys that the token may be signed with. */
static uint32_t find_keys(const struct jwt_rules *rules, const struct wish *wish,
			  const struct jwt_key *ret_keys[JWT_TRIES_MAX])
{
	bool is_named = some_key_has_name(rules, wish);
	uint32_t count = 0;

	for (uint32_t i = 0; i < rules->keys_count && count < JWT_TRIES_MAX; i++)
		if (fits(&rules->keys[i], wish, is_named))
			ret_keys[count++] = &rules->keys[i];
	return count;
}

static enum jwt_result check_signature(const struct parts *parts, const struct jwt_rules *rules,
				       const struct wish *wish, uint32_t *cost)
{
	uint8_t given[JWT_PAYLOAD_MAX]; /* as large as a signature can be: too long is wrong, not
					 * malformed */
	const struct jwt_key *keys[JWT_TRIES_MAX];
	size_t size;

	if (!some_key_is_for(rules, wish->algorithm))
		return JWT_ALGORITHM;
	uint32_t count = find_keys(rules, wish, keys);

	if (count == 0)
		return JWT_KEY;
	if (!base64url_parse(parts->signature, given, sizeof(given), &size))
		return JWT_MALFORMED;
	for (uint32_t i = 0; i < count; i++) {
		*cost += signature_cost(keys[i]);
		if (signature_verify(keys[i], wish->algorithm, parts->signed_text,
				     slice_of(given, size)))
			return JWT_OK;
	}
	return JWT_SIGNATURE;
}

enum jwt_result jwt_verify(struct slice token, const struct jwt_rules *rules, int64_t now_s,
			   uint32_t *cost, struct jwt_claims *ret_claims)
{
	struct parts parts;
	struct wish wish;

	if (token.size == 0)
		return JWT_MISSING;
	if (!split(token, &parts))
		return JWT_MALFORMED;
	enum jwt_result result = read_header(parts.header, &wish);

	if (result == JWT_OK)
		result = check_signature(&parts, rules, &wish, cost);
	if (result == JWT_OK)
		result = jwt_claims_read(parts.payload, rules, now_s, ret_claims);
	return result;
}

uint32_t jwt_cost(struct slice token, const struct jwt_rules *rules)
{
	const struct jwt_key *keys[JWT_TRIES_MAX];
	struct parts parts;
	struct wish wish;
	uint32_t cost = 0;

	if (!split(token, &parts) || read_header(parts.header, &wish) != JWT_OK)
		return 0;
	uint32_t count = find_keys(rules, &wish, keys);

	for (uint32_t i = 0; i < count; i++)
		cost += signature_cost(keys[i]);
	return cost;
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
