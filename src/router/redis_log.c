/* router/redis_log.c - the log in Redis: one link reads, one writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_line.h"
#include "belfry/publication.h"
#include "log/redis_stream.h"
#include "log/redis_writer.h"
#include "router/link.h"
#include "router/router_state.h"

#define READ_COUNT_MAX FANOUT_RESERVE /* entries asked for at once */
#define READ_COUNT_MIN 32             /* with less room on the lanes nothing is read */
#define ANSWER_PATIENCE_MS 5000       /* beyond BLOCK: the link is dead */
#define LOG_LENGTH_MAX 1000000        /* about so many entries stay in the stream */
#define DEAD_LENGTH_MAX 10000
#define DEAD_STREAM "belfry:dead"

enum { LINK_READ, LINK_WRITE, LINK_COUNT };

struct redis_log {
	struct router *router;
	struct redis_stream stream;
	struct redis_writer writer;
	struct link links[LINK_COUNT];
	uint64_t heard_ms;       /* the read link's last bytes, or its last question */
	uint64_t write_heard_ms; /* likewise the write link's */
	bool was_up;             /* log_connected, as last told */
	char told_error[96];     /* why it is down, as last told */
	bool waits_for_room;     /* the lanes are too full to read */
	struct event_id started; /* for a first link that comes late */
	uint32_t attempts;
};

/* ---- dead letters ---- */

/* Copies the entry to the dead-letter stream, with the field `reason`. */
static void bury(struct redis_log *redis, const struct entry_field *fields, uint32_t count,
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
	struct redis_writer_entry entry = {SLICE(DEAD_STREAM), DEAD_LENGTH_MAX, words,
					   2 * kept + 2};

	if (redis_writer_add(&redis->writer, &entry, NULL) != STATUS_OK)
		log_line(LOG_WARN, "router", "a dead entry could not be kept in " DEAD_STREAM);
	free(words);
}

/* ---- the reading link ---- */

/* Its ttl was over before it could be read, as after an outage. */
static bool is_expired(const struct router *router, const struct entry *entry, struct event_id id)
{
	return entry->ttl_s > 0 && router->unix_ms > id.ms + (uint64_t)entry->ttl_s * 1000;
}

static void on_entry(void *owner, struct event_id id, const struct entry_field *fields,
		     uint32_t fields_count)
{
	struct redis_log *redis = owner;
	struct router *router = redis->router;
	struct entry entry;
	enum entry_reason reason = appending_check(router, fields, fields_count, &entry);

	if (reason == ENTRY_OK) {
		if (is_expired(router, &entry, id))
			counter_add(&router->counters->expired, 1);
		else
			fanout_entry(router, &entry, id);
		router->last = id;
		return;
	}
	counter_add(&router->counters->entries, 1);
	router->last = id;
	bury(redis, fields, fields_count, reason);
}

/* Asks for the next entries, as many as the lanes are sure to take. */
static void read_next(struct redis_log *redis)
{
	uint32_t room;

	if (redis->stream.state != REDIS_STREAM_IDLE || !redis->writer.is_ready)
		return;
	room = fanout_room(redis->router);
	if (room < READ_COUNT_MIN) {
		if (!redis->waits_for_room)
			counter_add(&redis->router->counters->lane_full, 1);
		redis->waits_for_room = true;
		return;
	}
	redis->waits_for_room = false;
	redis->heard_ms = redis->router->now_ms;
	if (redis_stream_read(&redis->stream, room < READ_COUNT_MAX ? room : READ_COUNT_MAX) !=
	    STATUS_OK)
		link_break(&redis->links[LINK_READ], "out of memory");
}

static enum status on_read_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms = redis->router->now_ms;
	/* The first link came late: what was appended since the start was not there to see. */
	if (!redis->stream.has_position && redis->attempts > 0)
		redis_stream_start_after(&redis->stream, redis->started);
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

	redis->heard_ms = redis->router->now_ms;
	if (redis_session_feed(&redis->stream.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_READ], redis->stream.session.error);
		return STATUS_INVALID;
	}
	if (redis->stream.has_position &&
	    event_id_is_after(redis->stream.position, redis->router->last))
		redis->router->last = redis->stream.position;
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

/* ---- the writing link ---- */

static void on_answer(void *owner, void *ticket, enum status status, struct event_id id,
		      struct slice error)
{
	struct redis_log *redis = owner;
	struct publication_item *item = ticket;

	if (!item) { /* a dead letter: nobody waits for it */
		if (status == STATUS_INVALID)
			log_line(LOG_WARN, "router", DEAD_STREAM " refused an entry: %.*s",
				 (int)error.size, (const char *)error.bytes);
		return;
	}
	item->event_id = id;
	item->outcome = status == STATUS_OK        ? PUBLICATION_TAKEN
			: status == STATUS_INVALID ? PUBLICATION_REFUSED
						   : PUBLICATION_UNKNOWN;
	snprintf(item->error, sizeof(item->error), "%.*s", (int)error.size,
		 error.size ? (const char *)error.bytes : "");
	appending_answer(redis->router, item);
}

static enum status on_write_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->write_heard_ms = redis->router->now_ms;
	return redis_writer_open(&redis->writer);
}

static void on_write_down(void *owner)
{
	redis_writer_close(&((struct redis_log *)owner)->writer);
}

static enum status on_write_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;

	redis->write_heard_ms = redis->router->now_ms;
	if (redis_session_feed(&redis->writer.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_WRITE], redis->writer.session.error);
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

static struct slice write_output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->writer.session);
}

static void write_sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->writer.session, size);
}

enum status redis_log_append(struct router *router, struct publication_item *item)
{
	struct redis_log *redis = router->redis;
	struct slice *words = malloc(2 * item->fields_count * sizeof(*words));
	enum status status;

