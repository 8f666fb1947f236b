/* shard/send.c - one send per connection and turn, outbox first, tapes in slices. */
#include "shard/send.h"

#include <errno.h>
#include <string.h>

#include "shard/http.h"
#include "shard/move.h"
#include "shard/order.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"

uint32_t send_room(const struct shard *shard)
{
	return TURN_SENDS_MAX - shard->sends_count;
}

static bool can_send_now(const struct shard *shard, const struct conn *conn)
{
	return !conn_has(conn, CONN_BLOCKED) && !conn_is_sending(shard, conn) &&
	       send_room(shard) > 0;
}

static void submit(struct shard *shard, struct conn *conn, struct slice bytes, bool from_outbox)
{
	uint32_t index = shard->sends_count++;

	ASSERT(index < TURN_SENDS_MAX && !conn_is_sending(shard, conn));
	ASSERT(bytes.size > 0 && bytes.size <= UINT32_MAX);
	shard->sends[index] = (struct send_record){
		.bytes = bytes.bytes,
		.size = (uint32_t)bytes.size,
		.taken = (uint32_t)bytes.size,
		.slot = (uint16_t)conn_slot(shard, conn),
		.from_outbox = from_outbox,
	};
	conn->sent_turn = (uint16_t)shard->turn;
	uring_send(shard->uring, conn_slot(shard, conn_socket(shard, conn)), bytes.bytes,
		   bytes.size, conn_tag(shard, conn, SHARD_OP_SEND, index));
}

void send_queue(struct shard *shard, struct conn *conn)
{
	if (conn_has(conn, CONN_QUEUED_SEND) || conn->state == CONN_FINISHING)
		return;
	conn_set(conn, CONN_QUEUED_SEND);
	slot_queue_push(&shard->sendable, conn_slot(shard, conn));
}

static void mark_overrun(struct shard *shard, struct conn *conn)
{
	conn_set(conn, CONN_OVERRUN);
	send_queue(shard, conn);
}

/* False: no room, nothing was kept. */
static bool keep(struct shard *shard, struct conn *conn, struct slice bytes, size_t size_max)
{
	if (outbox_append(&conn->outbox, bytes, size_max) != STATUS_OK)
		return false;
	send_queue(shard, conn);
	return true;
}

/* For a frame and the rest of a tape, beyond the bound. */
static size_t relaxed_bound(const struct shard *shard)
{
	return shard->outbox_size_max + 2 * (size_t)shard->tape_size_max;
}

/* Nothing of its outbox goes out by the end of the turn. */
static bool takes_nothing(const struct shard *shard, const struct conn *conn)
{
	if (conn_has(conn, CONN_SOCKETLESS) && conn_has(conn, CONN_HELD))
		return engine_session_of(shard, conn)->get == PARTNER_NONE;
	return conn_has(conn, CONN_BLOCKED);
}

/* What may wait when something from the log comes to it. */
static size_t notice_bound(struct shard *shard, const struct conn *conn)
{
	if (takes_nothing(shard, conn))
		return shard->outbox_size_max;
	/* Its socket takes bytes, only not so many in one turn: let the turn end. */
	if (outbox_size(conn->outbox) > shard->outbox_size_max / 2)
		shard->is_crowded = true;
	return relaxed_bound(shard);
}

/* Sends or keeps. False: no room. */
static bool put(struct shard *shard, struct conn *conn, struct slice bytes, size_t size_max)
{
	if (conn->outbox || (conn->flags & (CONN_LAGGING | CONN_HELD)) ||
	    !can_send_now(shard, conn))
		return keep(shard, conn, bytes, size_max);
	submit(shard, conn, bytes, false);
	return true;
}

void send_bytes(struct shard *shard, struct conn *conn, struct slice bytes)
{
	size_t size_max = relaxed_bound(shard);

	ASSERT(conn->state != CONN_FREE && conn->state < CONN_CLOSING);
	if (conn_has(conn, CONN_OVERRUN))
		return; /* it has missed an answer */
	if (conn->state == CONN_ECHO)
		size_max = SIZE_MAX; /* one message of ECHO_MESSAGE_MAX; reading pauses behind it */
	if (!put(shard, conn, bytes, size_max))
		mark_overrun(shard, conn);
}

void send_replay(struct shard *shard, struct conn *conn, struct slice frames)
{
	ASSERT(conn->state == CONN_OPEN);
	if (!put(shard, conn, frames, SIZE_MAX))
		mark_overrun(shard, conn);
}

