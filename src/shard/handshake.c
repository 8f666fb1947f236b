/* shard/handshake.c - the checks of an upgrade, in order, and the two ways to say no. */
#include "shard/handshake.h"

#include <stdlib.h>

#include "shard/http.h"
#include "shard/identity.h"
#include "shard/receive.h"
#include "shard/resume.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/envelope.h"
#include "wire/http_head.h"
#include "wire/ws_handshake.h"

#define SUBPROTOCOL "belfry"
#define UPGRADE_SIZE_MAX 512
#define CONNECTED_SIZE_MAX 2304 /* a user id of 250 bytes, each escaped, and the rest */

struct refusal {
	struct http_refusal http;
	enum close_reason reason; /* for a client that is told after the upgrade */
};

static const struct refusal full = {
	{503, "overload", "this node has as many connections as it takes", "Retry-After: 5\r\n"},
	CLOSE_OVERLOAD,
};
static const struct refusal address_full = {
	{429, "too_many_connections", "too many connections from this address",
	 "Retry-After: 30\r\n"},
	CLOSE_OVERLOAD,
};
static const struct refusal user_full = {
	{429, "too_many_connections", "the user has as many connections as allowed",
	 "Retry-After: 30\r\n"},
	CLOSE_USER_LIMIT,
};
static const struct refusal bad_origin = {
	{403, "origin", "pages of this origin may not connect", NULL},
	CLOSE_NOT_ALLOWED,
};
static const struct refusal wrong_user = {
	{403, "not_allowed", "this path belongs to another user", NULL},
	CLOSE_NOT_ALLOWED,
};
static const struct refusal no_memory = {
	{503, "overload", "out of memory", "Retry-After: 5\r\n"},
	CLOSE_OVERLOAD,
};

/* Writes the 101 answer to the outbox: it goes out together with what follows it. */
static bool accept_upgrade(struct conn *conn, struct slice key)
{
	uint8_t bytes[UPGRADE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	ws_handshake_write(&writer, key, conn_has(conn, CONN_SUBPROTOCOL) ? SUBPROTOCOL : NULL);
	ASSERT(!writer.overflow);
	return outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) == STATUS_OK;
}

static void refuse(struct shard *shard, struct conn *conn, struct slice key,
		   const struct refusal *refusal)
{
	if (conn_has(conn, CONN_SUBPROTOCOL) && accept_upgrade(conn, key)) {
		counter_add(&shard->counters->refusals, 1);
		conn_set(conn, CONN_UPGRADED);
		conn_close(shard, conn, refusal->reason);
		return;
	}
	http_refuse(shard, conn, &refusal->http);
}

/* The upgrade itself. False: it was refused. */
static bool check_upgrade(struct shard *shard, struct conn *conn, const struct http_head *head,
			  struct ws_handshake *ret)
{
	struct slice rest;

	switch (ws_handshake_check(head, ret)) {
	case 101:
		if (ws_handshake_offers(ret->protocols, SUBPROTOCOL, true, &rest))
			conn_set(conn, CONN_SUBPROTOCOL);
		return true;
	case 405:
		http_refuse(shard, conn,
			    &(struct http_refusal){405, "method", "a WebSocket is opened with GET",
						   "Allow: GET\r\n"});
		return false;
	case 426:
		http_refuse(shard, conn,
			    &(struct http_refusal){426, "upgrade_required",
						   "this path speaks WebSocket, version 13",
						   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
						   "Sec-WebSocket-Version: 13\r\n"});
		return false;
	default:
		http_refuse(shard, conn,
			    &(struct http_refusal){400, "bad_upgrade",
						   "the WebSocket upgrade is incomplete or wrong",
						   NULL});
		return false;
	}
}

static const struct refusal *check_admission(const struct shard *shard, const struct conn *conn,
					     const struct http_head *head)
{
	if (conn->verdict == HANDOFF_FULL)
		return &full;
	if (conn->verdict == HANDOFF_ADDRESS_FULL)
		return &address_full;
	return identity_allows_origin(shard->config, head) ? NULL : &bad_origin;
}

