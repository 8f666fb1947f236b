/* shard/recovery.c - positions, falls, replays. */
#include "shard/recovery.h"

#include <stdlib.h>

#include "shard/order.h"
#include "shard/protocol.h"
#include "shard/receipts.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/channel_name.h"
#include "wire/envelope.h"

static struct fall *fall_of(const struct shard *shard, const struct conn *conn)
{
	return &shard->falls[conn_slot(shard, conn)];
}

/* ---- channels with something of their own ---- */

static struct fall_channel *find_own(const struct fall *fall, uint32_t channel)
{
	for (uint32_t i = 0; i < fall->channels_count; i++)
		if (fall->channels[i].channel == channel)
			return &fall->channels[i];
	return NULL;
}

/* The channel's, made when there is none. Bounded by max_subscriptions. */
static struct fall_channel *need_own(struct fall *fall, uint32_t channel)
{
	struct fall_channel *own = find_own(fall, channel);

	if (own)
		return own;
	if (fall->channels_count == fall->channels_capacity) {
		uint16_t capacity = (uint16_t)(fall->channels_capacity * 2 + 2);
		struct fall_channel *grown =
			realloc(fall->channels, capacity * sizeof(*fall->channels));

		ASSERT(grown != NULL);
		fall->channels = grown;
		fall->channels_capacity = capacity;
	}
	own = &fall->channels[fall->channels_count++];
	*own = (struct fall_channel){.channel = channel};
	return own;
}

static void drop_own(struct fall *fall, struct fall_channel *own)
{
	*own = fall->channels[--fall->channels_count];
	if (fall->channels_count > 0)
		return;
	free(fall->channels);
	fall->channels = NULL;
	fall->channels_capacity = 0;
}

/* ---- asking ---- */

/* Room for the struct, `count` channels and `size` bytes behind them. */
static struct recovery *create(uint32_t count, size_t size, uint8_t **ret_bytes)
{
	size_t head = sizeof(struct recovery) + count * sizeof(struct recovery_channel);
	struct recovery *recovery = calloc(1, head + size);

	if (recovery)
		*ret_bytes = (uint8_t *)recovery + head;
	return recovery;
}

/* A copy in *bytes, which moves on. An absent slice stays absent. */
static struct slice put(uint8_t **bytes, struct slice slice)
{
	uint8_t *copy = *bytes;

	if (slice_is_absent(slice))
		return slice;
	if (slice.size > 0)
		memcpy(copy, slice.bytes, slice.size);
	*bytes += slice.size;
	return slice_of(copy, slice.size);
}

static struct slice name_of(const struct shard *shard, uint32_t channel)
{
	return channel_name(channels_at(&shard->channels, channel));
}

/* What the router is asked for one channel, of those that were LEFT. */
static struct event_id after_of(struct fall *fall, uint32_t channel, struct event_id at)
{
	struct fall_channel *own = find_own(fall, channel);

	if (!own)
		return at;
	ASSERT(!own->is_going);
	at = own->after;
	drop_own(fall, own);
	return at;
}

/* All that are LEFT, and conn:{id}; they are RECOVERING then. `size`: bytes that are left behind
 * them. NULL: out of memory, nothing has changed. */
static struct recovery *list_left(struct shard *shard, struct conn *conn, struct event_id at,
				  size_t size, uint8_t **ret_bytes)
{
	struct subscription *all = subscriptions_of(conn);
	char name[SUBSCRIPTIONS_CONN_SIZE];
	struct recovery *recovery;
	uint8_t *bytes;

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		size += name_of(shard, all[i].channel).size;
	recovery = create(conn->subscriptions_count + 1u, size + sizeof(name), &bytes);
	if (!recovery)
		return NULL;
	for (uint32_t i = 0; i < conn->subscriptions_count; i++) {
		if (all[i].member != MEMBER_LEFT)
			continue;
		recovery->channels[recovery->channels_count++] = (struct recovery_channel){
			.name = put(&bytes, name_of(shard, all[i].channel)),
			.after = after_of(fall_of(shard, conn), all[i].channel, at),
		};
		all[i].member = MEMBER_RECOVERING;
	}
	subscriptions_conn_name(shard, conn, name);
	recovery->channels[recovery->channels_count++] = (struct recovery_channel){
		.name = put(&bytes, slice_of(name, sizeof(name))),
		.after = at,
	};
	*ret_bytes = bytes;
	return recovery;
}