/* Nobody falls for an ephemeral frame, nor for what would have to go before it. */
static bool has_room(struct shard *shard, struct conn *conn, size_t size)
{
	return conn_is_live(conn) &&
	       order_rest_size(shard, conn) + outbox_size(conn->outbox) + size <=
		       notice_bound(shard, conn);
}

void send_notice(struct shard *shard, struct conn *conn, struct slice frame, struct event_id id)
{
	if (conn_has(conn, CONN_OVERRUN))
		return;
	if (event_id_is_none(id) && !has_room(shard, conn, frame.size)) {
		counter_add(&shard->counters->ephemeral_dropped, 1);
		return;
	}
	order_before_frame(shard, conn);
	if (!conn_is_live(conn))
		return; /* after what it lost nothing later may reach it */
	if (!put(shard, conn, frame, notice_bound(shard, conn))) {
		recovery_fall(shard, conn, shard->position);
		return;
	}
	conn->active_ms = (uint32_t)shard->now_ms;
	conn_set(conn, CONN_UNCONFIRMED);
	counter_add(&shard->counters->deliveries, 1);
}

/* ---- the outbox of one connection ---- */

static void took_rest(const struct shard *shard, struct conn *conn, const struct tape *tape,
		      struct member *member)
{
	member->position = tape->head;
	conn->active_ms = (uint32_t)shard->now_ms;
	conn_set(conn, CONN_UNCONFIRMED);
}

/* The rest of a tape cannot come to the connection any more: it falls, but not
 * for ephemeral frames. */
static void lose_rest(struct shard *shard, struct conn *conn, const struct tape *tape,
		      struct member *member)
{
	if (conn_has(conn, CONN_FALLING))
		return;
	if (!tape_has_durable(tape, member->position)) {
		counter_add(&shard->counters->ephemeral_dropped,
			    recovery_missed_ephemerals(shard, conn, tape, member->position));
		member->position = tape->head;
	} else if (tape_has_lost(tape, member->position)) {
		recovery_fall_lost(shard, conn, tape, member->position);
	} else {
		recovery_fall(shard, conn, tape_before(tape, member->position));
	}
}

/* False: no tape has anything for it. */
static bool send_tape_rest(struct shard *shard, struct conn *conn)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++) {
		struct channel *channel = channels_at(&shard->channels, all[i].channel);

		if (!channel->tape || !subscription_is_joined(&all[i]))
			continue;
		struct member *member = &channel_members(channel)[all[i].member];

		if (member->position == channel->tape->head)
			continue;
		if (tape_has_lost(channel->tape, member->position)) {
			lose_rest(shard, conn, channel->tape, member);
			send_queue(shard, conn);
			return true;
		}
		submit(shard, conn, tape_from(channel->tape, member->position), false);
		took_rest(shard, conn, channel->tape, member);
		send_queue(shard, conn);
		return true;
	}
	conn_clear(conn, CONN_LAGGING);
	return false;
}

void send_on_drained(struct shard *shard, struct conn *conn)
{
	if (conn->state == CONN_OPEN)
		recovery_on_drained(shard, conn);
	else if (conn->state == CONN_HEAD)
		http_go_on(shard, conn);
	else if (conn->state == CONN_MOVING)
		move_on_drained(shard, conn);
	if (conn_has(conn, CONN_UNREAD) && conn->state != CONN_FINISHING)
		receive_queue(shard, conn);
}

/* All there is for it goes to its outbox; the protocol knows when that goes out. */
static void flush_held(struct shard *shard, struct conn *conn)
{
	if (conn_has(conn, CONN_LAGGING) && conn->state == CONN_OPEN) {
		subscriptions_catch_up(shard, conn);
		conn_clear(conn, CONN_LAGGING);
	}
	if (conn->outbox || conn_has(conn, CONN_SOCKETLESS))
		protocol_of(conn)->on_held(shard, conn);
}

