/* shard/admission.c - the checks in order, then what a connection holds, then the router. */
#include "shard/admission.h"

#include <stdlib.h>

#include "shard/peer.h"
#include "shard/rate.h"
#include "shard/receipts.h"
#include "shard/resume.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "wire/config_switch.h"

static const struct refusal full = {
	{503, "overload", "this node has as many connections as it takes", NULL},
	CLOSE_OVERLOAD,
};
static const struct refusal address_full = {
	{429, "too_many_connections", "too many connections from this address", NULL},
	CLOSE_OVERLOAD,
};
static const struct refusal node_rate = {
	{503, "overload", "this node is asked for more handshakes than it takes", NULL},
	CLOSE_OVERLOAD,
};
static const struct refusal address_rate = {
	{429, "rate_limited", "too many handshakes from this address", NULL},
	CLOSE_RATE,
};
static const struct refusal bad_origin = {
	{403, "origin", "pages of this origin may not connect", NULL},
	CLOSE_NOT_ALLOWED,
};
static const struct refusal wrong_user = {
	{403, "not_allowed", "this path belongs to another user", NULL},
	CLOSE_NOT_ALLOWED,
};
static const struct refusal user_full = {
	{429, "too_many_connections", "the user has as many connections as allowed", NULL},
	CLOSE_USER_LIMIT,
};
static const struct refusal revoked = {
	{401, "token_revoked", "the token was revoked", NULL},
	CLOSE_REVOKED,
};
static const struct refusal disconnected = {
	{403, "disconnected", "the backend has disconnected this user", NULL},
	CLOSE_DISCONNECTED,
};
static const struct refusal not_read = {
	{503, "log_unavailable", "the log is not read yet", NULL},
	CLOSE_OVERLOAD,
};
const struct refusal admission_no_memory = {
	{503, "overload", "out of memory", NULL},
	CLOSE_OVERLOAD,
};

const struct refusal *admission_check_socket(const struct shard *shard, const struct conn *conn,
					     const struct http_head *head)
{
	struct peer peer;

	if (conn->verdict == HANDOFF_FULL)
		return &full;
	if (conn->verdict == HANDOFF_ADDRESS_FULL)
		return &address_full;
	peer = peer_of_request(shard, conn, head);
	peer_note(shard, conn, &peer);
	switch (rate_on_handshake(shard, &peer)) {
	case RATE_HANDSHAKE_OK:
		break;
	case RATE_HANDSHAKE_NODE:
		counter_add(&shard->counters->handshakes_limited, 1);
		return &node_rate;
	case RATE_HANDSHAKE_ADDRESS:
		counter_add(&shard->counters->handshakes_limited, 1);
		return &address_rate;
	}
	return identity_allows_origin(shard->config, head) ? NULL : &bad_origin;
}

static bool is_allowed(const struct route_match *match, const struct jwt_claims *claims)
{
	return match->route->owner != ROUTE_OF_USER || claims->admin ||
	       slice_equal(slice_of(match->parameter, match->parameter_size),
			   slice_of(claims->user, claims->user_size));
}

const struct refusal *admission_refusal(const struct conn *conn)
{
	ASSERT(conn->state == CONN_ATTACHING);
	switch (conn->reason) {
	case CLOSE_REVOKED:
		return &revoked;
	case CLOSE_DISCONNECTED:
		return &disconnected;
	case CLOSE_HANDSHAKE:
		return &not_read;
	case CLOSE_OVERLOAD:
		return &address_full;
	default:
		return &user_full;
	}
}

bool admission_check(struct shard *shard, const struct conn *conn,
		     const struct identity_request *request, struct jwt_claims *ret_claims,
		     struct refusal *ret_refusal)
{
	const struct refusal *refusal = admission_check_socket(shard, conn, request->head);
	enum jwt_result result;

	if (refusal) {
		*ret_refusal = *refusal;
		return false;
	}
	result = identity_of_request(shard->config, &shard->tokens, request,
				     (int64_t)(shard->unix_ms / 1000), ret_claims);
	if (result != JWT_OK) {
		*ret_refusal = (struct refusal){
			{401, jwt_result_code(result), jwt_result_text(result), NULL},
			CLOSE_TOKEN,
		};
		return false;
	}
	if (!is_allowed(request->match, ret_claims)) {
		*ret_refusal = wrong_user;
		return false;
	}
	return true;
}

static bool remember(struct conn *conn, const struct jwt_claims *claims)
{
	free(conn->claims);
	conn->claims = NULL;
	conn->expires_s = claims->expires_s < UINT32_MAX ? (uint32_t)claims->expires_s : UINT32_MAX;
	conn_clear(conn, CONN_EXPIRING);
	conn_clear(conn, CONN_WARNED);
	conn_clear(conn, CONN_ADMIN);
	if (claims->admin)
		conn_set(conn, CONN_ADMIN);
	if (slice_is_absent(claims->channels))
		return true;
	conn->claims = slice_to_text(claims->channels);
	return conn->claims != NULL;
}

