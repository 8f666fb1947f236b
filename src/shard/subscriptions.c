/* shard/subscriptions.c - holding, joining and leaving channels. */
#include "shard/subscriptions.h"

#include <stdlib.h>
#include <string.h>

#include "shard/receipts.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "wire/connection_id.h"

#define USER_PREFIX "user:"
#define CONN_PREFIX "conn:"

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

bool subscriptions_hold_all(struct shard *shard)
{
	bool is_new;

	for (uint32_t i = 0; i < ENCODING_COUNT; i++) {
		uint32_t all =
			channels_hold(&shard->channels, SLICE("all"), (enum encoding)i, &is_new);

		if (all == CHANNEL_NONE)
			return false;
		ASSERT(all == CHANNEL_ALL + i);
	}
	return true;
}

/* Holds a channel; the router hears of the first holder. */
static uint32_t hold(struct shard *shard, enum encoding encoding, struct slice name)
{
	bool is_new;
	uint32_t channel = channels_hold(&shard->channels, name, encoding, &is_new);

	if (channel == CHANNEL_NONE)
		return CHANNEL_NONE;
	shard->encodings |= UINT32_C(1) << encoding;
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
	uint8_t bytes[CHANNEL_SIZE_MAX];
	struct channel *channel;
	struct slice name;

	if (!channels_release(&shard->channels, index))
		return;
	channel = channels_at(&shard->channels, index);
	name = slice_of(bytes, channel->name_size);
	memcpy(bytes, channel->name, channel->name_size);
	uint64_t hash = channel->hash;

	if (channel->tape && channel->tape->is_dirty)
		forget_tape(shard, index);
	channels_remove(&shard->channels, index);
	if (channels_has_name(&shard->channels, name, hash))
		return;
	receipts_disinterest(shard, name);
	counter_subtract(&shard->counters->channels, 1);
}

bool subscriptions_add(struct shard *shard, struct conn *conn, struct slice name,
		       uint32_t *ret_channel)
{
	if (conn->subscriptions_count == conn->subscriptions_capacity && !grow(conn))
		return false;
	uint32_t channel = hold(shard, (enum encoding)conn->encoding, name);

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
	uint32_t member =
		channel_join(channels_at(&shard->channels, held->channel), conn_slot(shard, conn));

	ASSERT(!subscription_is_joined(held));
	held->member = member;
	return member != MEMBER_NONE;
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
		if (subscription_is_joined(&all[i]))
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

void subscriptions_leave(struct shard *shard, struct subscription *left)
{
	struct channel *channel = channels_at(&shard->channels, left->channel);
	struct compaction compaction = {.shard = shard, .channel = left->channel};

	ASSERT(subscription_is_joined(left));
	channel_leave(channel, left->member);
	left->member = MEMBER_NONE;
	if (channel_has_many_holes(channel))
		channel_compact(channel, on_moved, &compaction);
}

void subscriptions_remove(struct shard *shard, struct conn *conn, struct subscription *gone)
{
	uint32_t channel = gone->channel;

	ASSERT(conn->subscriptions_count > 0);
	if (subscription_is_joined(gone))
		subscriptions_leave(shard, gone);
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
	conn->user = hold(shard, (enum encoding)conn->encoding,
			  slice_of(name, sizeof(USER_PREFIX) - 1 + user.size));
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

void subscriptions_conn_name(const struct shard *shard, const struct conn *conn,
			     char ret_name[SUBSCRIPTIONS_CONN_SIZE])
{
	struct connection_id id = {(uint8_t)shard->index, (uint16_t)conn_slot(shard, conn),
				   conn->generation};

	memcpy(ret_name, CONN_PREFIX, sizeof(CONN_PREFIX) - 1);
	connection_id_write(id, shard->connection_key, ret_name + sizeof(CONN_PREFIX) - 1);
}

struct subscription *subscriptions_identity(struct shard *shard, struct conn *conn)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (slice_starts_with(channel_name(channels_at(&shard->channels, all[i].channel)),
				      SLICE(CONN_PREFIX)))
			return &all[i];
	return NULL;
}

void subscriptions_connection_id(struct shard *shard, struct conn *conn,
				 char ret_text[CONNECTION_ID_SIZE])
{
	const struct subscription *identity = subscriptions_identity(shard, conn);
	char own[SUBSCRIPTIONS_CONN_SIZE];
	struct slice name = slice_of(own, sizeof(own));

	subscriptions_conn_name(shard, conn, own);
	if (identity)
		name = channel_name(channels_at(&shard->channels, identity->channel));
	ASSERT(name.size == SUBSCRIPTIONS_CONN_SIZE);
	memcpy(ret_text, name.bytes + sizeof(CONN_PREFIX) - 1, CONNECTION_ID_SIZE);
}
