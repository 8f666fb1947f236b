/* router/record_names.h - numbers by hash, forgotten in the order in which they came.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  16 bytes a name in blocks that never move, 4 to 8 in the heads of the hash chains
 * Errors  false when memory is out
 *
 * A name is a keyed 64-bit hash, not 0. Numbers rise from push to push, and all that are kept
 * lie within 2^31, so that their lower half is enough. Nothing is searched for when a name is
 * forgotten: a link to something older than the oldest name is the end of its chain.
 */
#ifndef BELFRY_ROUTER_RECORD_NAMES_H
#define BELFRY_ROUTER_RECORD_NAMES_H

#include "router/block_queue.h"

struct record_names {
	struct block_queue items;
	uint32_t *heads;      /* newest item of each chain, lower half of its number */
	uint64_t heads_count; /* a power of two; 0: nothing was pushed yet */
};

void record_names_init(struct record_names *names);
void record_names_deinit(struct record_names *names);

/* Makes room for one more name: the next push cannot fail. */
MUST_CHECK bool record_names_reserve(struct record_names *names);

/* `hash` means `number` from now on, whatever it meant before. */
void record_names_push(struct record_names *names, uint64_t hash, uint64_t number);

/* Many at once: like record_names_push, but a name is found only after record_names_link. Names
 * that come again make the chains longer. False: there is no memory for it. */
MUST_CHECK bool record_names_append(struct record_names *names, uint64_t hash, uint64_t number);
MUST_CHECK bool record_names_link(struct record_names *names);

/* What `hash` means; 0: nothing. `first` is that of the last record_names_trim, or any number
 * before the first that was pushed and less than 2^31 away from the last. */
uint64_t record_names_find(const struct record_names *names, uint64_t hash, uint64_t first);

/* The hash by which record_names_find finds `number`; 0: there is none. Asked for rising numbers,
 * with the same `place`, which is 0 at first. */
uint64_t record_names_next(const struct record_names *names, uint64_t *place, uint64_t number);

/* Forgets all numbers before `first`. */
void record_names_trim(struct record_names *names, uint64_t first);

size_t record_names_size(const struct record_names *names); /* bytes */

#endif
