/* shard/subscriptions.c - holding, joining and leaving channels. */
#include "shard/subscriptions.h"

#include <stdlib.h>
#include <string.h>

#include "shard/receipts.h"
#include "shard/send.h"
#include "shard/shard_state.h"

#define USER_PREFIX "user:"

struct subscription *subscriptions_of(struct conn *conn)
{
	return conn->subscriptions_capacity > SUBSCRIPTIONS_INLINE ? conn->subscriptions.many
								   : conn->subscriptions.few;
}

static bool grow(struct conn *conn)
{
	uint16_t capacity = (uint16_t)(conn->subscriptions_capacity * 2);
	bool is_inline = conn->subscriptions_capacity == SUBSCRIPTIONS_INLINE;
	struct subscription *old = is_inline ? NULL : conn->subscriptions.many;
	struct subscription *many = realloc(old, capacity * sizeof(*many));

	if (!many)
		return false;
	if (is_inline)
		memcpy(many, conn->subscriptions.few, sizeof(conn->subscriptions.few));
	conn->subscriptions.many = many;
	conn->subscriptions_capacity = capacity;
	return true;
}

/* Holds a channel; the router hears of the first holder. */
static uint32_t hold(struct shard *shard, struct slice name)
{
	bool is_new;
	uint32_t channel = channels_hold(&shard->channels, name, &is_new);

	if (channel == CHANNEL_NONE)
		return CHANNEL_NONE;
	if (is_new) {
		receipts_interest(shard, name);
		counter_add(&shard->counters->channels, 1);
	}
	return channel;
}

static void forget_tape(struct shard *shard, uint32_t index)
{
	for (uint32_t i = 0; i < shard->dirty_count; i++)
		if (shard->dirty[i] == index)
			shard->dirty[i] = shard->dirty[--shard->dirty_count];
}

static void release(struct shard *shard, uint32_t index)
{
	struct channel *channel;

	if (!channels_release(&shard->channels, index))
		return;
	channel = channels_at(&shard->channels, index);
	receipts_disinterest(shard, channel_name(channel));
	counter_subtract(&shard->counters->channels, 1);
	if (channel->tape && channel->tape->is_dirty)
		forget_tape(shard, index);
	channels_remove(&shard->channels, index);
}

bool subscriptions_add(struct shard *shard, struct conn *conn, struct slice name,
		       uint32_t *ret_channel)
{
	if (conn->subscriptions_count == conn->subscriptions_capacity && !grow(conn))
		return false;
	uint32_t channel = hold(shard, name);

	if (channel == CHANNEL_NONE)
		return false;
	subscriptions_of(conn)[conn->subscriptions_count++] =
		(struct subscription){.channel = channel, .member = MEMBER_NONE};
	counter_add(&shard->counters->subscriptions, 1);
	*ret_channel = channel;
	return true;
}

bool subscriptions_join_one(struct shard *shard, struct conn *conn, struct subscription *held)
{
	ASSERT(held->member == MEMBER_NONE);
	held->member =
		channel_join(channels_at(&shard->channels, held->channel), conn_slot(shard, conn));
	return held->member != MEMBER_NONE;
}

bool subscriptions_join(struct shard *shard, struct conn *conn)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].member == MEMBER_NONE && !subscriptions_join_one(shard, conn, &all[i]))
			return false;
	return true;
}

struct subscription *subscriptions_find(struct conn *conn, uint32_t channel)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].channel == channel)
			return &all[i];
	return NULL;
}

void subscriptions_catch_up(struct shard *shard, struct conn *conn)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].member != MEMBER_NONE)
			send_catch_up(shard, conn, channels_at(&shard->channels, all[i].channel),
				      all[i].member);
}

/* The channel whose holes are being closed, and its shard. */
struct compaction {
	struct shard *shard;
	uint32_t channel;
};

static void on_moved(void *owner, uint32_t slot, uint32_t member)
{
	const struct compaction *compaction = owner;
	struct conn *conn = conn_at(compaction->shard, slot);
	struct subscription *moved = subscriptions_find(conn, compaction->channel);

	ASSERT(moved != NULL);
	moved->member = member;
}

static void leave(struct shard *shard, struct subscription *gone)
{
	struct channel *channel = channels_at(&shard->channels, gone->channel);
	struct compaction compaction = {.shard = shard, .channel = gone->channel};

	if (gone->member == MEMBER_NONE)
		return;
	channel_leave(channel, gone->member);
	gone->member = MEMBER_NONE;
	if (channel_has_many_holes(channel))
		channel_compact(channel, on_moved, &compaction);
}

void subscriptions_remove(struct shard *shard, struct conn *conn, struct subscription *gone)
{
	uint32_t channel = gone->channel;

	ASSERT(conn->subscriptions_count > 0);
	leave(shard, gone);
	*gone = subscriptions_of(conn)[--conn->subscriptions_count];
	counter_subtract(&shard->counters->subscriptions, 1);
	release(shard, channel);
}

void subscriptions_remove_all(struct shard *shard, struct conn *conn)
{
	while (conn->subscriptions_count > 0)
		subscriptions_remove(shard, conn,
				     &subscriptions_of(conn)[conn->subscriptions_count - 1]);
	if (conn->subscriptions_capacity > SUBSCRIPTIONS_INLINE)
		free(conn->subscriptions.many);
	conn->subscriptions_capacity = SUBSCRIPTIONS_INLINE;
}

bool subscriptions_hold_user(struct shard *shard, struct conn *conn, struct slice user)
{
	uint8_t name[sizeof(USER_PREFIX) - 1 + USER_SIZE_MAX];

	ASSERT(user.size > 0 && user.size <= USER_SIZE_MAX);
	memcpy(name, USER_PREFIX, sizeof(USER_PREFIX) - 1);
	memcpy(name + sizeof(USER_PREFIX) - 1, user.bytes, user.size);
	conn->user = hold(shard, slice_of(name, sizeof(USER_PREFIX) - 1 + user.size));
	return conn->user != CHANNEL_NONE;
}

void subscriptions_release_user(struct shard *shard, struct conn *conn)
{
	if (conn->user != CHANNEL_NONE)
		release(shard, conn->user);
	conn->user = CHANNEL_NONE;
}

struct slice subscriptions_user(struct shard *shard, const struct conn *conn)
{
	if (conn->user == CHANNEL_NONE)
		return (struct slice){NULL, 0};
	return slice_skip(channel_name(channels_at(&shard->channels, conn->user)),
			  sizeof(USER_PREFIX) - 1);
}
