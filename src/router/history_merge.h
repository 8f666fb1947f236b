/* router/history_merge.h - one index of two, or one without some of its partitions.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the new index beside the old ones, and 4 bytes a record and 8 a channel of them while
 *         it is made
 * Errors  NULL: out of memory; nothing has changed
 *
 * A node that begins to read another partition reads that one's window into an index of its own
 * and then makes one of both; a node that leaves a partition makes an index without it.
 */
#ifndef BELFRY_ROUTER_HISTORY_MERGE_H
#define BELFRY_ROUTER_HISTORY_MERGE_H

#include "router/history.h"
#include "router/partition_set.h"

/* A new index of the records of `one`, and of `other` unless it is NULL, that are of the partitions
 * in `kept`, in the order of ids, and of partitions where ids are equal; it has the options of
 * `one`, and the higher floor of the two. Marks, unread counts, bases, expiries, ids and keys are
 * what they were; numbers are new. A base in a channel that never had a record is kept whatever its
 * partition, which nobody knows. No channel and no partition is in both. The caller destroys `one`
 * and `other`. Takes time for all their records. */
MUST_CHECK struct history *history_merge(const struct history *one, const struct history *other,
					 const struct partition_set *kept);

#endif
