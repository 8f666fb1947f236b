/* wire/jwt_claims.c - users, times, issuers, rights. */
#include "wire/jwt_claims.h"

#include "wire/base64.h"
#include "wire/channel_name.h"
#include "wire/json.h"

/* The first that is there names the user, unless the configuration names another. */
static const char *const user_claims[] = {"sub", "user_id", "userId"};

/* Two readers could disagree on which of two members counts, so there may be one. */
static const char *const single_claims[] = {"exp", "nbf", "iat",     "jti",   "iss",
					    "aud", "sub", "user_id", "userId"};

static bool has_single_claims(struct json_value payload, const struct jwt_rules *rules)
{
	const char *const configured[] = {rules->claim_user, rules->claim_channels,
					  rules->claim_admin};

	for (size_t i = 0; i < ARRAY_SIZE(single_claims); i++)
		if (json_count(payload, single_claims[i]) > 1)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(configured); i++)
		if (json_count(payload, configured[i]) > 1)
			return false;
	return true;
}

/* A time that is not there leaves *time_s as it is. */
static bool read_time(struct json_value payload, const char *claim, int64_t *time_s)
{
	struct json_value value;

	return !json_find(payload, claim, &value) || json_number_to_i64(value, time_s);
}

static bool read_times(struct json_value payload, struct jwt_claims *claims)
{
	claims->expires_s = INT64_MAX;
	claims->not_before_s = INT64_MIN;
	claims->issued_s = INT64_MIN;
	return read_time(payload, "exp", &claims->expires_s) &&
	       read_time(payload, "nbf", &claims->not_before_s) &&
	       read_time(payload, "iat", &claims->issued_s);
}

enum jwt_result jwt_claims_times(int64_t expires_s, int64_t not_before_s, int64_t leeway_s,
				 int64_t now_s)
{
	/* The leeway goes to our side of the comparison, where nothing overflows. */
	if (expires_s <= now_s - leeway_s)
		return JWT_EXPIRED;
	if (not_before_s > now_s + leeway_s)
		return JWT_NOT_YET;
	return JWT_OK;
}

static bool is_named(struct json_value value, const struct jwt_names *names)
{
	if (value.type != JSON_STRING)
		return false;
	for (uint32_t i = 0; i < names->count; i++)
		if (json_string_equal(value.text, slice_of_text(names->items[i])))
			return true;
	return false;
}

static bool has_issuer(struct json_value payload, const struct jwt_names *names)
{
	struct json_value value;

	return names->count == 0 || (json_find(payload, "iss", &value) && is_named(value, names));
}

/* One string, or an array of them of which one is enough (RFC 7519 section 4.1.3). */
static bool has_audience(struct json_value payload, const struct jwt_names *names)
{
	struct json_value value;
	struct json_value element;
	struct json_walk walk;

	if (names->count == 0)
		return true;
	if (!json_find(payload, "aud", &value))
		return false;
	if (value.type != JSON_ARRAY)
		return is_named(value, names);
	json_walk_init(&walk, value);
	while (json_walk_element(&walk, &element))
		if (is_named(element, names))
			return true;
	return false;
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

static bool find_user(struct json_value payload, const char *configured,
		      struct json_value *ret_value)
{
	if (configured[0])
		return json_find(payload, configured, ret_value);
	for (size_t i = 0; i < ARRAY_SIZE(user_claims); i++)
		if (json_find(payload, user_claims[i], ret_value))
			return true;
	return false;
}

static bool read_user(struct json_value payload, const char *configured, struct jwt_claims *claims)
{
	struct json_value value;

	if (!find_user(payload, configured, &value) ||
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

static void read_rights(struct json_value payload, const struct jwt_rules *rules,
			struct jwt_claims *claims)
{
	struct json_value value;

	claims->admin = rules->claim_admin[0] && json_find(payload, rules->claim_admin, &value) &&
			value.type == JSON_TRUE;
	if (rules->claim_channels[0] && json_find(payload, rules->claim_channels, &value) &&
	    is_array_of_strings(value))
		claims->channels = value.text;
}

static bool read_object(struct slice part, struct jwt_claims *claims, struct json_value *ret_object)
{
	size_t size;

	if (!base64url_parse(part, claims->payload, sizeof(claims->payload), &size) ||
	    !json_is_valid(slice_of(claims->payload, size)))
		return false;
	*ret_object = json_read(slice_of(claims->payload, size));
	return ret_object->type == JSON_OBJECT;
}

static enum jwt_result read_claims(struct json_value payload, const struct jwt_rules *rules,
				   int64_t now_s, struct jwt_claims *claims)
{
	if (!has_single_claims(payload, rules) || !read_times(payload, claims))
		return JWT_MALFORMED;
	enum jwt_result result =
		jwt_claims_times(claims->expires_s, claims->not_before_s, rules->leeway_s, now_s);

	if (result != JWT_OK)
		return result;
	if (!has_issuer(payload, &rules->issuers))
		return JWT_ISSUER;
	if (!has_audience(payload, &rules->audiences))
		return JWT_AUDIENCE;
	if (!read_user(payload, rules->claim_user, claims))
		return JWT_SUBJECT;
	if (!read_jti(payload, claims))
		return JWT_MALFORMED;
	read_rights(payload, rules, claims);
	return JWT_OK;
}

enum jwt_result jwt_claims_read(struct slice part, const struct jwt_rules *rules, int64_t now_s,
				struct jwt_claims *ret_claims)
{
	struct jwt_claims claims = {.user_size = 0};
	struct json_value payload;

	if (!read_object(part, &claims, &payload))
		return JWT_MALFORMED;
	enum jwt_result result = read_claims(payload, rules, now_s, &claims);

	if (result != JWT_OK)
		return result;
	*ret_claims = claims;
	if (!slice_is_absent(claims.channels)) /* it pointed into the payload on our stack */
		ret_claims->channels.bytes =
			ret_claims->payload + (claims.channels.bytes - claims.payload);
	return JWT_OK;
}
