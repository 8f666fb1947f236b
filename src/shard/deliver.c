/* shard/deliver.c - draining the lane: tapes for many, outboxes for few. */
#include "shard/deliver.h"

#include <stdlib.h>

#include "lane/notice.h"
#include "shard/encode.h"
#include "shard/order.h"
#include "shard/protocol.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"

/* The channel here that the notice's channels[index] means; CHANNEL_NONE: nobody has it. */
static uint32_t resolve(const struct shard *shard, const struct notice *notice, uint32_t index,
			enum encoding encoding)
{
	const struct notice_channel *channel = &notice->channels[index];
	struct channel_key key = {channel->name, channel->hash, encoding};

	if (channel->target == TARGET_ALL)
		return CHANNEL_ALL + encoding;
	if (channel->target == TARGET_CONN)
		return CHANNEL_NONE;
	return channels_find(&shard->channels, &key);
}

/* One connection, by its id. */
static void deliver_to_conn(struct shard *shard, const struct notice *notice, uint32_t index,
			    enum encoding encoding)
{
	const struct notice_channel *channel = &notice->channels[index];
	struct conn *conn;

	if (channel->shard != shard->index || channel->slot >= shard->slots)
		return;
	conn = conn_at(shard, channel->slot);
	if (conn->state != CONN_OPEN || conn->generation != channel->generation ||
	    conn->encoding != encoding)
		return;
	if (notice->channels_count > 1 && conn->last_notice == shard->notices)
		return;
	conn->last_notice = shard->notices;
	send_notice(shard, conn, encode_notice(shard, notice, index, encoding), notice->event_id);
}

/* Each member by himself. In a notice for many channels a connection gets the first it is in. */
static void deliver_to_members(struct shard *shard, const struct notice *notice, uint32_t index,
			       struct channel *channel)
{
	bool is_first_only = notice->channels_count > 1;
	struct slice frame = {NULL, 0};

	for (uint32_t i = 0; i < channel->members_used; i++) {
		uint32_t slot = channel_members(channel)[i].slot;

		if (slot == MEMBER_HOLE)
			continue;
		struct conn *conn = conn_at(shard, slot);

		if (is_first_only && conn->last_notice == shard->notices)
			continue;
		conn->last_notice = shard->notices;
		if (slice_is_absent(frame))
			frame = encode_notice(shard, notice, index,
					      (enum encoding)channel->encoding);
		send_notice(shard, conn, frame, notice->event_id);
	}
}

static bool has_tape(const struct shard *shard, struct channel *channel)
{
	if (channel->tape || channel->members_count < TAPE_MEMBERS_MIN)
		return channel->tape != NULL;
	channel->tape = tape_create(shard->tape_size_max);
	for (uint32_t i = 0; channel->tape && i < channel->members_used; i++)
		channel_members(channel)[i].position = channel->tape->head;
	return channel->tape != NULL;
}

static void mark_members(struct shard *shard, struct channel *channel)
{
	const struct member *members = channel_members(channel);

	for (uint32_t i = 0; i < channel->members_used; i++)
		if (members[i].slot != MEMBER_HOLE)
			conn_at(shard, members[i].slot)->last_notice = shard->notices;
}

/* Puts the frame on the channel's tape. False: no room there now. */
static bool deliver_to_tape(struct shard *shard, const struct notice *notice, uint32_t index,
			    uint32_t local)
{
	struct channel *channel = channels_at(&shard->channels, local);
	struct slice frame;
	uint8_t *bytes;

	if (!order_before_tape(shard, local))
		return false;
	/* What was written and found no room is not written again before there is some. */
	if (shard->held_size > 0 &&
	    !tape_reserve(channel->tape, shard->held_size, channel->tape->has_laggards))
		return false;
	frame = encode_notice(shard, notice, index, (enum encoding)channel->encoding);
	shard->held_size = (uint32_t)frame.size;
	bytes = tape_reserve(channel->tape, shard->held_size, channel->tape->has_laggards);
	if (!bytes || !send_mark_dirty(shard, local))
		return false;
	shard->held_size = 0;
	memcpy(bytes, frame.bytes, frame.size);
	tape_commit(channel->tape, (uint32_t)frame.size, shard->position,
		    !event_id_is_none(notice->event_id));
	counter_add(&shard->counters->deliveries, channel->members_count);
	if (notice->channels_count > 1)
		mark_members(shard, channel);
	return true;
}

/* To the connections of one encoding. False: the first channel's tape has no room; nothing was
 * delivered. Only the first channel with receivers here may use its tape: the others must look
 * who has it already. */
static bool deliver_encoded(struct shard *shard, const struct notice *notice,
			    enum encoding encoding)
{
	bool is_first = true;

	for (uint32_t i = 0; i < notice->channels_count; i++) {
		uint32_t local = resolve(shard, notice, i, encoding);

		if (notice->channels[i].target == TARGET_CONN) {
			deliver_to_conn(shard, notice, i, encoding);
			is_first = false;
		}
		if (local == CHANNEL_NONE)
			continue;
		struct channel *channel = channels_at(&shard->channels, local);

		if (is_first && has_tape(shard, channel)) {
			if (!deliver_to_tape(shard, notice, i, local))
				return false;
		} else {
			deliver_to_members(shard, notice, i, channel);
		}
		if (event_id_is_none(notice->event_id))
			counter_add(&shard->counters->ephemeral_dropped, channel->behind);
		is_first = false;
	}
	return true;
}

/* False: it stays on the lane, and goes on with the encoding that had no room. What those before
 * it have got is not behind the shard's position yet: nothing that follows the notice is
 * delivered, and whoever falls meanwhile falls for what came before it. */
