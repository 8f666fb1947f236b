/* wire/jwks.c - members of a key, one by one. */
#include "wire/jwks.h"

#include "wire/base64.h"
#include "wire/jwt.h"
#include "wire/signature.h"

#define TEXT_SIZE_MAX 8192 /* of one member, decoded: a secret of 6,144 bytes */

/* Two readers could disagree on which of two members counts, so there may be one. */
static const char *const single_members[] = {"kty", "use", "key_ops", "alg", "kid", "n",
					     "e",   "crv", "x",       "y",   "k"};

/* One key on its way. */
struct reading {
	struct json_value source;
	uint8_t *at; /* room that is left */
	uint8_t *end;
	struct jwt_key key;
};

const char *jwks_open(struct slice text, struct jwks *ret_jwks)
{
	struct json_value keys;

	if (!json_is_valid(text))
		return "is not JSON";
	struct json_value set = json_read(text);

	if (json_count(set, "keys") != 1 || !json_find(set, "keys", &keys) ||
	    keys.type != JSON_ARRAY)
		return "is no set of keys: it has no array \"keys\"";
	json_walk_init(&ret_jwks->walk, keys);
	return NULL;
}

/* A string member, as it is meant. False: there is none, or it is longer than `capacity`. */
static bool read_text(struct json_value source, const char *name, uint8_t *bytes, size_t capacity,
		      struct slice *ret_text)
{
	struct json_value value;
	size_t size;

	if (!json_find(source, name, &value) || value.type != JSON_STRING ||
	    !json_string_decode(value.text, bytes, capacity, &size))
		return false;
	*ret_text = slice_of(bytes, size);
	return true;
}

/* A string member of few characters; empty: it is there and is none. Absent: it is not there. */
static struct slice read_word(struct json_value source, const char *name, uint8_t word[16])
{
	struct json_value value;
	struct slice text;

	if (!json_find(source, name, &value))
		return (struct slice){NULL, 0};
	return read_text(source, name, word, 16, &text) ? text : SLICE("");
}

/* Decodes a member in base64url into the room. */
static bool read_bytes(struct reading *reading, const char *name, struct slice *ret_bytes)
{
	uint8_t text[TEXT_SIZE_MAX];
	struct slice digits;
	size_t size;

	if (!read_text(reading->source, name, text, sizeof(text), &digits) ||
	    !base64url_parse(digits, reading->at, (size_t)(reading->end - reading->at), &size))
		return false;
	*ret_bytes = slice_of(reading->at, size);
	reading->at += size;
	return true;
}

/* Leading zeros, which section 2 of RFC 7518 forbids and some write, change nothing. */
static struct slice without_zeros(struct slice number)
{
	while (number.size > 0 && number.bytes[0] == 0)
		number = slice_skip(number, 1);
	return number;
}

static const char *read_rsa(struct reading *reading)
{
	struct jwt_key *key = &reading->key;

	if (!read_bytes(reading, "n", &key->bytes) || !read_bytes(reading, "e", &key->exponent))
		return "has no n and e in base64url";
	key->type = JWT_KEY_RSA;
	key->bytes = without_zeros(key->bytes);
	key->exponent = without_zeros(key->exponent);
	return NULL;
}

static const char *read_ec(struct reading *reading, bool is_p384)
{
	struct jwt_key *key = &reading->key;
	size_t half = is_p384 ? 48 : 32;
	uint8_t *point = reading->at;
	struct slice x;
	struct slice y;

	*reading->at++ = 4; /* not compressed */
	if (!read_bytes(reading, "x", &x) || !read_bytes(reading, "y", &y) || x.size != half ||
	    y.size != half)
		return "has no x and y in base64url, of the size of its curve";
	key->type = is_p384 ? JWT_KEY_P384 : JWT_KEY_P256;
	key->bytes = slice_of(point, 1 + 2 * half);
	return NULL;
}

static const char *read_secret(struct reading *reading)
{
	reading->key.type = JWT_KEY_SECRET;
	return read_bytes(reading, "k", &reading->key.bytes) ? NULL : "has no k in base64url";
}

/* ---- what a set may have that is of no use here ---- */

