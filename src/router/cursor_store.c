/* router/cursor_store.c - HGET, then HSET if it is behind; and marks in the file. */
#include "router/cursor_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log_line.h"
#include "log/log_file.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define KEY_PREFIX "belfry:cursor:"
#define KEY_SIZE_MAX (sizeof(KEY_PREFIX) + USER_SIZE_MAX)
#define MARK_KEY_SIZE (2 + USER_SIZE_MAX + 1 + CHANNEL_SIZE_MAX)
#define MARK_SEPARATOR '\n' /* in no user id and in no device */

struct write {
	struct redis_call call; /* the first member: a call is its write */
	struct router *router;
	struct cursor *cursor; /* held */
};

static struct slice key_of(const struct cursor *cursor, char room[KEY_SIZE_MAX])
{
	return slice_of(room,
			(size_t)snprintf(room, KEY_SIZE_MAX, KEY_PREFIX "%.*s",
					 (int)cursor->user_size, (const char *)cursor->names));
}

/* The user's own has the empty name. */
static struct slice field_of(const struct cursor *cursor)
{
	return cursor->device_size > 0 ? cursor_device(cursor) : SLICE("");
}

static struct slice id_text(struct event_id id, uint8_t room[EVENT_ID_TEXT_MAX])
{
	struct writer writer;

	writer_init(&writer, room, EVENT_ID_TEXT_MAX);
	event_id_write(&writer, id);
	return writer_written(&writer);
}

/* What a reply to HGET says; 0-0: there is none. False: it is an error. */
static bool read_id(enum status status, const struct redis_reply *reply, struct event_id *ret_id)
{
	if (status != STATUS_OK || reply->values[0].type == REPLY_ERROR)
		return false;
	*ret_id = (struct event_id){0, 0};
	if (reply->values[0].type == REPLY_TEXT && !event_id_parse(reply->values[0].text, ret_id))
		*ret_id = (struct event_id){0, 0};
	return true;
}

static enum status add_get(struct router *router, const struct cursor *cursor,
			   struct redis_call *call)
{
	char room[KEY_SIZE_MAX];
	struct slice words[] = {SLICE("HGET"), key_of(cursor, room), field_of(cursor)};

	return redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words), call);
}

/* ---- reading ---- */

static void on_cursor(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct replay *replay = (struct replay *)((char *)call - offsetof(struct replay, call));
	struct cursors *cursors = &replay->router->cursors;
	struct event_id id;

	if (read_id(status, reply, &id)) {
		cursors_learn(cursors, replay->cursor, id);
	} else {
		replay->has_asked = false; /* it asks again, as long as it has patience */
		replay->router->cursors_refused_ms = replay->router->now_ms;
		if (replay->cursor->state == CURSOR_ASKED)
			replay->cursor->state = CURSOR_UNKNOWN;
	}
	cursors_release(cursors, replay->cursor);
	replay->cursor = NULL;
	replay_wake(replay);
}

bool cursor_store_ask(struct replay *replay, struct cursor *cursor)
{
	const struct router *router = replay->router;

	/* What is refused is refused again at once: so it waits like without Redis. */
	if (router->cursors_refused_ms != 0 &&
	    router->now_ms - router->cursors_refused_ms < REPLAY_PARK_MS)
		return false;
	replay->call.on_reply = on_cursor;
	if (add_get(replay->router, cursor, &replay->call) != STATUS_OK)
		return false;
	if (cursor->state == CURSOR_UNKNOWN)
		cursor->state = CURSOR_ASKED;
	replay->cursor = cursor;
	cursor->holders++;
	replay->has_asked = true;
	ASSERT(replay->place == REPLAY_AT_SESSION);
	replay->place = REPLAY_AT_CALL;
	return true;
}

/* ---- writing ---- */

static void on_written(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct write *write = (struct write *)call;
	struct cursors *cursors = &write->router->cursors;

	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR) {
		counter_add(&write->router->counters->cursors_written, 1);
		cursors_written(cursors, write->cursor);
	} else {
		cursors_unwritten(cursors, write->cursor);
	}
	free(write);
}

