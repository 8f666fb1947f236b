/* router/bodies.h - what entries say: the newest ones, and those that were fetched again.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block an entry (wire/entry_pack.h), bounded in bytes with its overhead: hot
 *         ones by hot_max, fetched ones by fetched_max; the newest of each is kept whatever its
 *         size, and a fetched one takes 20 to 24 bytes more to be found by
 * Errors  false when memory is out; nothing has changed then
 */
#ifndef BELFRY_ROUTER_BODIES_H
#define BELFRY_ROUTER_BODIES_H

#include <stddef.h>

#include "wire/entry.h"

struct bodies;

MUST_CHECK struct bodies *bodies_create(size_t hot_max, size_t fetched_max);
void bodies_destroy(struct bodies *bodies);

/* Adds the newest entry; the oldest hot ones go until all fit. `id` is after all others. */
MUST_CHECK bool bodies_add(struct bodies *bodies, struct event_id id, const struct entry *entry);

/* Keeps an entry that was fetched from the log, unless it is there already; those fetched longest
 * ago go. */
MUST_CHECK bool bodies_keep(struct bodies *bodies, struct event_id id, const struct entry *entry);

/* The entry, hot or fetched; without channels. Valid until something is added. */
MUST_CHECK bool bodies_find(const struct bodies *bodies, struct event_id id,
			    struct entry *ret_entry);

/* The oldest hot entry; 0-0 when there is none. */
struct event_id bodies_oldest(const struct bodies *bodies);

/* Forgets everything, hot and fetched. */
void bodies_clear(struct bodies *bodies);

size_t bodies_size(const struct bodies *bodies);  /* bytes, hot and fetched */
size_t bodies_count(const struct bodies *bodies); /* hot entries */

#endif
