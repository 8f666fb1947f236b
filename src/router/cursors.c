/* router/cursors.c - a chained hash table, and a list of what is to be written. */
#include "router/cursors.h"

#include <stdlib.h>

#include "base/assert.h"
#include "wire/event_id.h"

#define HEADS_MIN 1024
#define SURPLUS_CANDIDATES 32 /* of so many the oldest goes, if ... */
#define SURPLUS_HEADS 256     /* ... so many hash chains have them */

_Static_assert(sizeof(struct cursor) == 48, "ARCHITECTURE.md says what a cursor costs");

bool cursors_init(struct cursors *cursors, struct hash_key key, bool keeps_all)
{
	*cursors = (struct cursors){
		.key = key,
		.heads = calloc(HEADS_MIN, sizeof(struct cursor *)),
		.heads_count = HEADS_MIN,
		.keeps_all = keeps_all,
	};
	return cursors->heads != NULL;
}

void cursors_deinit(struct cursors *cursors)
{
	for (uint32_t i = 0; cursors->heads && i < cursors->heads_count; i++) {
		while (cursors->heads[i]) {
			struct cursor *cursor = cursors->heads[i];

			cursors->heads[i] = cursor->next;
			free(cursor);
		}
	}
	free(cursors->heads);
}

/* The device's hash has a key that depends on the user: "ab" + "c" is not "a" + "bc". */
static uint64_t hash_of(const struct cursors *cursors, struct slice user, struct slice device)
{
	uint64_t hash = hash_bytes(cursors->key, user);

	if (device.size == 0)
		return hash;
	return hash_bytes((struct hash_key){cursors->key.k0 ^ hash, cursors->key.k1}, device);
}

static struct cursor **head_of(struct cursors *cursors, uint64_t hash)
{
	return &cursors->heads[hash & (cursors->heads_count - 1)];
}

static void grow_heads(struct cursors *cursors)
{
	struct cursors grown = {.heads_count = cursors->heads_count * 2};

	grown.heads = calloc(grown.heads_count, sizeof(struct cursor *));
	if (!grown.heads)
		return; /* the chains get longer, that is all */
	for (uint32_t i = 0; i < cursors->heads_count; i++) {
		while (cursors->heads[i]) {
			struct cursor *cursor = cursors->heads[i];
			struct cursor **head = head_of(&grown, cursor->hash);

			cursors->heads[i] = cursor->next;
			cursor->next = *head;
			*head = cursor;
		}
	}
	free(cursors->heads);
	cursors->heads = grown.heads;
	cursors->heads_count = grown.heads_count;
}

static struct cursor *create(struct slice user, struct slice device)
{
	struct cursor *cursor = malloc(sizeof(*cursor) + user.size + device.size);

	ASSERT(user.size <= UINT8_MAX && device.size <= UINT8_MAX);
	if (!cursor)
		return NULL;
	*cursor = (struct cursor){
		.user_size = (uint8_t)user.size,
		.device_size = (uint8_t)device.size,
	};
	memcpy(cursor->names, user.bytes, user.size);
	if (device.size > 0)
		memcpy(cursor->names + user.size, device.bytes, device.size);
	return cursor;
}

static struct cursor *add(struct cursors *cursors, struct slice user, struct slice device,
			  uint64_t hash)
{
	struct cursor *cursor = create(user, device);

	if (!cursor)
		return NULL;
	if (cursors->count >= cursors->heads_count)
		grow_heads(cursors);
	struct cursor **head = head_of(cursors, hash);

	cursor->state = cursors->keeps_all ? CURSOR_KNOWN : CURSOR_UNKNOWN;
	cursor->hash = hash;
	cursor->next = *head;
	*head = cursor;
	cursors->count++;
	return cursor;
}

struct cursor *cursors_hold(struct cursors *cursors, struct slice user, struct slice device)
{
	uint64_t hash = hash_of(cursors, user, device);
	struct cursor *cursor = *head_of(cursors, hash);

	ASSERT(user.size > 0);
	while (cursor && !(cursor->hash == hash && slice_equal(cursor_user(cursor), user) &&
			   slice_equal(cursor_device(cursor), device)))
		cursor = cursor->next;
	if (!cursor)
		cursor = add(cursors, user, device, hash);
	if (cursor)
		cursor->holders++;
	return cursor;
}

static bool is_at_zero(const struct cursor *cursor)
{
	return event_id_equal(cursor->confirmed, (struct event_id){0, 0});
}

