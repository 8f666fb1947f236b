/* router/cursor_store.c - who waits for a cursor, when they are written, marks in the file. */
#include "router/cursor_store.h"

#include <stddef.h>

#include "router/cursor_redis.h"
#include "router/replay.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define MARK_KEY_SIZE (2 + USER_SIZE_MAX + 1 + CHANNEL_SIZE_MAX)
#define MARK_SEPARATOR '\n' /* in no user id and in no device */

/* ---- reading ---- */

static void on_cursor(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct replay *replay = (struct replay *)((char *)call - offsetof(struct replay, call));
	struct cursors *cursors = &replay->router->cursors;
	struct event_id id;

	if (cursor_redis_read(status, reply, &id)) {
		cursors_learn(cursors, replay->cursor, id);
	} else {
		replay->has_asked = false; /* it asks again, as long as it has patience */
		if (replay->cursor->state == CURSOR_ASKED)
			replay->cursor->state = CURSOR_UNKNOWN;
	}
	cursors_release(cursors, replay->cursor);
	replay->cursor = NULL;
	replay_wake(replay);
}

bool cursor_store_ask(struct replay *replay, struct cursor *cursor)
{
	replay->call.on_reply = on_cursor;
	if (cursor_redis_ask(replay->router, cursor, &replay->call) != STATUS_OK)
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
			      cursor_position(cursor, id)) != STATUS_OK)
		return false;
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

static void flush_marks(struct router *router, uint32_t writes_max)
{
	struct cursor *cursor;

	for (uint32_t n = 0; n < writes_max; n++) {
		cursor = cursors_next_dirty(&router->cursors);
		if (!cursor)
			return;
		if (write_mark(router, cursor))
			continue;
		cursors_unwritten(&router->cursors, cursor);
		return;
	}
}

static void flush(struct router *router, uint32_t writes_max)
{
	if (router->redis)
		cursor_redis_flush(router, writes_max);
	else
		flush_marks(router, writes_max);
}

void cursor_store_flush(struct router *router)
{
	flush(router, UINT32_MAX);
}

void cursor_store_turn(struct router *router)
{
	if (router->now_ms < router->cursors_flush_ms)
		return;
	router->cursors_flush_ms = router->now_ms + CURSOR_FLUSH_MS;
	flush(router, CURSOR_WRITES_MAX);
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
