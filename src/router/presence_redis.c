/* router/presence_redis.c - actions become commands, and replies the next commands. */
#include "router/presence_redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/connection_id.h"

void presence_redis_init(struct presence_redis *redis, const struct presence_redis_options *options)
{
	ASSERT(options->store.node.size > 0 && options->store.node.size <= PRESENCE_NODE_MAX);
	*redis = (struct presence_redis){
		.presence = options->presence,
		.client = options->client,
		.listener = options->listener,
		.store = options->store,
	};
}

void presence_redis_deinit(struct presence_redis *redis)
{
	ASSERT(redis->calls_count == 0);
	ASSERT(!redis->is_sweeping);
}

/* ---- commands and replies ---- */

/* Adds redis->batch; `first` and `last` hear the replies to its first and last command. False:
 * the last was not added; the first may have been, if `*ret_added` says so. */
static bool send_batch(struct presence_redis *redis, struct redis_call *first,
		       struct redis_call *last, uint32_t *ret_added)
{
	const struct presence_batch *batch = &redis->batch;
	uint32_t added = 0;
	enum status status = STATUS_OK;

	for (uint32_t i = 0; i < batch->count && status == STATUS_OK; i++) {
		const struct presence_command *command = &batch->commands[i];
		struct redis_call *call = i + 1 == batch->count ? last : i == 0 ? first : NULL;

		status = redis_client_add(redis->client, command->words, command->count, call);
		added += status == STATUS_OK && call != NULL;
	}
	*ret_added = added;
	redis->failures += status != STATUS_OK;
	return status == STATUS_OK;
}

/* Nobody hears the replies. */
static void send_unheard(struct presence_redis *redis)
{
	uint32_t added;

	(void)send_batch(redis, NULL, NULL, &added);
}

/* The value at the head of a reply; NULL: there is none, or it is a refusal. */
static const struct redis_value *value_of(struct presence_redis *redis, enum status status,
					  const struct redis_reply *reply)
{
	const struct redis_value *value = status == STATUS_OK ? &reply->values[0] : NULL;

	if (value && value->type != REPLY_ERROR)
		return value;
	redis->failures++;
	if (value)
		snprintf(redis->error, sizeof(redis->error), "%.*s",
			 value->text.size > 150 ? 150 : (int)value->text.size,
			 (const char *)value->text.bytes);
	return NULL;
}

static bool number_of(struct presence_redis *redis, enum status status,
		      const struct redis_reply *reply, uint64_t *ret_number)
{
	const struct redis_value *value = value_of(redis, status, reply);

	if (!value || value->type != REPLY_INTEGER)
		return false;
	*ret_number = value->number;
	return true;
}

/* ---- a connection is written ---- */

struct put {
	struct redis_call call;
	struct presence_redis *redis;
	uint64_t since_ms;
	uint8_t user_size, device_size;
	char id[CONNECTION_ID_SIZE];
	uint8_t names[]; /* user, device */
};

/* The reply to ZADD online: 1: he was not in it, so this node tells. */
static void on_put(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct put *put = CONTAINER_OF(call, struct put, call);
	struct presence_redis *redis = put->redis;
	uint64_t added;

	if (number_of(redis, status, reply, &added) && added == 1) {
		struct presence_event event = {
			.is_online = true,
			.user = slice_of(put->names, put->user_size),
			.connection_id = slice_of(put->id, CONNECTION_ID_SIZE),
			.device = slice_of(put->names + put->user_size, put->device_size),
			.since_ms = put->since_ms,
		};

		presence_store_tell(&redis->store, &event, redis->unix_ms, &redis->batch);
		send_unheard(redis);
	}
	redis->calls_count--;
	free(put);
}

static void put_conn(struct presence_redis *redis, const struct presence_conn *conn)
{
	uint8_t user_size = conn->user->name_size;
	struct put *put = malloc(sizeof(*put) + user_size + conn->device_size);
	uint32_t added;

	if (!put) {
		redis->failures++;
		return;
	}
	*put = (struct put){{on_put}, redis, conn->since_ms, user_size, conn->device_size, {0}};
	connection_id_complete(conn->digits, put->id);
	memcpy(put->names, conn->user->name, user_size);
	memcpy(put->names + user_size, conn->device, conn->device_size);
	presence_store_put(&redis->store, conn, redis->unix_ms, &redis->batch);
	if (send_batch(redis, NULL, &put->call, &added))
		redis->calls_count++;
	else
		free(put);
}

/* ---- a user is offline ---- */