/* One at 0-0 says no more than none: it goes even from a log in memory. */
static bool is_needed(const struct cursors *cursors, const struct cursor *cursor)
{
	return cursor->holders > 0 || cursor->is_dirty ||
	       (cursors->keeps_all && !is_at_zero(cursor));
}

void cursors_release(struct cursors *cursors, struct cursor *cursor)
{
	ASSERT(cursor->holders > 0);
	cursor->holders--;
	if (!is_needed(cursors, cursor))
		cursors_forget(cursors, cursor);
}

void cursors_forget(struct cursors *cursors, struct cursor *cursor)
{
	struct cursor **link = head_of(cursors, cursor->hash);

	ASSERT(cursor->holders == 0 && !cursor->is_dirty);
	while (*link != cursor) {
		ASSERT(*link != NULL);
		link = &(*link)->next;
	}
	*link = cursor->next;
	cursors->count--;
	free(cursor);
}

struct cursor *cursors_surplus(struct cursors *cursors, uint32_t kept_max)
{
	struct cursor *oldest = NULL;
	uint32_t candidates = 0;

	if (cursors->count <= kept_max)
		return NULL;
	for (uint32_t n = 0; n < SURPLUS_HEADS && candidates < SURPLUS_CANDIDATES; n++) {
		struct cursor *cursor = cursors->heads[cursors->hand++ % cursors->heads_count];

		for (; cursor; cursor = cursor->next) {
			if (cursor->holders > 0 || cursor->is_dirty)
				continue;
			candidates++;
			if (!oldest || event_id_is_after(oldest->confirmed, cursor->confirmed))
				oldest = cursor;
		}
	}
	return oldest;
}

/* ---- positions ---- */

struct slice cursor_position(const struct cursor *cursor, uint8_t room[EVENT_ID_TEXT_MAX])
{
	struct writer writer;

	writer_init(&writer, room, EVENT_ID_TEXT_MAX);
	event_id_write(&writer, cursor->confirmed);
	return writer_written(&writer);
}

static void make_dirty(struct cursors *cursors, struct cursor *cursor)
{
	if (cursor->is_dirty)
		return;
	cursor->is_dirty = true;
	cursor->next_dirty = NULL;
	if (cursors->dirty_last)
		cursors->dirty_last->next_dirty = cursor;
	else
		cursors->dirty_first = cursor;
	cursors->dirty_last = cursor;
}

bool cursors_confirm(struct cursors *cursors, struct cursor *cursor, struct event_id id)
{
	ASSERT(cursor->holders > 0);
	if (!event_id_is_after(id, cursor->confirmed))
		return false;
	cursor->confirmed = id;
	make_dirty(cursors, cursor);
	return true;
}

void cursors_learn(struct cursors *cursors, struct cursor *cursor, struct event_id id)
{
	ASSERT(cursor->holders > 0);
	cursor->state = CURSOR_KNOWN;
	if (event_id_is_after(id, cursor->confirmed))
		cursor->confirmed = id;
	else if (event_id_is_after(cursor->confirmed, id))
		make_dirty(cursors, cursor); /* the store is behind */
}

/* ---- writing ---- */

/* One whose answer is on its way stays on the list: written now, it could put the store back. */
struct cursor *cursors_next_dirty(struct cursors *cursors)
{
	struct cursor *previous = NULL;
	struct cursor *cursor = cursors->dirty_first;

	while (cursor && cursor->state == CURSOR_ASKED) {
		previous = cursor;
		cursor = cursor->next_dirty;
	}
	if (!cursor)
		return NULL;
	if (previous)
		previous->next_dirty = cursor->next_dirty;
	else
		cursors->dirty_first = cursor->next_dirty;
	if (cursors->dirty_last == cursor)
		cursors->dirty_last = previous;
	cursor->is_dirty = false;
	cursor->holders++;
	return cursor;
}

void cursors_written(struct cursors *cursors, struct cursor *cursor)
{
	cursors_release(cursors, cursor);
}

void cursors_unwritten(struct cursors *cursors, struct cursor *cursor)
{
	make_dirty(cursors, cursor);
	cursors_release(cursors, cursor);
}

void cursors_each(const struct cursors *cursors,
		  void (*on_cursor)(void *owner, const struct cursor *cursor), void *owner)
{
	for (uint32_t i = 0; i < cursors->heads_count; i++) {
		const struct cursor *cursor = cursors->heads[i];

		for (; cursor; cursor = cursor->next)
			if (cursor->state == CURSOR_KNOWN && !is_at_zero(cursor))
				on_cursor(owner, cursor);
	}
}
