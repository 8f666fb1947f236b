/* shard/receive.c - from a poll to whole messages. */
#include "shard/receive.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "shard/confirm.h"
#include "shard/echo.h"
#include "shard/engine_poll.h"
#include "shard/engine_upgrade.h"
#include "shard/http.h"
#include "shard/message.h"
#include "shard/peer.h"
#include "shard/postponed.h"
#include "shard/protocol.h"
#include "shard/rate.h"
#include "shard/receipts.h"
#include "shard/send.h"
#include "shard/shard_state.h"

/* What it asks for would only add to the receipts that found the lane full. */
static bool waits_for_router(const struct shard *shard, const struct conn *conn)
{
	return (conn->state == CONN_HEAD || conn->state == CONN_OPEN) && receipts_are_stuck(shard);
}

/* What the client sends now is for later; its end is not, unless the protocol was told of it. */
static bool is_deaf(const struct conn *conn)
{
	const struct protocol *protocol = protocol_of(conn);

	return conn->state == CONN_OPEN && !protocol->on_bytes &&
	       (!conn_has(conn, CONN_HUNG_UP) || protocol->on_hung_up);
}

/* More than one request is here already, and waits for the answers to those before. */
static bool has_requests(const struct shard *shard, const struct conn *conn)
{
	return conn->state == CONN_HEAD && conn->inbound &&
	       conn->inbound->size > shard->config->max_header_bytes;
}

/* A connection that waits for the router, or whose answers pile up, is read later. */
bool receive_must_wait(const struct shard *shard, const struct conn *conn)
{
	size_t waiting = outbox_size(conn->outbox);

	if (conn->state == CONN_ATTACHING || conn->state == CONN_MOVING || is_deaf(conn) ||
	    has_requests(shard, conn))
		return true;
	if (conn->state == CONN_SERVING && !engine_poll_reads(conn))
		return true;
	if (conn_has(conn, CONN_POSTPONED) && conn->state != CONN_CLOSING)
		return true;
	if (waits_for_router(shard, conn) ||
	    (conn->state == CONN_OPEN && conn_has(conn, CONN_SLOWED)) ||
	    (conn->state < CONN_CLOSING && conn_has(conn, CONN_SPENT)))
		return true;
	return conn->state != CONN_CLOSING &&
	       (waiting > READ_PAUSE_SIZE || (waiting > 0 && conn_has(conn, CONN_BLOCKED)));
}

void receive_queue(struct shard *shard, struct conn *conn)
{
	conn_set(conn, CONN_UNREAD);
	if (conn_has(conn, CONN_QUEUED_READ) || conn->state == CONN_FINISHING)
		return;
	conn_set(conn, CONN_QUEUED_READ);
	slot_queue_push(&shard->readable, conn_slot(shard, conn));
}

void receive_flush(struct shard *shard)
{
	uint32_t count = slot_queue_size(&shard->readable);

	shard->receives = 0;
	while (count-- > 0 && shard->receives < TURN_RECEIVES_MAX) {
		struct conn *conn = conn_at(shard, slot_queue_pop(&shard->readable));

		conn_clear(conn, CONN_QUEUED_READ);
		if (conn_is_void(conn))
			continue;
		if (receive_must_wait(shard, conn)) {
			/* UNREAD stays; whoever ends the wait queues it again. */
			if (waits_for_router(shard, conn))
				receive_queue(shard, conn);
			continue;
		}
		conn_clear(conn, CONN_UNREAD);
		if (!conn_has_socket(conn)) {
			engine_poll_resume(shard, conn);
			continue;
		}
		uint32_t buffer = shard->receives++;

		uring_receive(shard->uring, conn_slot(shard, conn_socket(shard, conn)),
			      shard->receive_bytes + (size_t)buffer * RECEIVE_SIZE, RECEIVE_SIZE,
			      conn_tag(shard, conn, SHARD_OP_RECEIVE, buffer));
	}
}

bool receive_has_more(const struct shard *shard)
{
	return slot_queue_size(&shard->readable) > 0 || slot_queue_size(&shard->spent) > 0 ||
	       shard->receives > 0;
}

void receive_go_on(struct shard *shard)
{
	uint32_t count = slot_queue_size(&shard->spent);

	while (count-- > 0) {
		struct conn *conn = conn_at(shard, slot_queue_pop(&shard->spent));
		bool is_open = conn->state == CONN_OPEN || conn->state == CONN_ECHO;

		/* Without the flag the slot is another connection's by now. */
		if (!is_open || !conn_has(conn, CONN_SPENT))
			continue;
		conn_clear(conn, CONN_SPENT);
		if (!conn_has(conn, CONN_SLOWED)) /* else it goes on when that ends */
			receive_rest(shard, conn);
	}
}

