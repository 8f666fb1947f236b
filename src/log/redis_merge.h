/* log/redis_merge.h - one reply with entries of several streams, put into one order.
 *
 * Layer   log (may include: base, hiredis)
 * Threads any, one at a time per merge
 * Memory  the entries of one reply, in buffers that grow to the largest
 * Errors  false: out of memory; what was added before is still there
 *
 * The order is that of the ids, and of the partitions where ids are equal. An entry may be told
 * when nothing before it can come any more: no stream that had more than was asked for can have
 * an earlier one, and the clock of Redis was past its millisecond before the streams were read.
 */
#ifndef BELFRY_LOG_REDIS_MERGE_H
#define BELFRY_LOG_REDIS_MERGE_H

#include "base/compiler.h"
#include "belfry/entry_field.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"

struct redis_merge_entry {
	struct event_id id;
	uint32_t partition;
	uint32_t parts; /* names and values, also those that are not kept */
	size_t first;   /* index of the first one's end */
};

struct redis_merge {
	struct redis_merge_entry *entries;
	size_t count, capacity;
	size_t *ends; /* of names and values in `bytes` */
	size_t ends_count, ends_capacity;
	uint8_t *bytes;
	size_t bytes_size, bytes_capacity;
	struct event_id end; /* sorted: some stream may have more that is after this */
};

struct redis_merge_rule {
	uint32_t asked_for;    /* entries of each stream */
	uint32_t room;         /* not more are told */
	uint64_t before_ms;    /* entries of this millisecond and later are not told yet */
	struct event_id limit; /* nor entries after this; 0-0: no limit */
};

/* All zero is an empty one. */
void redis_merge_deinit(struct redis_merge *merge);
void redis_merge_clear(struct redis_merge *merge);

/* An entry; those of one stream side by side, in its order. Then its names and values in turn. */
MUST_CHECK bool redis_merge_add(struct redis_merge *merge, struct event_id id, uint32_t partition);
MUST_CHECK bool redis_merge_add_part(struct redis_merge *merge, struct slice text);

/* Sorts; so many from the first on may be told. */
MUST_CHECK size_t redis_merge_sort(struct redis_merge *merge, const struct redis_merge_rule *rule);

/* Up to ENTRY_FIELDS_MAX fields of an entry, valid until something is added. Returns how many it
 * has; over ENTRY_FIELDS_MAX it is ENTRY_FIELDS_MAX + 1. */
MUST_CHECK uint32_t redis_merge_fields(const struct redis_merge *merge, size_t index,
				       struct entry_field *ret_fields);

#endif
