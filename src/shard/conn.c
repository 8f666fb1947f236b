/* shard/conn.c - the life of a connection's record. */
#include "shard/conn.h"

#include <stdlib.h>
#include <string.h>

#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/receipts.h"
#include "shard/send.h"
#include "shard/engine_session.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/ws_frame.h"

static const struct {
	uint16_t code;
	const char *text;
} reasons[] = {
#define X(name, code, text, label) [CLOSE_##name] = {code, text},
	CLOSE_REASON_TABLE(X)
#undef X
};

/* All that a new connection begins with. */
static struct conn *begin(struct shard *shard, uint32_t slot)
{
	struct conn *conn = conn_at(shard, slot);
	uint32_t generation = conn->generation + 1;
	/* A queue may still name this slot from its last use; that is harmless, twice is not. */
	uint32_t queued = conn->flags &
			  (CONN_QUEUED_READ | CONN_QUEUED_SEND | CONN_LISTED | CONN_QUEUED_TOKEN);

	ASSERT(conn->state == CONN_FREE);
	*conn = (struct conn){
		.generation = generation,
		.state = CONN_HEAD,
		.flags = queued,
		.placed = (uint8_t)shard->index,
		.partner = PARTNER_NONE,
		.arrival = ARRIVAL_NONE,
		.user = CHANNEL_NONE,
		.subscriptions_capacity = SUBSCRIPTIONS_INLINE,
		.heard_ms = (uint32_t)shard->now_ms,
		.active_ms = (uint32_t)shard->now_ms,
		.expires_s = UINT32_MAX,
		.sent_turn = (uint16_t)(shard->turn - 1),
	};
	wheel_timer_init(&conn->timer);
	return conn;
}

void conn_open(struct shard *shard, uint32_t slot, uint64_t handoff)
{
	struct conn *conn = begin(shard, slot);

	ASSERT(slot < shard->table);
	conn->verdict = (uint8_t)handoff_tag_verdict(handoff);
	conn->arrival = handoff_tag_arrival(handoff);
	if (conn->arrival != ARRIVAL_NONE)
		parcel_open(&shard->arrivals[conn->arrival].parcel);
	if ((handoff & HANDOFF_PROXIED) != 0)
		conn_set(conn, CONN_PROXIED | CONN_HEADER_DUE);
	shard->sockets++;
	counter_add(&shard->counters->sockets, 1);
	timers_arm(shard, conn, shard->config->handshake_timeout_ms);
	uring_poll_readable(shard->uring, slot, conn_tag(shard, conn, SHARD_OP_READABLE, 0));
}

struct conn *conn_open_socketless(struct shard *shard, uint32_t slot)
{
	struct conn *conn = begin(shard, slot);

	ASSERT(slot >= shard->table);
	conn_set(conn, CONN_SOCKETLESS);
	return conn;
}

uint16_t conn_close_code(enum close_reason reason)
{
	ASSERT(reason < CLOSE_REASON_COUNT);
	return reasons[reason].code;
}

/* No more notices, no more counting by the router; what was said before still goes out. */
static void leave(struct shard *shard, struct conn *conn)
{
	if (conn->state == CONN_OPEN || conn->state == CONN_ECHO)
		counter_subtract(&shard->counters->connections, 1);
	recovery_forget(shard, conn);
	subscriptions_remove_all(shard, conn);
	if (conn_has(conn, CONN_ATTACHED))
		receipts_detach(shard, conn);
	conn_clear(conn, CONN_ATTACHED);
	subscriptions_release_user(shard, conn);
	free(conn->claims);
	conn->claims = NULL;
	if (conn->own && protocol_of(conn)->on_gone)
		protocol_of(conn)->on_gone(shard, conn);
	free(conn->own);
	conn->own = NULL;
}

