/* log/log_marks.h - the newest value of each key, in the order in which they were written.
 *
 * Layer   log (may include: base)
 * Threads one at a time
 * Memory  one heap block a key, with its value: about 100 bytes and both; 8 bytes a hash chain
 * Errors  false or NULL: out of memory, nothing has changed
 */
#ifndef BELFRY_LOG_LOG_MARKS_H
#define BELFRY_LOG_LOG_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"

struct log_mark {
	struct slice key;   /* in the same block */
	struct slice value; /* in the same block; size 0: removed */
	uint64_t hash;
	uint64_t segment;         /* number of the one that has it */
	struct log_mark *chained; /* next of the same hash chain */
	struct log_mark *older;   /* written before this one */
	struct log_mark *newer;   /* written after it */
};

struct log_marks {
	struct hash_key hash_key;
	struct log_mark **heads; /* hash chains, a power of two of them */
	uint64_t heads_count;
	uint64_t count;
	uint64_t size; /* bytes of their records */
	struct log_mark *oldest, *newest;
};

MUST_CHECK bool log_marks_init(struct log_marks *marks);
void log_marks_deinit(struct log_marks *marks);

/* NULL: there is none. */
const struct log_mark *log_marks_find(const struct log_marks *marks, struct slice key);

/* A mark in nobody's list; it goes to log_marks_put, or to free(). */
MUST_CHECK struct log_mark *log_mark_create(struct slice key, struct slice value);

/* It is in this segment now, as the newest of all; the one with the same key is freed. */
void log_marks_put(struct log_marks *marks, struct log_mark *mark, uint64_t segment);

/* The oldest mark was written once more, or is not needed any more. */
void log_marks_move_oldest(struct log_marks *marks, uint64_t segment);
void log_marks_drop_oldest(struct log_marks *marks);

#endif