static bool deliver_notice(struct shard *shard, const struct notice *notice)
{
	shard->notices++;
	for (; shard->delivering < ENCODING_COUNT; shard->delivering++)
		if ((shard->encodings >> shard->delivering & 1) != 0 &&
		    !deliver_encoded(shard, notice, (enum encoding)shard->delivering))
			return false;
	shard->delivering = 0;
	shard->held_size = 0;
	return true;
}

static struct conn *addressee(struct shard *shard, const struct delivery *delivery)
{
	struct conn *conn = conn_at(shard, delivery->slot);

	return conn->generation == delivery->generation ? conn : NULL;
}

static void on_close(struct shard *shard, struct conn *conn, uint32_t reason)
{
	ASSERT(reason < CLOSE_REASON_COUNT);
	conn_close(shard, conn, (enum close_reason)reason);
}

/* The reason is the connection's before it is closed: the protocol says it in its own way. */
static void on_refused(struct shard *shard, struct conn *conn, uint32_t reason)
{
	ASSERT(reason == CLOSE_USER_LIMIT || reason == CLOSE_OVERLOAD || reason == CLOSE_REVOKED ||
	       reason == CLOSE_DISCONNECTED);
	conn->reason = (uint8_t)reason;
	protocol_of(conn)->on_refused(shard, conn);
}

static void answer_attaching(struct shard *shard, struct conn *conn,
			     const struct delivery *delivery)
{
	if (delivery->type == DELIVERY_ATTACHED)
		protocol_of(conn)->on_attached(shard, conn, delivery->attached);
	else if (delivery->type == DELIVERY_REFUSED || delivery->type == DELIVERY_CLOSE)
		on_refused(shard, conn, delivery->count);
}

static void answer_open(struct shard *shard, struct conn *conn, const struct delivery *delivery)
{
	switch ((enum delivery_type)delivery->type) {
	case DELIVERY_SUBSCRIBED:
		recovery_on_subscribed(shard, conn, delivery);
		return;
	case DELIVERY_REPLAY:
		recovery_on_replay(shard, conn, delivery);
		return;
	case DELIVERY_LIVE:
		recovery_on_live(shard, conn, delivery);
		return;
	case DELIVERY_ANSWER:
		protocol_of(conn)->on_answer(shard, conn, (enum upstream_answer)delivery->count,
					     slice_of_text(delivery->ref));
		return;
	case DELIVERY_CLOSE:
		on_close(shard, conn, delivery->count);
		return;
	case DELIVERY_NOTICE:
	case DELIVERY_ATTACHED:
	case DELIVERY_REFUSED:
	case DELIVERY_POSITION:
		return;
	}
}

static void move_on(struct shard *shard, struct event_id position)
{
	if (event_id_is_after(position, shard->position))
		shard->position = position;
}

/* False: it stays on the lane. */
static bool deliver(struct shard *shard, const struct delivery *delivery)
{
	struct conn *conn;

	if (delivery->type == DELIVERY_NOTICE) {
		if (!deliver_notice(shard, delivery->notice))
			return false;
		move_on(shard, delivery->notice->event_id);
		if (!event_id_is_none(delivery->notice->event_id))
			shard->newest = delivery->notice->event_id;
		return true;
	}
	if (delivery->type == DELIVERY_LIVE || delivery->type == DELIVERY_POSITION) {
		move_on(shard, delivery->id);
		shard->newest = delivery->id;
	}
	if (delivery->type == DELIVERY_POSITION)
		return true;
	conn = addressee(shard, delivery);
	if (conn && conn->state == CONN_ATTACHING)
		answer_attaching(shard, conn, delivery);
	else if (conn && conn->state == CONN_OPEN)
		answer_open(shard, conn, delivery);
	return true;
}

void deliver_free(const struct delivery *delivery)
{
	switch ((enum delivery_type)delivery->type) {
	case DELIVERY_NOTICE:
	case DELIVERY_REPLAY:
		notice_unref(delivery->notice);
		return;
	case DELIVERY_ATTACHED:
		free(delivery->attached);
		return;
	case DELIVERY_SUBSCRIBED:
	case DELIVERY_ANSWER:
		free(delivery->ref);
		return;
	case DELIVERY_REFUSED:
	case DELIVERY_LIVE:
	case DELIVERY_POSITION:
	case DELIVERY_CLOSE:
		return;
	}
}

void deliver_drain(struct shard *shard)
{
	const struct delivery *next;
	struct delivery delivery;

	counter_set(&shard->counters->lane_depth, ring_depth(&shard->deliveries->ring));
	/* A notice may need a send for each of its few members; the rest goes to outboxes. */
	shard->is_crowded = false;
	while (shard->held_count < TURN_DELIVERIES_MAX &&
	       send_room(shard) > TAPE_MEMBERS_MIN + TURN_SWEEP_MAX) {
		next = ring_peek(&shard->deliveries->ring);
		if (!next || (next->type == DELIVERY_NOTICE && shard->is_crowded))
			return;
		if (!deliver(shard, next)) {
			counter_add(&shard->counters->lane_held, 1);
			return;
		}
		bool popped = ring_pop(&shard->deliveries->ring, &delivery);

		ASSERT(popped);
		if (delivery.type != DELIVERY_NOTICE && delivery.type != DELIVERY_REPLAY) {
			deliver_free(&delivery);
			continue;
		}
		shard->delivered_ms = shard->now_ms;
		shard->held[shard->held_count++] = delivery.notice;
	}
}

_Bool deliver_has_more(struct shard *shard)
{
	return ring_peek(&shard->deliveries->ring) != NULL;
}

void deliver_release(struct shard *shard)
{
	while (shard->held_count > 0)
		notice_unref(shard->held[--shard->held_count]);
}