enum check_step { CHECK_ASK, CHECK_LEAVE, CHECK_TELL };

struct check {
	struct redis_call first, last;
	struct presence_redis *redis;
	uint32_t waits; /* replies that are still to come */
	enum check_step step;
	bool is_over;
	bool was_taken; /* LEAVE: out of belfry:online, by this node */
	bool was_swept;
	uint8_t user_size;
	char id[CONNECTION_ID_SIZE]; /* unless was_swept */
	uint8_t user[];
};

static struct slice user_of(const struct check *check)
{
	return slice_of(check->user, check->user_size);
}

static void free_if_over(struct check *check)
{
	if (!check->is_over || check->waits > 0)
		return;
	check->redis->calls_count--;
	check->redis->checks_count--;
	free(check);
}

/* Sends the batch as the next step; `first` if the reply to its first command matters, too. */
static void take_step(struct check *check, enum check_step step, struct redis_call *first)
{
	uint32_t added;

	check->step = step;
	check->is_over = !send_batch(check->redis, first, &check->last, &added);
	check->waits += added;
}

static void end_with_batch(struct check *check)
{
	send_unheard(check->redis);
	check->is_over = true;
}

/* Nobody has a member that is not over. */
static void after_none(struct check *check)
{
	struct presence_redis *redis = check->redis;
	struct presence_event event = {
		.was_swept = check->was_swept,
		.user = user_of(check),
		.connection_id = slice_of(check->was_swept ? NULL : check->id,
					  check->was_swept ? 0 : CONNECTION_ID_SIZE),
	};

	if (check->step == CHECK_ASK) {
		presence_store_leave(user_of(check), redis->unix_ms, &redis->batch);
		take_step(check, CHECK_LEAVE, &check->first);
	} else if (check->step == CHECK_LEAVE && check->was_taken) {
		presence_store_tell(&redis->store, &event, redis->unix_ms, &redis->batch);
		take_step(check, CHECK_TELL, NULL);
	} else {
		check->is_over = true;
	}
}

/* Somebody has. */
static void after_some(struct check *check)
{
	struct presence_redis *redis = check->redis;
	struct presence_event back = {.is_online = true, .user = user_of(check)};

	if (check->step == CHECK_ASK)
		presence_store_lift(&redis->store, back.user, redis->unix_ms, &redis->batch);
	else if (check->step == CHECK_TELL)
		presence_store_tell(&redis->store, &back, redis->unix_ms, &redis->batch);
	else if (check->was_taken)
		presence_store_undo(&redis->store, back.user, redis->unix_ms, &redis->batch);
	else
		redis->batch.count = 0;
	end_with_batch(check);
}

static void on_taken(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct check *check = CONTAINER_OF(call, struct check, first);
	uint64_t count;

	check->waits--;
	check->was_taken = number_of(check->redis, status, reply, &count) && count == 1;
	free_if_over(check);
}

static void on_counted(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct check *check = CONTAINER_OF(call, struct check, last);
	uint64_t count;

	check->waits--;
	if (!number_of(check->redis, status, reply, &count))
		check->is_over = true;
	else if (count == 0)
		after_none(check);
	else
		after_some(check);
	free_if_over(check);
}

/* `last_digits` NULL: he was found by the sweep. */
static void start_check(struct presence_redis *redis, struct slice user, const char *last_digits)
{
	struct check *check = malloc(sizeof(*check) + user.size);

	ASSERT(user.size > 0 && user.size <= USER_SIZE_MAX);
	if (!check) {
		redis->failures++; /* the sweep finds him */
		return;
	}
	*check = (struct check){.first = {on_taken}, .last = {on_counted}, .redis = redis};
	check->was_swept = last_digits == NULL;
	check->user_size = (uint8_t)user.size;
	memcpy(check->user, user.bytes, user.size);
	if (last_digits)
		connection_id_complete(last_digits, check->id);
	redis->calls_count++;
	redis->checks_count++;
	presence_store_ask(&redis->store, user, last_digits != NULL, redis->unix_ms, &redis->batch);
	take_step(check, CHECK_ASK, NULL);
	free_if_over(check);
}

/* ---- sweeping ---- */

static void on_swept(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct presence_redis *redis = CONTAINER_OF(call, struct presence_redis, sweep_call);
	const struct redis_value *value = value_of(redis, status, reply);

	redis->is_sweeping = false;
	if (!value || value->type != REPLY_ARRAY)
		return;
	for (uint32_t i = 1; i < reply->count; i++) {
		struct slice user = reply->values[i].text;

		if (user.size > 0 && user.size <= USER_SIZE_MAX)
			start_check(redis, user, NULL);
	}
	/* Without a check under way the next portion would be the same one. */
	redis->has_more = value->number == PRESENCE_SWEEP_COUNT && redis->checks_count > 0;
}