bool recovery_attach(struct shard *shard, struct conn *conn, const struct recovery_wish *wish)
{
	struct subscription *all = subscriptions_of(conn);
	struct slice user = subscriptions_user(shard, conn);
	size_t size = user.size + wish->device.size + wish->identity.size + wish->jti.size;
	struct recovery *recovery;
	uint8_t *bytes;

	ASSERT(fall_of(shard, conn)->channels_count == 0 && !conn_has(conn, CONN_RECOVERING));
	for (uint32_t i = 0; i < conn->subscriptions_count; i++) {
		ASSERT(all[i].member == MEMBER_NONE);
		all[i].member = MEMBER_LEFT;
	}
	recovery = list_left(shard, conn, wish->after, size, &bytes);
	if (!recovery)
		return false;
	recovery->from = wish->has_after ? RECOVERY_AFTER : RECOVERY_CURSOR;
	recovery->encoding = conn->encoding;
	recovery->user = put(&bytes, user);
	recovery->device = put(&bytes, wish->device);
	recovery->identity = put(&bytes, wish->identity);
	recovery->jti = put(&bytes, wish->jti);
	recovery->issued_s = wish->issued_s;
	recovery->since_ms = shard->unix_ms;
	if (conn->arrival != ARRIVAL_NONE) {
		recovery->address = shard->arrivals[conn->arrival].client;
		recovery->counts_address = shard->arrivals[conn->arrival].counts_client;
	} else if (conn_has(conn, CONN_SOCKETLESS)) {
		recovery->address = engine_session_of(shard, conn)->client;
		recovery->counts_address = engine_session_of(shard, conn)->is_limited;
	}
	conn_set(conn, CONN_RECOVERING);
	receipts_attach(shard, conn, recovery);
	return true;
}

bool recovery_subscribe(struct shard *shard, struct conn *conn, uint32_t channel,
			const struct event_id *after, char *ref)
{
	struct slice name = name_of(shard, channel);
	uint8_t *bytes;
	struct recovery *recovery = create(1, name.size, &bytes);

	ASSERT(conn->state == CONN_OPEN);
	if (!recovery)
		return false;
	recovery->from = after ? RECOVERY_AFTER : RECOVERY_NOW;
	recovery->channels_count = 1;
	recovery->channels[0].name = put(&bytes, name);
	if (after)
		recovery->channels[0].after = *after;
	receipts_subscribe(shard, conn, recovery, channel, ref);
	return true;
}

bool recovery_has_pending(struct conn *conn)
{
	const struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].member == MEMBER_NONE || all[i].member == MEMBER_REPLAYING)
			return true;
	return false;
}

static void catch_up(struct shard *shard, struct conn *conn)
{
	uint8_t *bytes;
	struct recovery *recovery = list_left(shard, conn, fall_of(shard, conn)->at, 0, &bytes);

	if (!recovery) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	recovery->from = RECOVERY_AFTER;
	conn_set(conn, CONN_RECOVERING);
	receipts_catch_up(shard, conn, recovery);
}

void recovery_on_drained(struct shard *shard, struct conn *conn)
{
	ASSERT(conn->state == CONN_OPEN && !conn->outbox && !conn_has(conn, CONN_BLOCKED));
	for (; conn->replays_owed > 0; conn->replays_owed--)
		receipts_more(shard, conn);
	/* What the router still has of it ends with a LIVE that the catch-up must name. */
	if (conn_has(conn, CONN_BEHIND) && !conn_has(conn, CONN_RECOVERING) &&
	    !recovery_has_pending(conn))
		catch_up(shard, conn);
}

/* ---- falling ---- */

void recovery_fall(struct shard *shard, struct conn *conn, struct event_id at)
{
	if (conn->state != CONN_OPEN || conn_has(conn, CONN_FALLING))
		return;
	ASSERT(conn_is_live(conn) && !event_id_is_after(at, shard->position));
	conn_set(conn, CONN_FALLING);
	fall_of(shard, conn)->at = at;
	send_queue(shard, conn);
}

void recovery_note_lagging(struct shard *shard, struct conn *conn, const struct tape *tape,
			   uint32_t position)
{
	struct fall *fall = fall_of(shard, conn);

	ASSERT(!conn_has(conn, CONN_FALLING) && !conn_has(conn, CONN_BEHIND));
	order_note_lagging(shard, conn);
	fall->at = tape_before(tape, position);
	fall->tape = tape;
	fall->position = position;
	fall->ephemerals = tape_ephemerals_before(tape, position);
}