void conn_reuse(struct shard *shard, struct conn *conn)
{
	/* The rest is about the socket, or of lists that it may be on. */
	const uint32_t of_its_client = CONN_UPGRADED | CONN_ADMIN | CONN_EXPIRING | CONN_FALLING |
				       CONN_LAGGING | CONN_UNCONFIRMED | CONN_OVERRUN | CONN_HELD |
				       CONN_UPSTREAM;

	ASSERT(conn->state == CONN_OPEN && conn_has(conn, CONN_HELD));
	leave(shard, conn);
	outbox_destroy(&conn->outbox);
	conn->flags &= ~of_its_client;
	conn->protocol = PROTOCOL_NATIVE;
	conn->encoding = ENCODING_WS;
	conn->expires_s = UINT32_MAX;
	conn->state = CONN_HEAD;
}

static void conn_close_leave(struct shard *shard, struct conn *conn, enum close_reason reason)
{
	if (conn->state < CONN_CLOSING) {
		conn->reason = (uint8_t)reason;
		counter_add(&shard->counters->closed[reason], 1);
	}
	if (conn->state == CONN_SERVING || conn->state == CONN_PROBE)
		engine_session_on_carrier_gone(shard, conn, reason);
	leave(shard, conn);
}

/* What waits and a last word stay for the next request that fetches them. */
static void close_socketless(struct shard *shard, struct conn *conn, enum close_reason reason)
{
	if (reason != CLOSE_SLOW)
		subscriptions_catch_up(shard, conn);
	if (reasons[reason].code != 0 && conn->own)
		protocol_of(conn)->write_close(shard, conn, reasons[reason].code,
					       reasons[reason].text);
	if (conn->state == CONN_FINISHING)
		return;
	conn_close_leave(shard, conn, reason);
	engine_session_close(shard, conn);
}

void conn_close(struct shard *shard, struct conn *conn, enum close_reason reason)
{
	bool has_frame = reasons[reason].code != 0 && conn_has(conn, CONN_UPGRADED);

	ASSERT(reason < CLOSE_REASON_COUNT);
	if (conn->state == CONN_FREE || conn->state >= CONN_CLOSING || conn_has(conn, CONN_HANDED))
		return;
	if (conn_has(conn, CONN_SOCKETLESS) && !conn_has_socket(conn)) {
		close_socketless(shard, conn, reason);
		return;
	}
	if (!has_frame && reason != CLOSE_HTTP_DONE && reason != CLOSE_HTTP_REFUSED &&
	    reason != CLOSE_PEER_CLOSED) {
		conn_close_join(shard, conn, reason);
		return;
	}
	if (has_frame && reason != CLOSE_SLOW)
		subscriptions_catch_up(shard, conn); /* what was before the close goes before it */
	if (has_frame)
		protocol_of(conn)->write_close(shard, conn, reasons[reason].code,
					       reasons[reason].text);
	if (conn->state == CONN_FINISHING)
		return; /* not even that could be kept for it */
	conn_close_leave(shard, conn, reason);
	/* Else its reader is in the middle of a frame and must stay there. */
	if (!has_frame || conn_has(conn, CONN_POSTPONED))
		conn_drop_inbound(conn);
	conn->state = CONN_CLOSING;
	conn_clear(conn, CONN_HELD);
	/* Whoever has heard the other's end closes first; else the client has the word. */
	if (conn_has(conn, CONN_PEER_CLOSED) || reason == CLOSE_HTTP_DONE ||
	    (has_frame && !protocol_of(conn)->has_close_frames))
		conn_set(conn, CONN_END_WHEN_SENT);
	timers_arm(shard, conn, shard->config->close_timeout_ms);
	send_queue(shard, conn);
	receive_rest(shard, conn);
	if (conn->state == CONN_CLOSING)
		receive_queue(shard, conn);
}

/* The socket, its own or the one it was lent. */
static void close_socket(struct shard *shard, struct conn *conn, bool is_blocked)
{
	struct conn *socket = conn_socket(shard, conn);
	uint64_t armed[2] = {conn_tag(shard, socket, SHARD_OP_READABLE, 0), 0};

	if (is_blocked)
		armed[1] = conn_tag(shard, conn, SHARD_OP_WRITABLE, 0);
	uring_close(shard->uring, conn_slot(shard, socket), armed,
		    conn_tag(shard, socket, SHARD_OP_CLOSE, 0));
}

