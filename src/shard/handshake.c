/* shard/handshake.c - the checks of an upgrade, in order, and the two ways to say no. */
#include "shard/handshake.h"

#include <stdlib.h>

#include "shard/admission.h"
#include "shard/message.h"
#include "shard/receive.h"
#include "shard/resume.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"
#include "wire/http_head.h"
#include "wire/ws_handshake.h"

#define SUBPROTOCOL "belfry"
#define UPGRADE_SIZE_MAX 512 /* status, five header lines */

/* Writes the 101 answer to the outbox: it goes out together with what follows it. */
static bool accept_upgrade(struct conn *conn, struct slice key, const struct ws_deflate *deflate)
{
	uint8_t bytes[UPGRADE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	ws_handshake_write(&writer, key, conn_has(conn, CONN_SUBPROTOCOL) ? SUBPROTOCOL : NULL,
			   deflate);
	ASSERT(!writer.overflow);
	return outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) == STATUS_OK;
}

static void refuse(struct shard *shard, struct conn *conn, struct slice key,
		   const struct refusal *refusal)
{
	if (conn_has(conn, CONN_SUBPROTOCOL) && accept_upgrade(conn, key, NULL)) {
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

/* The answer is written when the router has said yes: answers to requests before this one may
 * still be on their way out. */
static bool remember(struct conn *conn, const struct ws_handshake *handshake)
{
	struct inbound *in = conn_need_inbound(conn);

	if (!in)
		return false;
	ASSERT(handshake->key.size == sizeof(in->key));
	memcpy(in->key, handshake->key.bytes, sizeof(in->key));
	in->deflate = handshake->deflate;
	return true;
}

/* The answer to the request whose key was remembered. */
static bool accept_remembered(struct conn *conn)
{
	const struct inbound *in = conn->inbound;

	return accept_upgrade(conn, slice_of(in->key, sizeof(in->key)), &in->deflate);
}

static void attach(struct shard *shard, struct conn *conn, const struct identity_request *request,
		   const struct jwt_claims *claims, struct ws_handshake *handshake)
{
	struct resume resume;
	struct admission admission = {.claims = claims, .match = request->match, .resume = &resume};

	if (!resume_read(request->head, &resume)) {
		http_refuse(shard, conn,
			    &(struct http_refusal){400, "bad_device",
						   "device must be 1 to 64 printable characters",
						   NULL});
		return;
	}
	compression_agree(shard, conn, &handshake->deflate);
	if (remember(conn, handshake) && admission_enter(shard, conn, &admission))
		return;
	conn_clear(conn, CONN_SUBPROTOCOL);
	refuse(shard, conn, handshake->key, &admission_no_memory);
}

void handshake_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			  const struct route_match *match)
{
	struct ws_handshake handshake;
	struct jwt_claims claims;
	struct refusal refusal;

	if (!check_upgrade(shard, conn, head, &handshake))
		return;
	struct identity_request request = {head, handshake.protocols, match};

	if (admission_check(shard, conn, &request, &claims, &refusal))
		attach(shard, conn, &request, &claims, &handshake);
	else
		refuse(shard, conn, handshake.key, &refusal);
}

void handshake_on_echo(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	struct ws_handshake handshake;

	if (!check_upgrade(shard, conn, head, &handshake))
		return;
	conn_clear(conn, CONN_SUBPROTOCOL);
	compression_agree(shard, conn, &handshake.deflate);
	if (!accept_upgrade(conn, handshake.key, &handshake.deflate)) {
		refuse(shard, conn, handshake.key, &admission_no_memory);
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
	uint8_t bytes[CONNECTED_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	message_write_connected(shard, conn, attached, &writer);
	ASSERT(!writer.overflow);
	send_frame(shard, conn, WS_TEXT, writer_written(&writer));
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
	admission_settle(shard, conn, attached);
	send_connected(shard, conn, attached);
	timers_start_heartbeat(shard, conn);
	feed_early(shard, conn);
}

void handshake_on_refused(struct shard *shard, struct conn *conn)
{
	const struct refusal *refusal = admission_refusal(conn);

	ASSERT(conn->state == CONN_ATTACHING && conn->inbound != NULL);
	if (conn_has(conn, CONN_SUBPROTOCOL) && accept_remembered(conn)) {
		conn_drop_inbound(conn); /* what it sent behind its request is not read */
		counter_add(&shard->counters->refusals, 1);
		conn_set(conn, CONN_UPGRADED);
		conn_close(shard, conn, refusal->reason);
		return;
	}
	http_refuse(shard, conn, &refusal->http);
}
