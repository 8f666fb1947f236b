/* shard/identity.c - tokens, origins, permissions. */
#include "shard/identity.h"

#include "wire/channel_name.h"
#include "wire/origin.h"

/* The value of an Authorization header of the scheme Bearer; absent for another scheme. */
static struct slice bearer_of(struct slice header)
{
	struct slice scheme = slice_cut(&header, ' ');

	if (slice_is_absent(scheme) || !slice_equal_fold(scheme, SLICE("Bearer")))
		return (struct slice){NULL, 0};
	return slice_is_absent(header) ? SLICE("") : slice_trim(header);
}

/* The token as it came; `room`, of TOKEN_SIZE_MAX bytes, holds it when it had to be decoded. */
static struct slice find_token(const struct config *config, const struct identity_request *request,
			       uint8_t *room)
{
	struct slice token = bearer_of(http_head_find(request->head, "Authorization"));
	size_t size;

	if (!slice_is_absent(token))
		return token;
	token = http_query_find(request->head->query, "token");
	if (!slice_is_absent(token))
		return http_percent_decode(token, room, TOKEN_SIZE_MAX, &size)
			       ? slice_of(room, size)
			       : SLICE("");
	if (ws_handshake_offers(request->protocols, "bearer.", false, &token))
		return token;
	if (config->token_cookie[0] != '\0')
		return http_cookie_find(request->head, config->token_cookie);
	return (struct slice){NULL, 0};
}

static enum jwt_result take_user(const uint8_t *bytes, size_t size, struct jwt_claims *ret_claims)
{
	if (size == 0 || size > USER_SIZE_MAX || !channel_name_is_valid(slice_of(bytes, size)))
		return JWT_SUBJECT;
	memcpy(ret_claims->user, bytes, size);
	ret_claims->user_size = size;
	ret_claims->jti_size = 0;
	ret_claims->issued_s = INT64_MIN;
	ret_claims->expires_s = INT64_MAX;
	ret_claims->not_before_s = INT64_MIN;
	ret_claims->admin = false;
	ret_claims->channels = (struct slice){NULL, 0};
	return JWT_OK;
}

static enum jwt_result unverified(const struct identity_request *request,
				  struct jwt_claims *ret_claims)
{
	struct slice text = http_query_find(request->head->query, "user_id");
	uint8_t decoded[USER_SIZE_MAX];
	size_t size;

	if (!slice_is_absent(text)) {
		if (!http_percent_decode(text, decoded, sizeof(decoded), &size))
			return JWT_SUBJECT;
		return take_user(decoded, size, ret_claims);
	}
	if (request->match->route->owner == ROUTE_OF_USER)
		return take_user(request->match->parameter, request->match->parameter_size,
				 ret_claims);
	return take_user((const uint8_t *)"anonymous", 9, ret_claims);
}

bool identity_must_wait(const struct config *config, const struct tokens *tokens,
			const struct identity_request *request)
{
	uint8_t room[TOKEN_SIZE_MAX];

	if (config->auth == CONFIG_AUTH_NONE || tokens->budget > 0)
		return false;
	struct slice token = find_token(config, request, room);

	return !slice_is_absent(token) && tokens_must_wait(tokens, token);
}

enum jwt_result identity_of_request(const struct config *config, struct tokens *tokens,
				    const struct identity_request *request, int64_t now_s,
				    struct jwt_claims *ret_claims)
{
	uint8_t room[TOKEN_SIZE_MAX];
	struct slice token;

	if (config->auth == CONFIG_AUTH_NONE)
		return unverified(request, ret_claims);
	token = find_token(config, request, room);
	if (slice_is_absent(token))
		return JWT_MISSING;
	return tokens_verify(tokens, token, now_s, ret_claims);
}

bool identity_allows_origin(const struct config *config, const struct http_head *head)
{
	return origin_judge(&config->allow_origin, head) != ORIGIN_REFUSED;
}

static enum config_who rule_for(const struct config_rule_list *rules, struct slice namespace)
{
	enum config_who fallback = CONFIG_WHO_NONE;

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct config_rule *rule = &rules->items[i];

		if (slice_equal_text(namespace, rule->pattern))
			return rule->who;
		if (strcmp(rule->pattern, "*") == 0)
			fallback = rule->who;
	}
	return fallback;
}

/* user:{self}, feed:{self} and typing:{self} are the user's own. */
static bool is_own(struct slice namespace, struct slice channel, struct slice user)
{
	if (!slice_equal_text(namespace, "user") && !slice_equal_text(namespace, "feed") &&
	    !slice_equal_text(namespace, "typing"))
		return false;
	return channel.size > namespace.size &&
	       slice_equal(slice_skip(channel, namespace.size + 1), user);
}

static bool claims_allow(const char *claims_text, struct slice channel)
{
	struct jwt_claims claims;

	if (!claims_text)
		return false;
	claims.channels = slice_of_text(claims_text);
	return jwt_allows_channel(&claims, channel);
}

bool identity_allows_channel(const struct config *config, const struct identity_asker *asker,
			     struct slice channel)
{
	struct slice namespace = channel_name_namespace(channel);

	if (slice_equal_text(namespace, "conn"))
		return false; /* each connection has its own, from the start */
	if (is_own(namespace, channel, asker->user))
		return true;
	switch (rule_for(&config->subscribe_rules, namespace)) {
	case CONFIG_WHO_ANY:
		return !slice_equal_text(namespace, "user");
	case CONFIG_WHO_CLAIM:
		return asker->is_admin || claims_allow(asker->claims, channel);
	case CONFIG_WHO_NONE:
		return false;
	}
	return false;
}

/* Everybody trusts what comes by these. */
static bool is_reserved(struct slice namespace)
{
	return slice_equal_text(namespace, "all") || slice_equal_text(namespace, "conn") ||
	       slice_equal_text(namespace, "user");
}

bool identity_may_publish(const struct config *config, const struct identity_asker *asker,
			  struct slice channel)
{
	struct slice namespace = channel_name_namespace(channel);

	if (is_reserved(namespace) && !asker->is_admin)
		return false;
	switch (rule_for(&config->publish_rules, namespace)) {
	case CONFIG_WHO_ANY:
		return true;
	case CONFIG_WHO_CLAIM:
		return asker->is_admin || claims_allow(asker->claims, channel);
	case CONFIG_WHO_NONE:
		return false;
	}
	return false;
}
