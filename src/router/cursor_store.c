/* router/cursor_store.c - HGET, HSET, and marks in the file. */
#include "router/cursor_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define KEY_PREFIX "belfry:cursor:"
#define KEY_SIZE_MAX (sizeof(KEY_PREFIX) + USER_SIZE_MAX)
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
					 (int)cursor->user.size, (const char *)cursor->user.bytes));
}

static struct slice id_text(struct event_id id, uint8_t room[EVENT_ID_TEXT_MAX])
{
	struct writer writer;

	writer_init(&writer, room, EVENT_ID_TEXT_MAX);
	event_id_write(&writer, id);
	return writer_written(&writer);
}

/* ---- reading ---- */

static void on_cursor(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct replay *replay = (struct replay *)((char *)call - offsetof(struct replay, call));
	struct cursors *cursors = &replay->router->cursors;
	struct event_id id = {0, 0};

	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR) {
		if (reply->values[0].type == REPLY_TEXT &&
		    !event_id_parse(reply->values[0].text, &id))
			id = (struct event_id){0, 0};
		cursors_learn(cursors, replay->cursor, id);
	} else {
		replay->has_asked = false; /* it asks again, as long as it has patience */
	}
	cursors_release(cursors, replay->cursor);
	replay->cursor = NULL;
	replay_wake(replay);
}

bool cursor_store_ask(struct replay *replay, struct cursor *cursor)
{
	struct router *router = replay->router;
	char room[KEY_SIZE_MAX];
	struct slice words[] = {SLICE("HGET"), key_of(cursor, room),
				cursor->device.size ? cursor->device : SLICE("")};

	replay->call.on_reply = on_cursor;
	if (redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words),
			     &replay->call) != STATUS_OK)
		return false;
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

static bool write_redis(struct router *router, struct cursor *cursor)
{
	struct redis_client *client = redis_log_client(router->redis);
	struct write *write = malloc(sizeof(*write));
	uint8_t id[EVENT_ID_TEXT_MAX];
	char room[KEY_SIZE_MAX], ttl[24];
	struct slice key = key_of(cursor, room);

	if (!write)
		return false;
	snprintf(ttl, sizeof(ttl), "%lu", 2 * (uint64_t)router->config->retention_ms);
	struct slice set[] = {SLICE("HSET"), key, cursor->device.size ? cursor->device : SLICE(""),
			      id_text(cursor->confirmed, id)};
	struct slice expire[] = {SLICE("PEXPIRE"), key, slice_of_text(ttl)};

	*write = (struct write){{on_written}, router, cursor};
	if (redis_client_add(client, set, ARRAY_SIZE(set), &write->call) != STATUS_OK) {
		free(write);
		return false;
	}
	/* What the window has left behind confirms nothing any more. */
	if (redis_client_add(client, expire, ARRAY_SIZE(expire), NULL) != STATUS_OK)
		return true; /* without an end it only stays longer */
	return true;
}

static bool write_mark(struct router *router, struct cursor *cursor)
{
	uint8_t key[2 + USER_SIZE_MAX + 1 + CHANNEL_SIZE_MAX], id[EVENT_ID_TEXT_MAX];
	struct writer writer;

	writer_init(&writer, key, sizeof(key));
	writer_text(&writer, "c:");
	writer_slice(&writer, cursor->user);
	writer_bytes(&writer, "\n", 1);
	writer_slice(&writer, cursor->device);
	ASSERT(!writer.overflow);
	if (embedded_log_mark(&router->embedded, writer_written(&writer),
			      id_text(cursor->confirmed, id)) != STATUS_OK)
		return false;
	cursors_written(&router->cursors, cursor);
	return true;
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
}

void cursor_store_on_mark(struct router *router, struct slice key, struct slice value)
{
	struct event_id id;
	struct slice user;

	if (!slice_starts_with(key, SLICE("c:")) || !event_id_parse(value, &id))
		return;
	key = slice_skip(key, 2);
	user = slice_cut(&key, MARK_SEPARATOR);
	if (slice_is_absent(user) || user.size == 0)
		return;
	struct cursor *cursor = cursors_hold(&router->cursors, user, key);

	ASSERT(cursor != NULL);
	cursors_learn(&router->cursors, cursor, id);
	cursors_release(&router->cursors, cursor);
}