void receive_on_readable(struct shard *shard, struct conn *conn, const struct uring_event *event)
{
	if (conn->state == CONN_FINISHING)
		return;
	if (event->result < 0) {
		conn_close_join(shard, conn, CLOSE_PEER_GONE);
		return;
	}
	/* No further event tells of an end that came together with bytes. */
	if (((uint32_t)event->result & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
		conn_set(conn, CONN_HUNG_UP);
	if (conn->state == CONN_SERVING && conn_has(conn, CONN_HUNG_UP) &&
	    !engine_poll_reads(conn)) {
		conn_close_join(shard, conn, CLOSE_PEER_GONE);
		return;
	}
	if (conn_has(conn, CONN_HUNG_UP) && conn->state == CONN_OPEN &&
	    protocol_of(conn)->on_hung_up)
		protocol_of(conn)->on_hung_up(shard, conn);
	if (!event->more) { /* the kernel ended the multishot: arm it again */
		struct conn *socket = conn_socket(shard, conn);

		uring_poll_readable(shard->uring, conn_slot(shard, socket),
				    conn_tag(shard, socket, SHARD_OP_READABLE, 0));
	}
	receive_queue(shard, conn);
}

void receive_on_bytes(struct shard *shard, struct conn *conn, uint32_t buffer,
		      const struct uring_event *event)
{
	ASSERT(buffer < TURN_RECEIVES_MAX);
	if (conn->state == CONN_FINISHING || event->result == -EAGAIN)
		return;
	if (event->result == -EINTR || event->result == -ENOBUFS || event->result == -ENOMEM) {
		receive_queue(shard, conn);
		return;
	}
	if (event->result <= 0) { /* the end of the stream, or an error */
		conn_close_join(shard, conn, CLOSE_PEER_GONE);
		return;
	}
	size_t size = (size_t)event->result;

	counter_add(&shard->counters->bytes_in, size);
	if (event->nonempty || size == RECEIVE_SIZE || conn_has(conn, CONN_HUNG_UP))
		receive_queue(shard, conn);
	receive_feed(shard, conn, shard->receive_bytes + (size_t)buffer * RECEIVE_SIZE, size);
}

/* ---- WebSocket ---- */

static enum close_reason violation_reason(uint16_t code)
{
	return code == 1007 ? CLOSE_NOT_UTF8 : code == 1009 ? CLOSE_TOO_LARGE : CLOSE_PROTOCOL;
}

/* The client closes: its code is echoed, then the server ends the connection
 * (RFC 6455 section 5.5.1 and 7.1.1). */
static void on_close(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event)
{
	conn_set(conn, CONN_PEER_CLOSED);
	send_close_frame(shard, conn, event->code == 1005 ? 0 : event->code, "");
	if (conn->state != CONN_FINISHING)
		conn_close(shard, conn, CLOSE_PEER_CLOSED);
}

/* Pings and pongs are messages, too, as far as rates go. The debug route has none. */
static bool may_control(struct shard *shard, struct conn *conn)
{
	return conn->state == CONN_ECHO || rate_allows(shard, conn, (struct slice){NULL, 0});
}

static void on_event(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event)
{
	switch (event->type) {
	case WS_EVENT_NONE:
		return;
	case WS_EVENT_PONG:
		if (may_control(shard, conn))
			confirm_on_pong(shard, conn, event->payload);
		return;
	case WS_EVENT_PING:
		if (may_control(shard, conn))
			send_frame(shard, conn, WS_PONG, event->payload);
		return;
	case WS_EVENT_CLOSE:
		on_close(shard, conn, event);
		return;
	case WS_EVENT_VIOLATION:
		conn_close(shard, conn, violation_reason(event->code));
		return;
	case WS_EVENT_PIECE:
		if (conn->state == CONN_ECHO)
			echo_on_piece(shard, conn, event);
		else if (conn->state == CONN_PROBE)
			engine_upgrade_on_piece(shard, conn, event);
		else
			message_on_piece(shard, conn, event);
		return;
	}
}

/* The reader stays with the connection only in the middle of a message. */
static void keep_reader(struct shard *shard, struct conn *conn, const struct ws_inbound *reader)
{
	if (ws_inbound_is_idle(reader)) {
		conn_drop_inbound(conn);
		return;
	}
	struct inbound *in = conn_need_inbound(conn);

	if (in)
		in->ws = *reader;
	else
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

/* Likewise in the middle of what was received: the rest waits until the pause is over, or, when
 * the share is spent, until the next turn. */
static void keep_rest(struct shard *shard, struct conn *conn, const struct ws_inbound *reader,
		      struct slice rest)
{
	struct inbound *in = conn_need_inbound(conn);
	uint8_t *copy = malloc(rest.size);

	if (!in || !copy) {
		free(copy);
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	ASSERT(in->rest == NULL);
	memcpy(copy, rest.bytes, rest.size);
	in->ws = *reader;
	in->rest = copy;
	in->rest_size = rest.size;
	if (conn_has(conn, CONN_SLOWED) || conn_has(conn, CONN_SPENT))
		return;
	conn_set(conn, CONN_SPENT);
	slot_queue_push(&shard->spent, conn_slot(shard, conn));
}

static void feed_closing(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

/* The reader as the last bytes left it, or one that is between two messages. */
static struct ws_inbound reader_of(const struct conn *conn, uint64_t message_size_max)
{
	struct ws_inbound reader;

	if (conn->inbound)
		return conn->inbound->ws;
	ws_inbound_init(&reader, message_size_max);
	reader.takes_compressed = conn_has(conn, CONN_DEFLATE);
	return reader;
}

void receive_feed_ws(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	struct ws_inbound reader = reader_of(conn, compression_bound(shard, conn, false));
	struct ws_inbound_event event;
	bool must_stop;
	size_t done = 0;

	conn->heard_ms = (uint32_t)shard->now_ms;
	do {
		done += ws_inbound_next(&reader, bytes + done, size - done, &event);
		on_event(shard, conn, &event);
		if (conn->state == CONN_LENT) /* what follows is the session's */
			conn = conn_at(shard, conn->partner);
		must_stop = conn_has(conn, CONN_SLOWED) || conn_has(conn, CONN_POSTPONED) ||
			    (event.compressed && compression_is_spent(shard));
	} while (event.type != WS_EVENT_NONE && conn->state < CONN_CLOSING && !must_stop);
	if (conn_has(conn, CONN_POSTPONED) && conn->state == CONN_OPEN) {
		postponed_add_rest(shard, conn, slice_of(bytes + done, size - done));
		return;
	}
	if (conn->state == CONN_FINISHING || event.type == WS_EVENT_CLOSE ||
	    event.type == WS_EVENT_VIOLATION)
		return;
	if (must_stop && conn->state < CONN_CLOSING && done < size) {
		keep_rest(shard, conn, &reader, slice_of(bytes + done, size - done));
		return;
	}
	keep_reader(shard, conn, &reader);
	if (conn->state == CONN_CLOSING) /* closed in the middle: the rest may end it */
		feed_closing(shard, conn, bytes + done, size - done);
}

/* CLOSING after a WebSocket close: waits for the client's close frame or its end of stream. */
static void feed_closing(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	struct ws_inbound_event event = {.type = WS_EVENT_NONE};
	struct ws_inbound reader = reader_of(conn, ECHO_MESSAGE_MAX);
	size_t done = 0;

	if (!conn_has(conn, CONN_UPGRADED) || !protocol_of(conn)->has_close_frames)
		return; /* what else a refused client sends is dropped */
	do {
		done += ws_inbound_next(&reader, bytes + done, size - done, &event);
	} while (event.type != WS_EVENT_NONE && event.type != WS_EVENT_CLOSE &&
		 event.type != WS_EVENT_VIOLATION);
	if (event.type == WS_EVENT_NONE) {
		keep_reader(shard, conn, &reader);
		return;
	}
	if (event.type == WS_EVENT_VIOLATION)
		return; /* no frame of it can be told any more: its end of stream ends the wait */
	conn_drop_inbound(conn);
	conn_set(conn, CONN_PEER_CLOSED);
	conn_set(conn, CONN_END_WHEN_SENT);
	send_queue(shard, conn);
}

void receive_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	switch ((enum conn_state)conn->state) {
	case CONN_HEAD:
		if (conn_has(conn, CONN_HEADER_DUE))
			peer_feed(shard, conn, bytes, size);
		else
			http_feed(shard, conn, bytes, size);
		return;
	case CONN_OPEN:
		if (protocol_of(conn)->on_bytes)
			protocol_of(conn)->on_bytes(shard, conn, bytes, size);
		return;
	case CONN_ECHO:
		receive_feed_ws(shard, conn, bytes, size);
		return;
	case CONN_SERVING:
		engine_poll_on_bytes(shard, conn, slice_of(bytes, size));
		return;
	case CONN_PROBE:
		receive_feed_ws(shard, conn, bytes, size);
		return;
	case CONN_CLOSING:
		feed_closing(shard, conn, bytes, size);
		return;
	case CONN_MOVING:
	case CONN_LENT:
	case CONN_ATTACHING:
	case CONN_FREE:
	case CONN_FINISHING:
		return;
	}
}

void receive_rest(struct shard *shard, struct conn *conn)
{
	uint8_t *rest = conn->inbound ? conn->inbound->rest : NULL;

	if (rest) {
		size_t size = conn->inbound->rest_size;

		conn->inbound->rest = NULL;
		receive_feed(shard, conn, rest, size);
		free(rest);
	}
	if (conn_has(conn, CONN_UNREAD))
		receive_queue(shard, conn);
}
