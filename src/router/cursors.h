/* router/cursors.h - how far each user, and each device that has a name, has confirmed.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block a cursor with its names; kept while somebody holds it, while it is to be
 *         written, or as one of the last CURSORS_KEPT_MAX (the embedded log has no other place)
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_ROUTER_CURSORS_H
#define BELFRY_ROUTER_CURSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"
#include "belfry/event_id.h"

#define CURSORS_KEPT_MAX 1000000u /* x 100 bytes: as many as entries in a window by default */

enum cursor_state {
	CURSOR_UNKNOWN, /* the store was not asked yet */
	CURSOR_ASKED,   /* the answer is on its way */
	CURSOR_KNOWN,   /* `confirmed` is right; 0-0: the user was never seen */
};

struct cursor {
	struct event_id confirmed;
	uint64_t hash;
	struct cursor *next;       /* in the hash chain */
	struct cursor *next_dirty; /* on the list of those to be written */
	uint32_t holders;
	uint8_t state; /* enum cursor_state */
	bool is_dirty; /* on that list */
	uint8_t user_size, device_size;
	uint8_t names[]; /* user, device */
};

static inline struct slice cursor_user(const struct cursor *cursor)
{
	return slice_of(cursor->names, cursor->user_size);
}

/* Size 0: the user's own. */
static inline struct slice cursor_device(const struct cursor *cursor)
{
	return slice_of(cursor->names + cursor->user_size, cursor->device_size);
}

/* `confirmed` as text. */
struct slice cursor_position(const struct cursor *cursor, uint8_t room[EVENT_ID_TEXT_MAX]);

struct cursors {
	struct hash_key key;
	struct cursor **heads; /* a power of two */
	uint32_t heads_count;
	uint32_t count;
	uint32_t hand;  /* where the next surplus one is looked for */
	bool keeps_all; /* without holders, too */
	struct cursor *dirty_first, *dirty_last;
};

MUST_CHECK bool cursors_init(struct cursors *cursors, struct hash_key key, bool keeps_all);
void cursors_deinit(struct cursors *cursors);

/* The cursor with one more holder, made UNKNOWN (with keeps_all: KNOWN at 0-0) when it is new.
 * `user` is not empty, and neither it nor `device` has more than 255 bytes. The asker of the store
 * sets `state` to ASKED and holds the cursor till cursors_learn, or sets it back to UNKNOWN. */
MUST_CHECK struct cursor *cursors_hold(struct cursors *cursors, struct slice user,
				       struct slice device);
void cursors_release(struct cursors *cursors, struct cursor *cursor);

/* The client has everything up to `id`: true when the cursor moved, which makes it dirty. A
 * cursor that is not KNOWN yet moves as well; what the store answers later counts only if it is
 * further on: see cursors_learn. */
bool cursors_confirm(struct cursors *cursors, struct cursor *cursor, struct event_id id);

/* The store's answer (0-0: it has none): the cursor is KNOWN, at whichever is further on; the
 * store being behind makes it dirty. */
void cursors_learn(struct cursors *cursors, struct cursor *cursor, struct event_id id);

/* Takes the next cursor off the list of those to be written; NULL: none. The caller writes
 * `confirmed` and then calls cursors_written, or, if that failed, cursors_unwritten, which puts it
 * on the list again. While it is being written the cursor is held by the caller: this call takes
 * one holder, those two give it back. What is confirmed meanwhile makes it dirty again. A cursor
 * that is ASKED waits on the list for the answer. */
struct cursor *cursors_next_dirty(struct cursors *cursors);
void cursors_written(struct cursors *cursors, struct cursor *cursor);
void cursors_unwritten(struct cursors *cursors, struct cursor *cursor);

/* With keeps_all, when there are more than `kept_max`: one that nobody holds, about the one that
 * was confirmed longest ago: the oldest of some. NULL: not so many, or none was found. */
struct cursor *cursors_surplus(struct cursors *cursors, uint32_t kept_max);

/* Nobody holds it, and it is not to be written: it is gone. */
void cursors_forget(struct cursors *cursors, struct cursor *cursor);

/* For a log file: calls `on_cursor` for each KNOWN cursor after 0-0. */
void cursors_each(const struct cursors *cursors,
		  void (*on_cursor)(void *owner, const struct cursor *cursor), void *owner);

#endif