uint32_t recovery_missed_ephemerals(const struct shard *shard, const struct conn *conn,
				    const struct tape *tape, uint32_t position)
{
	const struct fall *fall = fall_of(shard, conn);

	if (!tape_has_lost(tape, position))
		return tape->ephemerals - tape_ephemerals_before(tape, position);
	if (fall->tape != tape || fall->position != position)
		return 0; /* it fell for something else before it could lag */
	return tape->ephemerals - fall->ephemerals;
}

void recovery_fall_lost(struct shard *shard, struct conn *conn, const struct tape *tape,
			uint32_t position)
{
	const struct fall *fall = fall_of(shard, conn);

	if (conn_has(conn, CONN_FALLING))
		return;
	ASSERT(fall->tape == tape && fall->position == position);
	recovery_fall(shard, conn, fall->at);
}

/* What its channels send that is in no log passes it by until it has caught up. */
static void note_behind(struct shard *shard, struct conn *conn, int step)
{
	const struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].member == MEMBER_LEFT || all[i].member == MEMBER_RECOVERING) {
			struct channel *channel = channels_at(&shard->channels, all[i].channel);

			channel->behind = (uint16_t)(channel->behind + step);
		}
}

/* Nor does what waits on the channel's tape reach it. */
static void leave_tape(struct shard *shard, struct conn *conn, const struct subscription *held)
{
	struct channel *channel = channels_at(&shard->channels, held->channel);

	if (channel->tape)
		counter_add(&shard->counters->ephemeral_dropped,
			    recovery_missed_ephemerals(
				    shard, conn, channel->tape,
				    channel_members(channel)[held->member].position));
}

void recovery_leave(struct shard *shard, struct conn *conn)
{
	struct subscription *all = subscriptions_of(conn);

	ASSERT(conn->state == CONN_OPEN && conn_has(conn, CONN_FALLING));
	for (uint32_t i = 0; i < conn->subscriptions_count; i++) {
		if (!subscription_is_joined(&all[i]))
			continue;
		leave_tape(shard, conn, &all[i]);
		subscriptions_leave(shard, &all[i]);
		all[i].member = MEMBER_LEFT;
	}
	note_behind(shard, conn, 1);
	conn_clear(conn, CONN_FALLING);
	conn_clear(conn, CONN_LAGGING);
	conn_set(conn, CONN_BEHIND);
	fall_of(shard, conn)->since_ms = (uint32_t)shard->now_ms;
	counter_add(&shard->counters->behind, 1);
	counter_add(&shard->counters->fell_behind, 1);
	timers_refresh(shard, conn);
}

static void end_behind(struct shard *shard, struct conn *conn)
{
	note_behind(shard, conn, -1);
	conn_clear(conn, CONN_BEHIND);
	counter_subtract(&shard->counters->behind, 1);
}

void recovery_forget(struct shard *shard, struct conn *conn)
{
	struct fall *fall = fall_of(shard, conn);

	if (conn_has(conn, CONN_BEHIND))
		end_behind(shard, conn);
	conn_clear(conn, CONN_FALLING);
	conn_clear(conn, CONN_RECOVERING);
	conn->replays_owed = 0;
	while (fall->channels_count > 0) {
		free(fall->channels[0].ref);
		drop_own(fall, &fall->channels[0]);
	}
}

/* ---- receiving ---- */

void recovery_on_replay(struct shard *shard, struct conn *conn, const struct delivery *delivery)
{
	ASSERT(conn->state == CONN_OPEN && conn->replays_owed < UINT8_MAX);
	counter_add(&shard->counters->deliveries, delivery->count);
	counter_add(&shard->counters->replayed, delivery->count);
	conn->active_ms = (uint32_t)shard->now_ms;
	conn->replays_owed++;
	conn_set(conn, CONN_UNCONFIRMED);
	send_replay(shard, conn, delivery->notice->frame);
	send_queue(shard, conn); /* to see when it is on its way */
}

void recovery_on_subscribed(struct shard *shard, struct conn *conn, const struct delivery *delivery)
{
	struct subscription *found = subscriptions_find(conn, delivery->channel);
	struct envelope_replay replay = {
		.recovered = (delivery->flags & DELIVERY_RECOVERED) != 0,
		.replayed = delivery->count,
	};
	bool had_position = (delivery->flags & DELIVERY_HAS_REPLAY) != 0;

	if (!found || found->member != MEMBER_NONE)
		return;
	found->member = MEMBER_REPLAYING;
	protocol_of(conn)->on_subscribed(shard, conn, name_of(shard, delivery->channel),
					 had_position ? &replay : NULL,
					 slice_of_text(delivery->ref));
}

