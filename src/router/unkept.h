/* router/unkept.h - ids of the newest entries that left no record in the index.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  UNKEPT_MAX ids with their partitions, 72 KiB, from the first one on
 * Errors  none: without memory nothing is remembered
 *
 * Entries of channels without history, and dead ones, cannot be replayed, but to compare one log
 * with another (router/reading.h) their ids are needed: they may be lost, too, and what is known
 * is not to be delivered once more. A failover loses the newest, so those are kept.
 */
#ifndef BELFRY_ROUTER_UNKEPT_H
#define BELFRY_ROUTER_UNKEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/event_id.h"
#include "router/partition_set.h"

#define UNKEPT_MAX 4096u

struct unkept {
	struct event_id *ids; /* a ring, ascending by id and partition; NULL: none yet */
	uint16_t *partitions; /* which of the log's streams had it, likewise */
	uint32_t first, count;
	struct event_id dropped; /* the newest one that was there and had to go; 0-0: none */
};

void unkept_deinit(struct unkept *unkept);

/* What is not after the newest one, by id and partition, is known already, or as good as. */
void unkept_add(struct unkept *unkept, struct event_id id, uint32_t partition);

/* By age, the oldest is 0; `index` is less than `count`. */
struct event_id unkept_at(const struct unkept *unkept, uint32_t index);
uint32_t unkept_partition(const struct unkept *unkept, uint32_t index);

bool unkept_has(const struct unkept *unkept, struct event_id id, uint32_t partition);

/* There may have been one with this id that is not remembered any more. */
bool unkept_forgot(const struct unkept *unkept, struct event_id id);

/* What both remember (`other` may be NULL) of the partitions in `kept`, the newest of it. They
 * have no partition in common. What one of them had to forget counts as forgotten for all
 * partitions, and without memory that is everything. */
void unkept_merge(struct unkept *into, const struct unkept *other,
		  const struct partition_set *kept);

#endif