static void flush_one(struct shard *shard, struct conn *conn)
{
	if (conn_has(conn, CONN_OVERRUN) && conn->state < CONN_CLOSING) {
		conn_close(shard, conn, CLOSE_SLOW);
		return;
	}
	if (conn_has(conn, CONN_FALLING) && conn->state == CONN_OPEN)
		recovery_leave(shard, conn);
	if (conn_has(conn, CONN_HELD)) {
		flush_held(shard, conn);
		return;
	}
	if (conn_has(conn, CONN_BLOCKED))
		return; /* on_writable puts it back */
	if (!can_send_now(shard, conn)) {
		send_queue(shard, conn);
		return;
	}
	if (conn->outbox) {
		submit(shard, conn, outbox_first(conn->outbox), true);
		send_queue(shard, conn);
	} else if (conn_has(conn, CONN_END_WHEN_SENT)) {
		conn_close_join(shard, conn, conn->reason);
	} else if (!conn_has(conn, CONN_LAGGING) || conn->state >= CONN_CLOSING ||
		   !send_tape_rest(shard, conn)) {
		send_on_drained(shard, conn);
	}
}

static void flush_outboxes(struct shard *shard)
{
	uint32_t count = slot_queue_size(&shard->sendable);
	uint32_t reserve = shard->dirty_count > 0 ? TURN_SWEEP_MAX / 2 : 0;

	/* Those that come back in this walk are for the next turn. */
	while (count-- > 0 && send_room(shard) > reserve) {
		struct conn *conn = conn_at(shard, slot_queue_pop(&shard->sendable));

		conn_clear(conn, CONN_QUEUED_SEND);
		if (!conn_is_void(conn))
			flush_one(shard, conn);
	}
}

/* ---- tapes ---- */

bool send_mark_dirty(struct shard *shard, uint32_t channel)
{
	struct tape *tape = channels_at(&shard->channels, channel)->tape;

	if (tape->is_dirty)
		return true;
	if (shard->dirty_count == TAPES_DIRTY_MAX)
		return false;
	tape->is_dirty = true;
	tape_begin(tape);
	shard->dirty[shard->dirty_count++] = channel;
	return true;
}

/* The member gets the rest of the tape when its turn comes, see send_tape_rest; should the tape
 * have dropped it by then, it is known here what it lacks. */
static void leave_behind(struct shard *shard, struct tape *tape, struct member *member)
{
	recovery_note_lagging(shard, conn_at(shard, member->slot), tape, member->position);
	tape->circle_passed_laggard = true;
}

/* Behind what waits in the outbox, if that stays small. */
static bool keep_rest(struct shard *shard, struct conn *conn, struct slice rest)
{
	if (rest.size + outbox_size(conn->outbox) > shard->outbox_size_max / 2)
		return false;
	return keep(shard, conn, rest, SIZE_MAX);
}

/* What the tape has for a member. False: the member had a send in this turn already, and is
 * visited again in the next one, but not a second time. */
static bool visit(struct shard *shard, struct tape *tape, struct member *member)
{
	if (member->slot == MEMBER_HOLE || member->position == tape->head)
		return true;
	struct conn *conn = conn_at(shard, member->slot);

	if (conn_has(conn, CONN_FALLING))
		return true; /* after what it lost nothing later may reach it */
	if (tape_has_lost(tape, member->position)) {
		lose_rest(shard, conn, tape, member);
		return true;
	}
	if (conn_has(conn, CONN_BLOCKED)) {
		leave_behind(shard, tape, member);
		return true;
	}
	bool is_sending = conn_is_sending(shard, conn);
	bool must_keep = conn->outbox || conn_has(conn, CONN_HELD);

	if (is_sending && !must_keep && !tape->is_stalled) {
		tape->is_stalled = true;
		return false;
	}
	tape->is_stalled = false;
	if (!is_sending && !must_keep) {
		submit(shard, conn, tape_from(tape, member->position), false);
	} else if (!keep_rest(shard, conn, tape_from(tape, member->position))) {
		leave_behind(shard, tape, member);
		send_queue(shard, conn);
		return true;
	}
	took_rest(shard, conn, tape, member);
	return true;
}

/* Up to `budget` sends of one tape. True: the tape is swept. */
static bool sweep(struct shard *shard, struct channel *channel, uint32_t budget)
{
	struct tape *tape = channel->tape;
	struct member *members = channel_members(channel);
	uint32_t sends_end = shard->sends_count + budget;

	while (shard->sends_count < sends_end) {
		if (tape->circle_left == 0) {
			tape_end_circle(tape, channel->members_used);
			if (tape_is_swept(tape))
				return true;
			continue;
		}
		if (!visit(shard, tape, &members[tape->cursor]))
			return false;
		tape_step(tape, channel->members_used);
	}
	return false;
}