bool recovery_is_leaving(const struct shard *shard, const struct conn *conn, uint32_t channel)
{
	const struct fall_channel *own = find_own(fall_of(shard, conn), channel);

	return own && own->is_going;
}

/* The last one comes into its place. */
static void leave(struct shard *shard, struct conn *conn, struct subscription *held,
		  struct slice ref)
{
	struct fall *fall = fall_of(shard, conn);
	struct fall_channel *own = find_own(fall, held->channel);

	protocol_of(conn)->on_unsubscribed(shard, conn, name_of(shard, held->channel), ref);
	if (held->member == MEMBER_LEFT && conn_has(conn, CONN_BEHIND))
		channels_at(&shard->channels, held->channel)->behind--;
	if (own) {
		free(own->ref);
		drop_own(fall, own);
	}
	subscriptions_remove(shard, conn, held);
}

void recovery_unsubscribe(struct shard *shard, struct conn *conn, struct subscription *held,
			  struct slice ref)
{
	struct fall_channel *own;

	ASSERT(held->member != MEMBER_NONE);
	if (held->member != MEMBER_RECOVERING && held->member != MEMBER_REPLAYING) {
		/* An entry for this channel and another may be on this one's tape only. */
		if (subscription_is_joined(held))
			order_before_frame(shard, conn);
		leave(shard, conn, held, ref);
		return;
	}
	own = need_own(fall_of(shard, conn), held->channel);
	ASSERT(!own->is_going);
	own->is_going = true;
	if (!slice_is_absent(ref))
		own->ref = slice_to_text(ref);
}

/* A subscription's LIVE has come: it joins, or goes when it was left meanwhile. True: it went. */
static bool settle(struct shard *shard, struct conn *conn, struct subscription *held)
{
	const struct fall_channel *own = find_own(fall_of(shard, conn), held->channel);

	if (own && own->is_going) {
		leave(shard, conn, held, slice_of_text(own->ref));
		return true;
	}
	if (!subscriptions_join_one(shard, conn, held))
		conn_close(shard, conn, CLOSE_NO_MEMORY);
	return false;
}

static void on_live_one(struct shard *shard, struct conn *conn, uint32_t channel,
			struct event_id id)
{
	struct subscription *held = subscriptions_find(conn, channel);

	ASSERT(!conn_has(conn, CONN_RECOVERING));
	if (!held || held->member != MEMBER_REPLAYING)
		return;
	/* What it has yet to get of other channels is before `id`: should it fall for that, it is
	 * not to be given this channel from there on once more. */
	order_before_frame(shard, conn);
	if (conn_is_live(conn) || recovery_is_leaving(shard, conn, channel)) {
		settle(shard, conn, held);
	} else {
		need_own(fall_of(shard, conn), channel)->after = id;
		held->member = MEMBER_LEFT;
		if (conn_has(conn, CONN_BEHIND))
			channels_at(&shard->channels, channel)->behind++;
	}
	send_queue(shard, conn); /* its catch-up may have waited for this */
}

static void on_live_all(struct shard *shard, struct conn *conn)
{
	ASSERT(conn_has(conn, CONN_RECOVERING) && !conn_has(conn, CONN_FALLING));
	conn_clear(conn, CONN_RECOVERING);
	if (conn_has(conn, CONN_BEHIND)) {
		end_behind(shard, conn);
		counter_add(&shard->counters->caught_up, 1);
	}
	for (uint32_t i = 0; i < conn->subscriptions_count && conn->state == CONN_OPEN;) {
		struct subscription *held = &subscriptions_of(conn)[i];

		if (held->member != MEMBER_RECOVERING || !settle(shard, conn, held))
			i++;
	}
	if (conn->state == CONN_OPEN && protocol_of(conn)->on_live)
		protocol_of(conn)->on_live(shard, conn);
}

void recovery_on_live(struct shard *shard, struct conn *conn, const struct delivery *delivery)
{
	ASSERT(conn->state == CONN_OPEN);
	if (delivery->channel == RECEIPT_ALL_CHANNELS)
		on_live_all(shard, conn);
	else
		on_live_one(shard, conn, delivery->channel, delivery->id);
}
