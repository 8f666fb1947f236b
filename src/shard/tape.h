/* shard/tape.h - what a channel with many subscribers is yet to be sent, written once.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one growing block per tape, at most `size_max`, and 24 bytes for each frame in it;
 *         freed by tape_destroy
 * Errors  tape_reserve answers false when the bytes that somebody still needs fill the tape
 *
 * A tape is a contiguous run of whole frames. A position is a count of bytes since the tape
 * began, modulo 2^32. Members keep a position instead of a queue, and what lies between it and
 * the head goes out as one send. A sweep walks over the members in a circle; when it has been
 * all round, every member that takes bytes is past `floor`, the head at the circle's start.
 *
 * Bytes are dropped only from before the floor, so every member that lacks them was met by a
 * sweep first, while they were still there: then tape_before tells from which position of the
 * log on it must be given them otherwise.
 */
#ifndef BELFRY_SHARD_TAPE_H
#define BELFRY_SHARD_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/event_id.h"

/* Where a frame begins, and what whoever has all before it has of the log. */
struct tape_mark {
	uint32_t position;
	uint32_t ephemerals; /* the tape's, before this frame */
	struct event_id before;
};

struct tape {
	uint8_t *bytes;
	uint32_t capacity;
	uint32_t size_max;          /* capacity never grows beyond */
	uint32_t base;              /* position of bytes[0] */
	uint32_t head;              /* position after the last byte */
	uint32_t floor;             /* every member that takes bytes has all before it */
	uint32_t circle_head;       /* the head when the circle of the sweep began */
	uint32_t circle_left;       /* members the circle has yet to visit */
	uint32_t cursor;            /* index of the member to visit next */
	bool circle_passed_laggard; /* the circle met a member that is blocked and lacks bytes */
	bool has_laggards;          /* the last whole circle did */
	bool is_stalled;            /* the member at the cursor had a send already, one turn ago */
	bool is_dirty;              /* on the shard's list of tapes with bytes to send */
	struct tape_mark *marks;    /* a ring: one for each frame between base and head */
	uint32_t marks_first;
	uint32_t marks_count;
	uint32_t marks_capacity; /* 0 or a power of two */
	uint32_t durable_end;    /* position after the last frame that is to be found in the log */
	uint32_t ephemerals;     /* frames that are not to be found there, since the tape began */
};

/* An empty tape. NULL: out of memory. */
MUST_CHECK struct tape *tape_create(uint32_t size_max);
void tape_destroy(struct tape *tape);

/* Makes room for a frame of `size` bytes and returns where to write it. NULL: what is still to
 * be sent leaves no room; try again after some of the sweep. `keep`: members that are blocked
 * need bytes before the floor; they are kept while the tape may grow. Pointers into the tape
 * from before are void. size is at most size_max / 4. */
MUST_CHECK uint8_t *tape_reserve(struct tape *tape, uint32_t size, bool keep);

/* What was written at tape_reserve is now part of the tape. `before`: position in the log of
 * whoever has everything that was there before this frame. */
void tape_commit(struct tape *tape, uint32_t size, struct event_id before, bool is_durable);

/* Something after `position` is, or was, a durable frame. (It may say so when there is none.) */
static inline bool tape_has_durable(const struct tape *tape, uint32_t position)
{
	return (int32_t)(position - tape->durable_end) < 0;
}

/* The `before` of the frame that begins at `position`, which the tape still has. */
struct event_id tape_before(const struct tape *tape, uint32_t position);

/* `ephemerals` as it was when the head was at `position`, which the tape still has. */
uint32_t tape_ephemerals_before(const struct tape *tape, uint32_t position);

/* Bytes from `position` to the head. */
static inline struct slice tape_from(const struct tape *tape, uint32_t position)
{
	return slice_of(tape->bytes + (position - tape->base), tape->head - position);
}

/* The tape no longer has the bytes at `position`: its owner has missed some. */
static inline bool tape_has_lost(const struct tape *tape, uint32_t position)
{
	return (int32_t)(position - tape->base) < 0;
}

/* Nobody that takes bytes lacks any. */
static inline bool tape_is_swept(const struct tape *tape)
{
	return tape->floor == tape->head;
}

/* A sweep begins: the tape was swept and has bytes again. */
void tape_begin(struct tape *tape);

/* The circle has been all round: the floor moves up to where the head was at its start, and
 * the next circle over `members_count` members begins. */
void tape_end_circle(struct tape *tape, uint32_t members_count);

/* The member at the cursor was visited. */
void tape_step(struct tape *tape, uint32_t members_count);

#endif
