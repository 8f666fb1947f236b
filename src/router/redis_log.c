/* router/redis_log.c - the log in Redis: four links and what they are for. */
#include "router/redis_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_line.h"
#include "router/fetch.h"
#include "router/fold.h"
#include "router/router_state.h"
#include "wire/partition.h"

#define READ_COUNT_MAX (FANOUT_RESERVE / FOLD_ROOM) /* entries asked for at once */
#define READ_COUNT_MIN 32       /* with less room on the lanes nothing is read */
#define ANSWER_PATIENCE_MS 5000 /* beyond BLOCK: the link is dead */
#define PUBSUB_PING_MS 2000     /* a silent subscriber may be a dead link */
#define DEAD_LENGTH_MAX 10000

/* ---- dead letters ---- */

void redis_log_bury(struct redis_log *redis, const struct entry_field *fields, uint32_t count,
		    enum entry_reason reason)
{
	uint32_t kept = count < ENTRY_FIELDS_MAX ? count : ENTRY_FIELDS_MAX;
	struct slice *words = malloc((2 * kept + 2) * sizeof(*words));

	if (!words)
		return;
	for (uint32_t i = 0; i < kept; i++) {
		words[2 * i] = fields[i].name;
		words[2 * i + 1] = fields[i].value;
	}
	words[2 * kept] = SLICE("reason");
	words[2 * kept + 1] = slice_of_text(entry_reason_text(reason));
	struct redis_writer_entry entry = {SLICE(REDIS_DEAD_STREAM), DEAD_LENGTH_MAX, words,
					   2 * kept + 2};

	if (redis_writer_add(&redis->writer, &entry, NULL) != STATUS_OK)
		log_line(LOG_WARN, "router",
			 "a dead entry could not be kept in " REDIS_DEAD_STREAM);
	free(words);
}

/* ---- the reading link ---- */

static void on_entry(void *owner, struct event_id id, const struct entry_field *fields,
		     uint32_t fields_count)
{
	reading_on_entry(owner, id, fields, fields_count);
}

/* Asks for the next entries, as many as the lanes are sure to take. */
static void read_next(struct redis_log *redis)
{
	uint32_t room;

	if (redis->stream.state != REDIS_STREAM_IDLE || redis->reading.state == READING_WAITS ||
	    !redis->writer.is_ready || join_holds(&redis->join) ||
	    redis->router->now_ms < redis->read_at_ms)
		return;
	room = fanout_room(redis->router) / FOLD_ROOM;
	if (room < READ_COUNT_MIN) {
		if (!redis->waits_for_room)
			counter_add(&redis->router->counters->lane_full, 1);
		redis->waits_for_room = true;
		return;
	}
	redis->waits_for_room = false;
	redis->heard_ms[LINK_READ] = redis->router->now_ms;
	if (redis_stream_read(&redis->stream, room < READ_COUNT_MAX ? room : READ_COUNT_MAX) !=
	    STATUS_OK)
		link_break(&redis->links[LINK_READ], "out of memory");
	recall_on_read(&redis->recall);
}

static enum status on_read_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_READ] = redis->router->now_ms;
	watch_forget(&redis->watch);
	return redis_stream_open(&redis->stream);
}

static void on_read_down(void *owner)
{
	struct redis_log *redis = owner;

	redis_stream_close(&redis->stream);
}

static enum status on_read_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;
	bool has_read = redis->stream.state == REDIS_STREAM_READING;

	redis->heard_ms[LINK_READ] = redis->router->now_ms;
	if (redis_session_feed(&redis->stream.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_READ], redis->stream.session.error);
		return STATUS_INVALID;
	}
	if (redis->stream.state == REDIS_STREAM_IDLE) {
		if (redis->stream.holds_for_time)
			redis->read_at_ms = redis->router->now_ms + 1;
		reading_on_progress(redis, has_read);
	}
	read_next(redis);
	return STATUS_OK;
}

static struct slice read_output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->stream.session);
}

static void read_sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->stream.session, size);
}

/* ---- all links ---- */

static const struct link_user read_user = {
	on_read_up, on_read_down, on_read_bytes, read_output, read_sent, NULL,
};
static const struct link_user *const link_users[LINK_COUNT] = {
	[LINK_READ] = &read_user,       [LINK_WRITE] = &redis_write_user,
	[LINK_DATA] = &redis_data_user, [LINK_PUBSUB] = &redis_pubsub_user,
	[LINK_JOIN] = &join_link_user,
};

