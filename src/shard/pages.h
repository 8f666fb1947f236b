/* shard/pages.h - the plain pages of the public listener: health, statistics, demonstration.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard; reads the counters of all threads
 * Memory  bodies in the turn's arena, or static
 * Errors  false: out of memory
 */
#ifndef BELFRY_SHARD_PAGES_H
#define BELFRY_SHARD_PAGES_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slice.h"

struct http_answer;
struct shard;

/* There is a page at this path. */
MUST_CHECK bool pages_has(const struct shard *shard, struct slice path);

/* Fills *ret_answer with status, type, headers and body of the page at `path`. */
MUST_CHECK bool pages_answer(struct shard *shard, struct slice path,
			     struct http_answer *ret_answer);

#endif
