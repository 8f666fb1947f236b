/* belfry/event_id.h - the position of an entry in the log.
 *
 * Layer   nouns (may include: libc)
 * Threads any; a value
 * Memory  16 bytes, copied
 * Errors  none
 *
 * The same two numbers as a Redis Stream entry id ("1769337000000-0"): milliseconds since the
 * Unix epoch and a sequence number inside that millisecond. 0-0 is before everything.
 */
#ifndef BELFRY_EVENT_ID_H
#define BELFRY_EVENT_ID_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_ID_TEXT_MAX 41 /* two 20-digit numbers and the dash, no final zero */

struct event_id {
	uint64_t ms;
	uint64_t sequence;
};

static inline bool event_id_is_after(struct event_id a, struct event_id b)
{
	return a.ms > b.ms || (a.ms == b.ms && a.sequence > b.sequence);
}

static inline bool event_id_equal(struct event_id a, struct event_id b)
{
	return a.ms == b.ms && a.sequence == b.sequence;
}

/* 0-0: no position; a notice that has it is in no log. */
static inline bool event_id_is_none(struct event_id id)
{
	return id.ms == 0 && id.sequence == 0;
}

/* The newest id that is before this one; 0-0 for 0-0. */
static inline struct event_id event_id_before(struct event_id id)
{
	if (id.sequence > 0)
		return (struct event_id){id.ms, id.sequence - 1};
	return id.ms > 0 ? (struct event_id){id.ms - 1, UINT64_MAX} : id;
}

#endif