static bool is_allowed(const struct route_match *match, const struct jwt_claims *claims)
{
	return match->route->owner != ROUTE_OF_USER || claims->admin ||
	       slice_equal(slice_of(match->parameter, match->parameter_size),
			   slice_of(claims->user, claims->user_size));
}

/* Keeps of the token what later requests need. */
static bool remember_claims(struct conn *conn, const struct jwt_claims *claims)
{
	conn->expires_s = claims->expires_s < UINT32_MAX ? (uint32_t)claims->expires_s : UINT32_MAX;
	if (claims->admin)
		conn_set(conn, CONN_ADMIN);
	if (slice_is_absent(claims->channels))
		return true;
	conn->claims = strndup((const char *)claims->channels.bytes, claims->channels.size);
	return conn->claims != NULL;
}

/* all, and the channels of the route. */
static bool hold_channels(struct shard *shard, struct conn *conn, const struct route_match *match)
{
	struct slice user = subscriptions_user(shard, conn);
	uint8_t name[CHANNEL_SIZE_MAX];
	uint32_t channel;

	if (!subscriptions_add(shard, conn, SLICE("all"), &channel))
		return false;
	ASSERT(channel == CHANNEL_ALL);
	for (uint32_t i = 0; i < ROUTE_CHANNELS_MAX; i++) {
		struct slice text = route_channel(match, i, user, name);

		if (!slice_is_absent(text) && !subscriptions_add(shard, conn, text, &channel))
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

/* The answer is written when the router has said yes: answers to requests before this one may
 * still be on their way out. */
static bool remember_key(struct conn *conn, struct slice key)
{
	struct inbound *in = conn_need_inbound(conn);

	if (!in)
		return false;
	ASSERT(key.size == sizeof(in->key));
	memcpy(in->key, key.bytes, sizeof(in->key));
	return true;
}

/* The answer to the request whose key was remembered. */
static bool accept_remembered(struct conn *conn)
{
	const struct inbound *in = conn->inbound;

	return accept_upgrade(conn, slice_of(in->key, sizeof(in->key)));
}

static bool ask_router(struct shard *shard, struct conn *conn, const struct resume *resume)
{
	struct recovery_wish wish = {.has_after = resume->has_after, .after = resume->after};

	if (resume->device_size > 0)
		wish.device = slice_of(resume->device, resume->device_size);
	if (resume->has_identity)
		wish.identity = slice_of(resume->identity, sizeof(resume->identity));
	return recovery_attach(shard, conn, &wish);
}

static void attach(struct shard *shard, struct conn *conn, const struct identity_request *request,
		   const struct jwt_claims *claims)
{
	struct slice user = slice_of(claims->user, claims->user_size);
	struct resume resume;

	if (!resume_read(request->head, &resume)) {
		http_refuse(shard, conn,
			    &(struct http_refusal){400, "bad_device",
						   "device must be 1 to 64 printable characters",
						   NULL});
		return;
	}
	if (!subscriptions_hold_user(shard, conn, user) || !remember_claims(conn, claims) ||
	    !hold_channels(shard, conn, request->match) || !hold_identity(shard, conn, &resume) ||
	    !remember_key(conn, request->handshake->key) || !ask_router(shard, conn, &resume)) {
		conn_clear(conn, CONN_SUBPROTOCOL);
		refuse(shard, conn, request->handshake->key, &no_memory);
		return;
	}
	conn->state = CONN_ATTACHING;
	conn_set(conn, CONN_ATTACHED);
}

void handshake_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			  const struct route_match *match)
{
	struct ws_handshake handshake;
	struct jwt_claims claims;
	struct identity_request request = {head, &handshake, match};

	if (!check_upgrade(shard, conn, head, &handshake))
		return;
	const struct refusal *refusal = check_admission(shard, conn, head);

	if (refusal) {
		refuse(shard, conn, handshake.key, refusal);
		return;
	}
	enum jwt_result result = identity_of_request(shard->config, &request,
						     (int64_t)(shard->unix_ms / 1000), &claims);

	if (result != JWT_OK) {
		struct refusal no_token = {
			{401, jwt_result_code(result), jwt_result_text(result), NULL},
			CLOSE_TOKEN,
		};

		refuse(shard, conn, handshake.key, &no_token);
	} else if (!is_allowed(match, &claims)) {
		refuse(shard, conn, handshake.key, &wrong_user);
	} else {
		attach(shard, conn, &request, &claims);
	}
}

void handshake_on_echo(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	struct ws_handshake handshake;

	if (!check_upgrade(shard, conn, head, &handshake))
		return;
	conn_clear(conn, CONN_SUBPROTOCOL);
	if (!accept_upgrade(conn, handshake.key)) {
		refuse(shard, conn, handshake.key, &no_memory);
		return;
	}
	conn->state = CONN_ECHO;
	conn_set(conn, CONN_UPGRADED);
	counter_add(&shard->counters->handshakes, 1);
	counter_add(&shard->counters->connections, 1);
	wheel_disarm(&shard->wheel, conn_slot(shard, conn));
	send_queue(shard, conn);
}

/* The first message. */
static void send_connected(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	char id[CONNECTION_ID_SIZE];
	uint8_t bytes[CONNECTED_SIZE_MAX];
	struct writer writer;

	subscriptions_connection_id(shard, conn, id);
	struct envelope_connected connected = {
		.user = subscriptions_user(shard, conn),
		.connection_id = slice_of(id, sizeof(id)),
		.last_event_id = attached->last,
		.now_ms = shard->unix_ms,
		.heartbeat_interval_s = (shard->config->heartbeat_interval_ms + 999) / 1000,
		.recovered = attached->recovered,
		.replayed = attached->replayed,
		.has_unread = attached->has_unread,
		.unread = attached->unread,
		.epoch = attached->epoch,
	};

	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_connected(&writer, &connected);
	ASSERT(!writer.overflow);
	send_frame(shard, conn, WS_TEXT, writer_written(&writer));
}

/* The router has not granted the identity: the connection has its own. */
static void drop_identity(struct shard *shard, struct conn *conn)
{
	struct subscription *identity = subscriptions_identity(shard, conn);

	if (identity)
		subscriptions_remove(shard, conn, identity);
}

/* What the client sent behind its request, before it could know the answer. */
static void feed_early(struct shard *shard, struct conn *conn)
{
	struct inbound *in = conn->inbound;

	conn->inbound = NULL;
	if (in && in->size > 0)
		receive_feed(shard, conn, in->bytes, in->size);
	if (in)
		free(in->bytes);
	free(in);
	if (conn_has(conn, CONN_UNREAD))
		receive_queue(shard, conn);
}

void handshake_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	ASSERT(conn->state == CONN_ATTACHING && conn->inbound != NULL);
	if (!accept_remembered(conn)) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	if (!attached->has_identity)
		drop_identity(shard, conn);
	conn->state = CONN_OPEN;
	conn_set(conn, CONN_UPGRADED);
	counter_add(&shard->counters->handshakes, 1);
	counter_add(&shard->counters->connections, 1);
	conn->heard_ms = conn->active_ms = (uint32_t)shard->now_ms;
	send_connected(shard, conn, attached);
	timers_start_heartbeat(shard, conn);
	feed_early(shard, conn);
}

void handshake_on_refused(struct shard *shard, struct conn *conn)
{
	ASSERT(conn->state == CONN_ATTACHING && conn->inbound != NULL);
	if (conn_has(conn, CONN_SUBPROTOCOL) && accept_remembered(conn)) {
		conn_drop_inbound(conn); /* what it sent behind its request is not read */
		counter_add(&shard->counters->refusals, 1);
		conn_set(conn, CONN_UPGRADED);
		conn_close(shard, conn, CLOSE_USER_LIMIT);
		return;
	}
	http_refuse(shard, conn, &user_full.http);
}