static bool is_for_verifying(struct json_value source)
{
	uint8_t word[16];
	struct slice use = read_word(source, "use", word);
	struct json_value operations;
	struct json_value element;
	struct json_walk walk;

	if (!slice_is_absent(use) && !slice_equal_text(use, "sig"))
		return false;
	if (!json_find(source, "key_ops", &operations))
		return true;
	if (operations.type != JSON_ARRAY)
		return false;
	json_walk_init(&walk, operations);
	while (json_walk_element(&walk, &element))
		if (json_string_equal(element.text, SLICE("verify")))
			return true;
	return false;
}

static enum jwks_answer passed(const char *reason, const char **ret_reason)
{
	*ret_reason = reason;
	return JWKS_PASSED;
}

static enum jwks_answer wrong(const char *reason, const char **ret_reason)
{
	*ret_reason = reason;
	return JWKS_WRONG;
}

static enum jwks_answer read_by_type(struct reading *reading, const char **ret_reason)
{
	uint8_t type_word[16];
	uint8_t curve_word[16];
	struct slice type = read_word(reading->source, "kty", type_word);
	struct slice curve = read_word(reading->source, "crv", curve_word);
	const char *reason;

	if (slice_is_absent(type))
		return wrong("has no kty", ret_reason);
	if (slice_equal_text(type, "RSA"))
		reason = read_rsa(reading);
	else if (slice_equal_text(type, "oct"))
		reason = read_secret(reading);
	else if (!slice_equal_text(type, "EC"))
		return passed("is of a type that is not verified here", ret_reason);
	else if (slice_equal_text(curve, "P-256") || slice_equal_text(curve, "P-384"))
		reason = read_ec(reading, slice_equal_text(curve, "P-384"));
	else
		return passed("is of a curve that is not verified here", ret_reason);
	return reason ? wrong(reason, ret_reason) : JWKS_KEY;
}

static enum jwks_answer read_algorithm(struct reading *reading, const char **ret_reason)
{
	uint8_t word[16];
	struct slice name = read_word(reading->source, "alg", word);

	reading->key.algorithms = signature_algorithms(reading->key.type);
	if (slice_is_absent(name))
		return JWKS_KEY;
	reading->key.algorithms = jwt_algorithm_named(name);
	return reading->key.algorithms
		       ? JWKS_KEY
		       : passed("is for an algorithm that is not verified here", ret_reason);
}

static bool read_kid(struct reading *reading)
{
	struct json_value value;
	struct slice kid;

	if (!json_find(reading->source, "kid", &value))
		return true;
	if (!read_text(reading->source, "kid", reading->at, KID_SIZE_MAX, &kid))
		return false;
	reading->key.kid = kid;
	reading->at += kid.size;
	return true;
}

static bool has_single_members(struct json_value source)
{
	for (size_t i = 0; i < ARRAY_SIZE(single_members); i++)
		if (json_count(source, single_members[i]) > 1)
			return false;
	return true;
}

static enum jwks_answer read_key(struct reading *reading, const char **ret_reason)
{
	struct json_value source = reading->source;

	if (source.type != JSON_OBJECT)
		return wrong("is no JSON object", ret_reason);
	if (!has_single_members(source))
		return wrong("has a member twice", ret_reason);
	if (!is_for_verifying(source))
		return passed("is not for verifying signatures", ret_reason);
	if (json_count(source, "d") > 0)
		return wrong("is a private key; give the public half, and keep the other away from "
			     "here",
			     ret_reason);
	if (!read_kid(reading))
		return wrong("has a kid that is no string of at most 255 bytes", ret_reason);
	enum jwks_answer answer = read_by_type(reading, ret_reason);

	if (answer == JWKS_KEY)
		answer = read_algorithm(reading, ret_reason);
	if (answer != JWKS_KEY)
		return answer;
	const char *reason = signature_check_key(&reading->key);

	return reason ? wrong(reason, ret_reason) : JWKS_KEY;
}

enum jwks_answer jwks_next(struct jwks *jwks, uint8_t room[JWKS_KEY_ROOM], struct jwt_key *ret_key,
			   const char **ret_reason)
{
	struct reading reading = {.at = room, .end = room + JWKS_KEY_ROOM};

	if (!json_walk_element(&jwks->walk, &reading.source))
		return JWKS_END;
	enum jwks_answer answer = read_key(&reading, ret_reason);

	if (answer == JWKS_KEY)
		*ret_key = reading.key;
	return answer;
}