static enum status init_sessions(struct redis_log *redis)
{
	struct redis_stream_keys keys = {redis->partitions.keys, redis->partitions.count};
	struct redis_stream_listener entries = {on_entry, redis};
	enum status status = redis_stream_init(&redis->stream, &redis->server, keys, entries);

	if (status == STATUS_OK)
		status = redis_writing_init(redis);
	redis_client_init(&redis->client, &redis->server, "belfry-data");
	redis_listening_init(redis);
	return status;
}

enum status redis_log_create(struct router *router)
{
	struct redis_log *redis = calloc(1, sizeof(*redis));
	enum status status;

	if (!redis)
		return STATUS_NO_MEMORY;
	router->redis = redis;
	redis->router = router;
	redis->server = router->config->redis_server;
	redis->started = (struct event_id){.ms = router->unix_ms};
	redis->fetches = fetches_create();
	status = partitions_init(&redis->partitions, slice_of_text(router->config->stream),
				 router->config->partitions);
	if (status == STATUS_OK)
		status = needs_init(&redis->needs, redis->partitions.count);
	if (status == STATUS_OK)
		status = join_init(&redis->join, redis);
	if (status == STATUS_OK)
		status = watch_init(&redis->watch, redis);
	if (status == STATUS_OK)
		status = master_init(&redis->master, router, LINK_SENTINEL, &redis->server);
	if (status == STATUS_OK)
		status = init_sessions(redis);
	for (uint32_t i = 0; status == STATUS_OK && i < LINK_COUNT; i++) {
		status = link_init(&redis->links[i], router->uring, i, &redis->server);
		redis->links[i].user = *link_users[i];
		redis->links[i].user.owner = redis;
	}
	redis->links[LINK_PUBSUB].is_final = !router->config->pubsub;
	redis->links[LINK_JOIN].is_final = redis->partitions.count == 1;
	if (status == STATUS_OK)
		status = redis->fetches ? redis_entry_init(&redis->reader) : STATUS_NO_MEMORY;
	return status;
}

void redis_log_destroy(struct redis_log *redis)
{
	if (!redis)
		return;
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		link_deinit(&redis->links[i]);
	master_deinit(&redis->master);
	reading_deinit(&redis->reading);
	redis_stream_deinit(&redis->stream);
	watch_deinit(&redis->watch);
	join_deinit(&redis->join);
	needs_deinit(&redis->needs);
	partitions_deinit(&redis->partitions);
	redis_writer_deinit(&redis->writer);
	redis_client_deinit(&redis->client);
	redis_pubsub_deinit(&redis->pubsub);
	fetches_destroy(redis->fetches);
	redis_entry_deinit(&redis->reader);
	free(redis);
}

struct event_id redis_log_known(const struct redis_log *redis)
{
	struct event_id last = redis->router->last;
	struct event_id known = redis_stream_known(&redis->stream);

	if (redis->partitions.count == 1)
		return last;
	/* By the clock it may be long past what any stream has: nobody was given that. */
	if (event_id_is_after(known, redis->watch.newest))
		known = redis->watch.newest;
	return event_id_is_after(known, last) ? known : last;
}

bool redis_log_is_up(const struct redis_log *redis)
{
	return redis->writer.is_ready && redis->client.is_ready &&
	       redis->stream.state >= REDIS_STREAM_IDLE && redis->reading.state == READING_LIVE &&
	       (redis->links[LINK_JOIN].is_final || redis->join.stream.state >= REDIS_STREAM_IDLE);
}

bool redis_log_is_loading(const struct redis_log *redis)
{
	return redis->reading.state == READING_LOADING && redis->links[LINK_READ].state == LINK_UP;
}

bool redis_log_is_doubtful(const struct redis_log *redis)
{
	bool is_linked = redis->links[LINK_READ].state == LINK_UP || redis->client.is_ready;

	return redis->reading.state == READING_WAITS || (is_linked && !redis->watch.is_fresh);
}