static void flush_tapes(struct shard *shard)
{
	uint32_t kept = 0;
	uint32_t budget = send_room(shard);

	if (shard->dirty_count == 0)
		return;
	if (budget > TURN_SWEEP_MAX)
		budget = TURN_SWEEP_MAX;
	uint32_t share = budget / shard->dirty_count + 1;

	for (uint32_t i = 0; i < shard->dirty_count; i++) {
		uint32_t index = shard->dirty[i];
		struct channel *channel = channels_at(&shard->channels, index);

		if (share > send_room(shard))
			share = send_room(shard);
		if (share > 0 && sweep(shard, channel, share))
			channel->tape->is_dirty = false;
		else
			shard->dirty[kept++] = index;
	}
	shard->dirty_count = kept;
}

void send_flush(struct shard *shard)
{
	flush_outboxes(shard);
	flush_tapes(shard);
}

void send_catch_up(struct shard *shard, struct conn *conn, struct channel *channel, uint32_t member)
{
	struct member *self = &channel_members(channel)[member];
	const struct tape *tape = channel->tape;

	if (!tape || self->position == tape->head || conn_has(conn, CONN_FALLING))
		return;
	if (!tape_has_lost(tape, self->position) &&
	    keep(shard, conn, tape_from(tape, self->position), notice_bound(shard, conn)))
		took_rest(shard, conn, tape, self);
	else
		lose_rest(shard, conn, tape, self);
}

/* ---- the turn's end and what the kernel says of it ---- */

void send_on_short(struct shard *shard, struct conn *conn, uint32_t index, int32_t result)
{
	struct send_record *record = &shard->sends[index];
	uint32_t taken = result > 0 ? (uint32_t)result : 0;
	struct slice rest = slice_of(record->bytes + taken, record->size - taken);

	ASSERT(index < shard->sends_count && taken <= record->size);
	if (result < 0 && result != -EAGAIN && result != -EINTR) {
		conn_close_join(shard, conn, CLOSE_PEER_GONE);
		return;
	}
	record->taken = taken;
	counter_add(&shard->counters->sends_short, 1);
	counter_add(&shard->counters->blocked, 1);
	conn_set(conn, CONN_BLOCKED);
	shard->falls[conn_slot(shard, conn)].blocked_ms = (uint32_t)shard->now_ms;
	timers_refresh(shard, conn);
	uring_poll_writable(shard->uring, conn_slot(shard, conn_socket(shard, conn)),
			    conn_tag(shard, conn, SHARD_OP_WRITABLE, 0));
	/* Of the outbox send_settle consumes what was taken. */
	if (!record->from_outbox && outbox_prepend(&conn->outbox, rest) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

void send_on_writable(struct shard *shard, struct conn *conn)
{
	if (!conn_has(conn, CONN_BLOCKED))
		return;
	conn_clear(conn, CONN_BLOCKED);
	counter_subtract(&shard->counters->blocked, 1);
	conn->heard_ms = (uint32_t)shard->now_ms; /* it reads; its own frames had to wait */
	send_queue(shard, conn);
}

void send_settle(struct shard *shard)
{
	uint64_t bytes_out = 0;

	for (uint32_t i = 0; i < shard->sends_count; i++) {
		struct send_record *record = &shard->sends[i];

		bytes_out += record->taken;
		if (!record->from_outbox || record->is_void || record->taken == 0)
			continue;
		struct conn *conn = conn_at(shard, record->slot);

		ASSERT(conn->state != CONN_FREE && conn->outbox != NULL);
		outbox_consume(&conn->outbox, record->taken);
		if (conn_has(conn, CONN_UNREAD) && outbox_size(conn->outbox) < READ_PAUSE_SIZE)
			receive_queue(shard, conn);
	}
	counter_add(&shard->counters->sends, shard->sends_count);
	counter_add(&shard->counters->bytes_out, bytes_out);
	shard->sends_count = 0;
	shard->turn++; /* from here on a connection may have its next send */
}

bool send_has_more(const struct shard *shard)
{
	return shard->dirty_count > 0 || slot_queue_size(&shard->sendable) > 0;
}

void send_forget(struct shard *shard, struct conn *conn)
{
	uint16_t slot = (uint16_t)conn_slot(shard, conn);

	if (conn_has(conn, CONN_BLOCKED))
		counter_subtract(&shard->counters->blocked, 1);
	conn_clear(conn, CONN_BLOCKED);
	for (uint32_t i = 0; conn_is_sending(shard, conn) && i < shard->sends_count; i++)
		if (shard->sends[i].slot == slot)
			shard->sends[i].is_void = true;
}
