/* router/partition_set.h - some of the log's streams.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads any
 * Memory  128 bytes, by value
 * Errors  none
 */
#ifndef BELFRY_ROUTER_PARTITION_SET_H
#define BELFRY_ROUTER_PARTITION_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/partition.h"

#define PARTITION_SET_WORDS (PARTITIONS_MAX / 64)

/* All zero is the empty one. */
struct partition_set {
	uint64_t bits[PARTITION_SET_WORDS];
};

static inline bool partition_set_has(const struct partition_set *set, uint32_t partition)
{
	return (set->bits[partition / 64] >> partition % 64 & 1) != 0;
}

static inline void partition_set_add(struct partition_set *set, uint32_t partition)
{
	set->bits[partition / 64] |= UINT64_C(1) << partition % 64;
}

static inline void partition_set_remove(struct partition_set *set, uint32_t partition)
{
	set->bits[partition / 64] &= ~(UINT64_C(1) << partition % 64);
}

static inline void partition_set_add_all(struct partition_set *set,
					 const struct partition_set *others)
{
	for (uint32_t i = 0; i < PARTITION_SET_WORDS; i++)
		set->bits[i] |= others->bits[i];
}

static inline void partition_set_keep_all(struct partition_set *set,
					  const struct partition_set *others)
{
	for (uint32_t i = 0; i < PARTITION_SET_WORDS; i++)
		set->bits[i] &= others->bits[i];
}

static inline void partition_set_remove_all(struct partition_set *set,
					    const struct partition_set *others)
{
	for (uint32_t i = 0; i < PARTITION_SET_WORDS; i++)
		set->bits[i] &= ~others->bits[i];
}

static inline uint32_t partition_set_count(const struct partition_set *set)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PARTITION_SET_WORDS; i++)
		count += (uint32_t)__builtin_popcountll(set->bits[i]);
	return count;
}

static inline bool partition_set_has_all(const struct partition_set *set,
					 const struct partition_set *others)
{
	for (uint32_t i = 0; i < PARTITION_SET_WORDS; i++)
		if ((others->bits[i] & ~set->bits[i]) != 0)
			return false;
	return true;
}

static inline bool partition_set_is_empty(const struct partition_set *set)
{
	return partition_set_count(set) == 0;
}

#endif