void conn_close_join(struct shard *shard, struct conn *conn, enum close_reason reason)
{
	bool is_blocked = conn_has(conn, CONN_BLOCKED);

	ASSERT(conn->state != CONN_FREE && conn->state != CONN_LENT);
	if (conn->state == CONN_FINISHING || conn_has(conn, CONN_HANDED))
		return;
	conn_close_leave(shard, conn, reason);
	conn_drop_inbound(conn);
	conn->state = CONN_FINISHING;
	wheel_disarm(&shard->wheel, conn_slot(shard, conn));
	send_forget(shard, conn);
	if (conn_has_socket(conn))
		close_socket(shard, conn, is_blocked);
	else
		engine_session_finish(shard, conn);
}

void conn_close_moved(struct shard *shard, struct conn *conn)
{
	ASSERT(conn->state == CONN_MOVING && !conn->outbox && !conn_has(conn, CONN_BLOCKED));
	conn_drop_inbound(conn);
	conn->state = CONN_FINISHING;
	close_socket(shard, conn, false);
}

/* ---- departures ---- */

/* The lane has room for all sockets that the acceptor places here; of those that moved here from
 * others some may have to wait. */
static void tell_departure(struct shard *shard, const struct departure *departure)
{
	if (shard->departed_count == 0 && ring_push(&shard->departures->ring, departure))
		return;
	if (shard->departed_count == shard->departed_capacity) {
		uint32_t capacity = shard->departed_capacity * 2 + 64;
		struct departure *grown = realloc(shard->departed, capacity * sizeof(*grown));

		ASSERT(grown != NULL);
		shard->departed = grown;
		shard->departed_capacity = capacity;
	}
	shard->departed[shard->departed_count++] = *departure;
}

void conn_tell_departures(struct shard *shard)
{
	while (shard->departed_count > 0 &&
	       ring_push(&shard->departures->ring, &shard->departed[shard->departed_count - 1]))
		shard->departed_count--;
}

/* A slot of the ring is free again. */
static void end_socket(struct shard *shard, struct conn *conn)
{
	struct departure departure = {
		.arrival = conn->arrival,
		.verdict = conn->verdict,
		.shard = conn->placed,
	};

	outbox_destroy(&conn->outbox);
	conn->state = CONN_FREE;
	ASSERT(shard->sockets > 0);
	shard->sockets--;
	counter_subtract(&shard->counters->sockets, 1);
	if (!conn_has(conn, CONN_HANDED))
		tell_departure(shard, &departure);
}

void conn_close_finish(struct shard *shard, struct conn *conn)
{
	ASSERT(conn->state == CONN_FINISHING && conn->inbound == NULL);
	if (!conn_has(conn, CONN_SOCKETLESS)) {
		end_socket(shard, conn);
		return;
	}
	if (conn_has_socket(conn))
		end_socket(shard, conn_socket(shard, conn));
	outbox_destroy(&conn->outbox);
	conn->state = CONN_FREE;
	engine_session_free(shard, conn);
}

struct inbound *conn_need_inbound(struct conn *conn)
{
	if (!conn->inbound)
		conn->inbound = calloc(1, sizeof(*conn->inbound));
	return conn->inbound;
}

enum status conn_store(struct conn *conn, struct slice bytes, size_t size_max)
{
	struct inbound *in = conn_need_inbound(conn);

	if (!in)
		return STATUS_NO_MEMORY;
	if (bytes.size > size_max || in->size > size_max - bytes.size)
		return STATUS_TOO_LARGE;
	if (in->capacity - in->size < bytes.size) {
		size_t capacity = in->capacity ? in->capacity : 512;

		while (capacity - in->size < bytes.size)
			capacity *= 2;
		uint8_t *grown = realloc(in->bytes, capacity);

		if (!grown)
			return STATUS_NO_MEMORY;
		in->bytes = grown;
		in->capacity = capacity;
	}
	if (bytes.size > 0)
		memcpy(in->bytes + in->size, bytes.bytes, bytes.size);
	in->size += bytes.size;
	return STATUS_OK;
}

void conn_drop_inbound(struct conn *conn)
{
	if (!conn->inbound)
		return;
	free(conn->inbound->bytes);
	free(conn->inbound->answer_lines);
	free(conn->inbound->rest);
	free(conn->inbound);
	conn->inbound = NULL;
}