static struct slice jti_of(const struct jwt_claims *claims)
{
	return claims->jti_size > 0 ? slice_of(claims->jti, claims->jti_size)
				    : (struct slice){NULL, 0};
}

bool admission_renew(struct shard *shard, struct conn *conn, const struct jwt_claims *claims)
{
	if (!remember(conn, claims))
		return false;
	receipts_token(shard, conn, jti_of(claims), claims->issued_s);
	return true;
}

/* all, and the channels of the route. */
static bool hold_channels(struct shard *shard, struct conn *conn, const struct route_match *match)
{
	struct slice user = subscriptions_user(shard, conn);
	uint8_t name[CHANNEL_SIZE_MAX];
	uint32_t channel;

	if (!subscriptions_add(shard, conn, SLICE("all"), &channel))
		return false;
	ASSERT(channel == CHANNEL_ALL + conn->encoding);
	for (uint32_t i = 0; i < ROUTE_CHANNELS_MAX; i++) {
		struct slice text = route_channel(match, i, user, name);

		if (!slice_is_absent(text) && !subscriptions_add(shard, conn, text, &channel))
			return false;
	}
	return true;
}

/* Is held already, as one of the route or by another mention of it. */
static bool holds(struct shard *shard, struct conn *conn, struct slice name)
{
	const struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (slice_equal(channel_name(channels_at(&shard->channels, all[i].channel)), name))
			return true;
	return false;
}

static bool hold_more(struct shard *shard, struct conn *conn, struct slice names)
{
	uint32_t channel;

	while (!slice_is_absent(names)) {
		struct slice name = slice_cut(&names, ',');

		if (name.size > 0 && !holds(shard, conn, name) &&
		    !subscriptions_add(shard, conn, name, &channel))
			return false;
	}
	return true;
}

/* The channel of the identity that the client wants to take up, held before the router is asked,
 * so that nothing that comes for it is missed. */
static bool hold_identity(struct shard *shard, struct conn *conn, const struct resume *resume)
{
	char name[SUBSCRIPTIONS_CONN_SIZE];
	uint32_t channel;

	if (!resume->has_identity)
		return true;
	memcpy(name, "conn:", 5);
	memcpy(name + 5, resume->identity, sizeof(resume->identity));
	return subscriptions_add(shard, conn, slice_of(name, sizeof(name)), &channel);
}

static bool ask_router(struct shard *shard, struct conn *conn, const struct admission *admission)
{
	const struct resume *resume = admission->resume;
	struct recovery_wish wish = {
		.has_after = resume->has_after,
		.after = resume->after,
		.jti = jti_of(admission->claims),
		.issued_s = admission->claims->issued_s,
	};

	if (resume->device_size > 0)
		wish.device = slice_of(resume->device, resume->device_size);
	if (resume->has_identity)
		wish.identity = slice_of(resume->identity, sizeof(resume->identity));
	return recovery_attach(shard, conn, &wish);
}

/* By the path below /ws, whatever tree it was found in, without a parameter. */
static bool hands_on_unknown(const struct config *config, const struct route_match *match)
{
	uint8_t bytes[CHANNEL_SIZE_MAX];
	struct writer writer;

	if (!config->redis_server.on || !config->upstream)
		return false;
	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "/ws");
	writer_text(&writer, match->route->path);
	ASSERT(!writer.overflow);
	if (match->route->owner != ROUTE_NO_PARAMETER)
		writer.size--; /* the slash before it */
	return config_switch_for(&config->upstream_rules, writer_written(&writer));
}

bool admission_enter(struct shard *shard, struct conn *conn, const struct admission *admission)
{
	const struct jwt_claims *claims = admission->claims;
	struct slice user = slice_of(claims->user, claims->user_size);

	if (!subscriptions_hold_user(shard, conn, user) || !remember(conn, claims) ||
	    !hold_channels(shard, conn, admission->match) ||
	    !hold_more(shard, conn, admission->channels) ||
	    !hold_identity(shard, conn, admission->resume) || !ask_router(shard, conn, admission))
		return false;
	conn->state = CONN_ATTACHING;
	conn_set(conn, CONN_ATTACHED);
	if (hands_on_unknown(shard->config, admission->match))
		conn_set(conn, CONN_UPSTREAM);
	return true;
}

/* The router has not granted the identity: the connection has its own. */
static void drop_identity(struct shard *shard, struct conn *conn)
{
	struct subscription *identity = subscriptions_identity(shard, conn);

	if (identity)
		subscriptions_remove(shard, conn, identity);
}

void admission_settle(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	ASSERT(conn->state == CONN_ATTACHING);
	if (!attached->has_identity)
		drop_identity(shard, conn);
	conn->state = CONN_OPEN;
	conn_set(conn, CONN_UPGRADED);
	counter_add(&shard->counters->handshakes, 1);
	counter_add(&shard->counters->connections, 1);
	conn->heard_ms = conn->active_ms = (uint32_t)shard->now_ms;
}