static void sweep(struct presence_redis *redis)
{
	uint32_t added;

	redis->has_more = false;
	redis->sweep_call.on_reply = on_swept;
	presence_store_sweep(redis->unix_ms, &redis->batch);
	redis->is_sweeping = send_batch(redis, NULL, &redis->sweep_call, &added);
}

static void on_claimed(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct presence_redis *redis = CONTAINER_OF(call, struct presence_redis, claim_call);
	const struct redis_value *value = value_of(redis, status, reply);

	redis->is_sweeping = false;
	if (value && value->type == REPLY_TEXT)
		sweep(redis);
}

static void claim(struct presence_redis *redis)
{
	uint32_t added;

	redis->claim_ms = redis->now_ms + PRESENCE_SWEEP_MS;
	redis->claim_call.on_reply = on_claimed;
	presence_store_claim(&redis->store, &redis->batch);
	redis->is_sweeping = send_batch(redis, NULL, &redis->claim_call, &added);
}

/* One portion after the other: the users of the last one are out before the next is asked for. */
static void sweep_turn(struct presence_redis *redis)
{
	if (redis->is_sweeping || redis->checks_count > 0)
		return;
	if (redis->has_more)
		sweep(redis);
	else if (redis->now_ms >= redis->claim_ms)
		claim(redis);
}

/* ---- turns ---- */

static void carry_out(struct presence_redis *redis, const struct presence_action *action)
{
	switch (action->type) {
	case PRESENCE_USER_ONLINE: /* the reply to the put that follows says whether it is news */
		return;
	case PRESENCE_CONN_PUT:
		put_conn(redis, action->conn);
		return;
	case PRESENCE_CONN_DROP:
		presence_store_drop(&redis->store, action->conn, action->linger_ms, redis->unix_ms,
				    &redis->batch);
		send_unheard(redis);
		return;
	case PRESENCE_USER_OFFLINE:
		start_check(redis, action->user, action->last_digits);
		return;
	}
}

/* What is not carried out ends by itself, or is brought back by presence_rewrite. */
static void throw_away(struct presence_redis *redis)
{
	struct presence_action action;

	redis->was_ready = redis->has_more = false;
	while (presence_next(redis->presence, redis->now_ms, &action))
		;
}

static void on_link_up(struct presence_redis *redis)
{
	redis->was_ready = true;
	redis->claim_ms = redis->now_ms + redis->store.ttl_ms;
	presence_rewrite(redis->presence);
}

void presence_redis_turn(struct presence_redis *redis, uint64_t now_ms, uint64_t unix_ms)
{
	struct presence_action action;

	redis->now_ms = now_ms;
	redis->unix_ms = unix_ms;
	if (!redis->client->is_ready) {
		throw_away(redis);
		return;
	}
	if (!redis->was_ready)
		on_link_up(redis);
	for (uint32_t i = 0; i < PRESENCE_TURN_MAX && redis->client->count < PRESENCE_PENDING_MAX;
	     i++) {
		if (!presence_next(redis->presence, now_ms, &action))
			break;
		carry_out(redis, &action);
	}
	sweep_turn(redis);
}

static void abandon(void *owner, struct slice user, uint64_t linger_ms)
{
	struct presence_redis *redis = owner;

	presence_store_abandon(user, linger_ms, redis->unix_ms, &redis->batch);
	send_unheard(redis);
}

void presence_redis_end(struct presence_redis *redis)
{
	if (redis->client->is_ready)
		presence_each_lingering(redis->presence, redis->now_ms, abandon, redis);
}

uint64_t presence_redis_wait_ms(const struct presence_redis *redis, uint64_t now_ms)
{
	uint64_t claim_ms = redis->claim_ms > now_ms ? redis->claim_ms - now_ms : 0;
	uint64_t wait_ms = presence_wait_ms(redis->presence, now_ms);

	if (!redis->client->is_ready || redis->client->count >= PRESENCE_PENDING_MAX)
		return UINT64_MAX; /* bytes of the link end the wait */
	if (!redis->was_ready)
		return 0;
	if (redis->is_sweeping || redis->checks_count > 0)
		return wait_ms;
	if (redis->has_more)
		return 0;
	return claim_ms < wait_ms ? claim_ms : wait_ms;
}