static bool add_set(struct write *write)
{
	const struct cursor *cursor = write->cursor;
	struct redis_client *client = redis_log_client(write->router->redis);
	uint8_t id[EVENT_ID_TEXT_MAX];
	char room[KEY_SIZE_MAX], ttl[24];
	struct slice key = key_of(cursor, room);

	snprintf(ttl, sizeof(ttl), "%lu", 2 * (uint64_t)write->router->config->retention_ms);
	struct slice set[] = {SLICE("HSET"), key, field_of(cursor), id_text(cursor->confirmed, id)};
	struct slice expire[] = {SLICE("PEXPIRE"), key, slice_of_text(ttl)};

	write->call.on_reply = on_written;
	if (redis_client_add(client, set, ARRAY_SIZE(set), &write->call) != STATUS_OK)
		return false;
	/* What the window has left behind confirms nothing any more. */
	if (redis_client_add(client, expire, ARRAY_SIZE(expire), NULL) != STATUS_OK)
		return true; /* without an end it only stays longer */
	return true;
}

/* Another node may have put it further on: the user has more than one connection. */
static void on_compared(struct redis_call *call, enum status status,
			const struct redis_reply *reply)
{
	struct write *write = (struct write *)call;
	struct cursors *cursors = &write->router->cursors;
	struct event_id id;
	bool is_known = read_id(status, reply, &id);

	if (is_known && event_id_is_after(id, write->cursor->confirmed)) {
		cursors_learn(cursors, write->cursor, id);
		cursors_written(cursors, write->cursor);
		free(write);
	} else if (!is_known || !add_set(write)) {
		cursors_unwritten(cursors, write->cursor);
		free(write);
	}
}

static bool write_redis(struct router *router, struct cursor *cursor)
{
	struct write *write = malloc(sizeof(*write));

	if (!write)
		return false;
	*write = (struct write){{on_compared}, router, cursor};
	if (add_get(router, cursor, &write->call) == STATUS_OK)
		return true;
	free(write);
	return false;
}

static struct slice mark_of(const struct cursor *cursor, uint8_t room[MARK_KEY_SIZE])
{
	struct writer writer;

	writer_init(&writer, room, MARK_KEY_SIZE);
	writer_text(&writer, "c:");
	writer_slice(&writer, cursor_user(cursor));
	writer_bytes(&writer, "\n", 1);
	writer_slice(&writer, cursor_device(cursor));
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

static bool write_mark(struct router *router, struct cursor *cursor)
{
	uint8_t key[MARK_KEY_SIZE], id[EVENT_ID_TEXT_MAX];

	if (embedded_log_mark(&router->embedded, mark_of(cursor, key),
			      id_text(cursor->confirmed, id)) != STATUS_OK) {
		refusals_note(router, "log_file takes no cursors",
			      slice_of_text(log_file_advice(errno)));
		return false;
	}
	cursors_written(&router->cursors, cursor);
	return true;
}

/* The embedded log has them all, in memory: those confirmed longest ago go when there are too
 * many. Whoever comes back then is taken for new. */
static void drop_surplus(struct router *router)
{
	uint8_t key[MARK_KEY_SIZE];
	struct cursor *cursor;

	for (uint32_t n = 0; n < CURSOR_WRITES_MAX; n++) {
		cursor = cursors_surplus(&router->cursors, CURSORS_KEPT_MAX);
		if (!cursor)
			return;
		if (embedded_log_mark(&router->embedded, mark_of(cursor, key), SLICE("")) !=
		    STATUS_OK)
			return;
		cursors_forget(&router->cursors, cursor);
	}
}

void cursor_store_flush(struct router *router)
{
	struct cursor *cursor;

	if (router->redis && !redis_log_client(router->redis)->is_ready)
		return;
	for (uint32_t n = 0; n < CURSOR_WRITES_MAX; n++) {
		cursor = cursors_next_dirty(&router->cursors);
		if (!cursor)
			return;
		if (router->redis ? write_redis(router, cursor) : write_mark(router, cursor))
			continue;
		cursors_unwritten(&router->cursors, cursor);
		return;
	}
}

void cursor_store_turn(struct router *router)
{
	if (router->now_ms < router->cursors_flush_ms)
		return;
	router->cursors_flush_ms = router->now_ms + CURSOR_FLUSH_MS;
	cursor_store_flush(router);
	if (!router->redis)
		drop_surplus(router);
}

void cursor_store_on_mark(struct router *router, struct slice key, struct slice value)
{
	struct event_id id;
	struct slice user;

	if (!slice_starts_with(key, SLICE("c:")) || !event_id_parse(value, &id))
		return;
	key = slice_skip(key, 2);
	user = slice_cut(&key, MARK_SEPARATOR);
	if (slice_is_absent(user) || user.size == 0 || user.size > USER_SIZE_MAX ||
	    key.size > CHANNEL_SIZE_MAX)
		return;
	struct cursor *cursor = cursors_hold(&router->cursors, user, key);

	ASSERT(cursor != NULL);
	cursors_learn(&router->cursors, cursor, id);
	cursors_release(&router->cursors, cursor);
}