uint32_t redis_log_length_max(const struct redis_log *redis)
{
	uint32_t entries = redis->router->config->retention_entries;

	return entries > REDIS_LOG_LENGTH_MIN ? entries : REDIS_LOG_LENGTH_MIN;
}

uint32_t redis_log_partition(const struct redis_log *redis, struct slice channel)
{
	return partition_of(channel, redis->partitions.count);
}

struct slice redis_log_key(const struct redis_log *redis, uint32_t partition)
{
	return redis->partitions.keys[partition];
}

struct event_id redis_log_body_id(const struct router *router, struct event_id id,
				  struct slice channel)
{
	if (!router->redis || router->redis->partitions.count == 1)
		return id;
	return (struct event_id){id.ms, id.sequence * PARTITIONS_MAX +
						redis_log_partition(router->redis, channel)};
}

static void tell_up(struct redis_log *redis)
{
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		if (redis->links[i].state == LINK_UP)
			link_is_good(&redis->links[i]);
	if (redis->attempts > 0)
		counter_add(&redis->router->counters->log_reconnects, 1);
	redis->attempts = 0;
	redis->told_error[0] = '\0';
	log_line(LOG_INFO, "router", "Redis at %s:%u is the log, reading after %lu-%lu",
		 redis->server.host, redis->server.port, redis->stream.position.ms,
		 redis->stream.position.sequence);
}

static void tell_down(struct redis_log *redis, const char *error)
{
	const struct config_redis *server = &redis->server;

	redis->attempts++;
	counter_add(&redis->router->counters->log_failures, 1);
	snprintf(redis->told_error, sizeof(redis->told_error), "%s", error);
	log_line(LOG_ERROR, "router",
		 "Redis at %s:%u cannot be used: %s; connections stay, trying again", server->host,
		 server->port, error);
}

/* A link that is not up, of those that the log needs; NULL: all are. */
static const struct link *first_broken(const struct redis_log *redis)
{
	for (uint32_t i = LINK_READ; i < LINK_COUNT; i++)
		if (i != LINK_PUBSUB && !redis->links[i].is_final &&
		    redis->links[i].state != LINK_UP)
			return &redis->links[i];
	return NULL;
}

/* Says when the log is lost, when the reason is another than before, and when it is back. */
static void tell_state(struct redis_log *redis)
{
	bool is_up = redis_log_is_up(redis);
	const struct link *broken = first_broken(redis);

	counter_set(&redis->router->counters->log_connected, is_up);
	if (is_up && !redis->was_up)
		tell_up(redis);
	else if (!is_up && broken && broken->failures > 0 &&
		 strcmp(broken->error, redis->told_error) != 0)
		tell_down(redis, broken->error);
	redis->was_up = is_up;
}

/* The link owes an answer. */
static bool is_owing(const struct redis_log *redis, enum redis_link link)
{
	switch (link) {
	case LINK_READ:
		return redis->stream.state != REDIS_STREAM_IDLE;
	case LINK_WRITE:
		return redis->writer.count > 0 || !redis->writer.is_ready;
	case LINK_DATA:
		return redis->client.count > 0 || !redis->client.is_ready;
	case LINK_PUBSUB:
		return true; /* at least to its pings */
	case LINK_JOIN:
		return redis->join.stream.state != REDIS_STREAM_IDLE;
	case LINK_COUNT:
		break;
	}
	return false;
}

/* A link that owes an answer for too long is dead, whatever TCP thinks; and with it all that have
 * been as silent, though they owe nothing yet: who asks there next would wait as long. */
static void check_patience(struct redis_log *redis)
{
	uint64_t now_ms = redis->router->now_ms;
	bool is_dead = false;

	for (uint32_t i = 0; i < LINK_COUNT; i++) {
		uint64_t patience_ms =
			ANSWER_PATIENCE_MS + (i == LINK_READ ? REDIS_STREAM_BLOCK_MS : 0);

		is_dead |= redis->links[i].state == LINK_UP && is_owing(redis, i) &&
			   now_ms - redis->heard_ms[i] > patience_ms;
	}
	for (uint32_t i = 0; is_dead && i < LINK_COUNT; i++)
		if (redis->links[i].state == LINK_UP &&
		    now_ms - redis->heard_ms[i] > ANSWER_PATIENCE_MS)
			link_break(&redis->links[i], "no answer in time");
}