	if (!words)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < item->fields_count; i++) {
		words[2 * i] = item->fields[i].name;
		words[2 * i + 1] = item->fields[i].value;
	}
	struct redis_writer_entry entry = {slice_of_text(router->config->stream), LOG_LENGTH_MAX,
					   words, 2 * item->fields_count};

	if (redis->writer.count == 0)
		redis->write_heard_ms = router->now_ms;
	status = redis_writer_add(&redis->writer, &entry, item);
	free(words);
	return status;
}

/* ---- both ---- */

static const struct link_user read_user = {
	on_read_up, on_read_down, on_read_bytes, read_output, read_sent, NULL,
};
static const struct link_user write_user = {
	on_write_up, on_write_down, on_write_bytes, write_output, write_sent, NULL,
};

enum status redis_log_create(struct router *router)
{
	const struct config_redis *server = &router->config->redis_server;
	struct redis_log *redis = calloc(1, sizeof(*redis));
	struct redis_stream_listener entries = {on_entry, redis};
	struct redis_writer_listener answers = {on_answer, redis};
	const struct link_user *users[] = {&read_user, &write_user};
	enum status status;

	if (!redis)
		return STATUS_NO_MEMORY;
	router->redis = redis;
	redis->router = router;
	redis->started = (struct event_id){.ms = router->unix_ms};
	status = redis_stream_init(&redis->stream, server, slice_of_text(router->config->stream),
				   entries);
	if (status == STATUS_OK)
		status = redis_writer_init(&redis->writer, server, answers);
	for (uint32_t i = 0; status == STATUS_OK && i < LINK_COUNT; i++) {
		status = link_init(&redis->links[i], router->uring, i, server);
		redis->links[i].user = *users[i];
		redis->links[i].user.owner = redis;
	}
	return status;
}

void redis_log_destroy(struct redis_log *redis)
{
	if (!redis)
		return;
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		link_deinit(&redis->links[i]);
	redis_stream_deinit(&redis->stream);
	redis_writer_deinit(&redis->writer);
	free(redis);
}

static void tell_up(struct redis_log *redis)
{
	const struct config_redis *server = &redis->router->config->redis_server;

	link_is_good(&redis->links[LINK_READ]);
	link_is_good(&redis->links[LINK_WRITE]);
	if (redis->attempts > 0)
		counter_add(&redis->router->counters->log_reconnects, 1);
	redis->attempts = 0;
	redis->told_error[0] = '\0';
	log_line(LOG_INFO, "router", "Redis at %s:%u is the log, reading after %lu-%lu",
		 server->host, server->port, redis->stream.position.ms,
		 redis->stream.position.sequence);
}

static void tell_down(struct redis_log *redis, const char *error)
{
	const struct config_redis *server = &redis->router->config->redis_server;

	redis->attempts++;
	counter_add(&redis->router->counters->log_failures, 1);
	snprintf(redis->told_error, sizeof(redis->told_error), "%s", error);
	log_line(LOG_ERROR, "router",
		 "Redis at %s:%u cannot be used: %s; connections stay, trying again", server->host,
		 server->port, error);
}

/* Says when the log is lost, when the reason is another than before, and when it is back. */
static void tell_state(struct redis_log *redis)
{
	bool is_up = redis->writer.is_ready && redis->stream.state >= REDIS_STREAM_IDLE;
	const struct link *broken = redis->links[LINK_READ].state != LINK_UP
					    ? &redis->links[LINK_READ]
					    : &redis->links[LINK_WRITE];

	counter_set(&redis->router->counters->log_connected, is_up);
	if (is_up && !redis->was_up)
		tell_up(redis);
	else if (!is_up && broken->failures > 0 && strcmp(broken->error, redis->told_error) != 0)
		tell_down(redis, broken->error);
	redis->was_up = is_up;
}

/* A link that owes an answer for too long is dead, whatever TCP thinks. */
static void check_patience(struct redis_log *redis)
{
	uint64_t now_ms = redis->router->now_ms;

	if (redis->stream.state != REDIS_STREAM_IDLE && redis->links[LINK_READ].state == LINK_UP &&
	    now_ms - redis->heard_ms > REDIS_STREAM_BLOCK_MS + ANSWER_PATIENCE_MS)
		link_break(&redis->links[LINK_READ], "no answer in time");
	if ((redis->writer.count > 0 || !redis->writer.is_ready) &&
	    redis->links[LINK_WRITE].state == LINK_UP &&
	    now_ms - redis->write_heard_ms > ANSWER_PATIENCE_MS)
		link_break(&redis->links[LINK_WRITE], "no answer in time");
}

void redis_log_turn(struct router *router)
{
	struct redis_log *redis = router->redis;

	check_patience(redis);
	read_next(redis);
	for (uint32_t i = 0; i < LINK_COUNT; i++)
		link_turn(&redis->links[i], router->now_ms, &router->random);
	tell_state(redis);
}

void redis_log_on_event(struct router *router, const struct uring_event *event)
{
	struct link *link = &router->redis->links[event->tag & 1];

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
	uint64_t wait_ms = redis->waits_for_room ? 1 : UINT64_MAX;

	for (uint32_t i = 0; i < LINK_COUNT; i++) {
		uint64_t here_ms = link_wait_ms(&redis->links[i], router->now_ms);

		wait_ms = here_ms < wait_ms ? here_ms : wait_ms;
	}
	return wait_ms;
}

void redis_log_stop(struct router *router)
{
	for (uint32_t i = 0; i < LINK_COUNT; i++) {
		router->redis->links[i].is_final = true;
		link_break(&router->redis->links[i], "the broker ends");
	}
}
