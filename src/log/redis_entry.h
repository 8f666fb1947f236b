/* log/redis_entry.h - the entries in a reply of Redis: XRANGE, XREVRANGE, XREAD and the like.
 *
 * Layer   log (may include: base, hiredis)
 * Threads any, one at a time per reader
 * Memory  a reader has ENTRY_FIELDS_MAX fields (314 KiB, touched as far as they are needed);
 *         names and values point into the reply
 * Errors  STATUS_INVALID: there are no entries at that place of the reply
 */
#ifndef BELFRY_LOG_REDIS_ENTRY_H
#define BELFRY_LOG_REDIS_ENTRY_H

#include "belfry/entry_field.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"
#include "log/redis_client.h"

struct redis_entry {
	struct event_id id;
	const struct entry_field *fields; /* the reader's, until the next entry is read */
	/* Over ENTRY_FIELDS_MAX it is ENTRY_FIELDS_MAX + 1 and only the first ones are there. */
	uint32_t fields_count;
};

struct redis_entry_reader {
	const struct redis_reply *reply;
	uint32_t next;              /* index of the value after what has been read */
	uint32_t depth;             /* of the entries: their values are deeper */
	struct entry_field *fields; /* ENTRY_FIELDS_MAX of them */
};

MUST_CHECK enum status redis_entry_init(struct redis_entry_reader *reader);
void redis_entry_deinit(struct redis_entry_reader *reader);

/* Begins with the list of entries, [[id, [name, value, ...]], ...], that is the value `index` of
 * the reply: 0 for XRANGE; 3 for XREAD of one key. NIL counts as a list without entries.
 * STATUS_INVALID: there is no list; values[0] may be an ERROR that says why. */
MUST_CHECK enum status redis_entry_begin(struct redis_entry_reader *reader,
					 const struct redis_reply *reply, uint32_t index);

/* The next entry; false: there are no more. What is no entry (an id that is none, an entry that
 * was deleted and is told as nil) is passed over; of an odd number of names and values the last
 * is left out. */
MUST_CHECK bool redis_entry_next(struct redis_entry_reader *reader, struct redis_entry *ret_entry);

/* An entry's id, "1769337000000-0". False, *ret_id untouched: it is none. */
MUST_CHECK bool redis_entry_id(struct slice text, struct event_id *ret_id);

#endif