static void ping_pubsub(struct redis_log *redis)
{
	uint64_t now_ms = redis->router->now_ms;

	if (!redis->pubsub.is_ready || now_ms < redis->pubsub_ping_ms)
		return;
	redis->pubsub_ping_ms = now_ms + PUBSUB_PING_MS;
	if (redis_pubsub_ping(&redis->pubsub) == STATUS_NO_MEMORY)
		link_break(&redis->links[LINK_PUBSUB], "out of memory");
}

void redis_log_break(struct redis_log *redis, const char *why)
{
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		link_break(&redis->links[i], why);
}

/* Redis has answered on one more link than before: the others need not wait for their moment, or
 * what needs them both would. */
static void hurry(struct redis_log *redis)
{
	uint32_t ready = (uint32_t)redis->client.is_ready + redis->writer.is_ready +
			 (redis->stream.state >= REDIS_STREAM_IDLE);

	for (uint32_t i = 0; ready > redis->ready && i < LINK_COUNT; i++)
		if (redis->links[i].state == LINK_DOWN &&
		    redis->links[i].retry_ms > redis->router->now_ms)
			redis->links[i].retry_ms = redis->router->now_ms;
	redis->ready = ready;
}

/* A link that has just broken asks where Redis is by now: once, so it picks its moment here. */
static void turn_links(struct redis_log *redis)
{
	struct router *router = redis->router;

	for (uint32_t i = 0; i < LINK_COUNT; i++) {
		struct link *link = &redis->links[i];

		if (link->state != LINK_DOWN || link->is_final || link->failures == 0 ||
		    link->retry_ms != 0)
			continue;
		master_doubt(&redis->master);
		link_turn(link, router->now_ms, &router->random);
	}
	hurry(redis);
	bool is_known = master_turn(&redis->master, router->now_ms, &router->random);

	for (uint32_t i = 0; i < LINK_COUNT; i++)
		if (is_known || redis->links[i].state != LINK_DOWN)
			link_turn(&redis->links[i], router->now_ms, &router->random);
}

void redis_log_turn(struct router *router)
{
	struct redis_log *redis = router->redis;

	check_patience(redis);
	join_turn(&redis->join);
	watch_turn(&redis->watch);
	read_next(redis);
	recall_turn(&redis->recall);
	ping_pubsub(redis);
	turn_links(redis);
	counter_set(&router->counters->pubsub_connected, redis->pubsub.is_ready);
	tell_state(redis);
}

void redis_log_on_event(struct router *router, const struct uring_event *event)
{
	uint32_t index = (uint32_t)(event->tag & 7);
	struct link *link =
		index == LINK_SENTINEL ? &router->redis->master.link : &router->redis->links[index];

	switch ((enum router_op)ring_tag_op(event->tag)) {
	case ROUTER_OP_CONNECT:
		link_on_connect(link, event->result);
		return;
	case ROUTER_OP_RECEIVE:
		link_on_receive(link, event->result);
		return;
	case ROUTER_OP_SEND:
		link_on_send(link, event->result);
		return;
	}
}

uint64_t redis_log_wait_ms(const struct router *router)
{
	const struct redis_log *redis = router->redis;
	bool holds = redis->stream.holds_for_time && router->now_ms < redis->read_at_ms;
	uint64_t wait_ms = redis->waits_for_room || holds ? 1 : UINT64_MAX;
	uint64_t master_ms = master_wait_ms(&redis->master, router->now_ms);

	wait_ms = master_ms < wait_ms ? master_ms : wait_ms;
	if (redis->client.is_ready && wait_ms > WATCH_INTERVAL_MS)
		wait_ms = WATCH_INTERVAL_MS;
	for (uint32_t i = 0; i < LINK_COUNT; i++) {
		uint64_t here_ms = link_wait_ms(&redis->links[i], router->now_ms);

		if (!redis->master.is_known && redis->links[i].state == LINK_DOWN)
			continue;
		wait_ms = here_ms < wait_ms ? here_ms : wait_ms;
	}
	return wait_ms;
}

void redis_log_stop(struct router *router)
{
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		router->redis->links[i].is_final = true;
	redis_log_break(router->redis, "the broker ends");
	router->redis->master.link.is_final = true;
	link_break(&router->redis->master.link, "the broker ends");
}
