/* shard/poll_query.h - what a long poll asks for beside its token and position.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  false: a number that is none, or `limit` 0
 */
#ifndef BELFRY_SHARD_POLL_QUERY_H
#define BELFRY_SHARD_POLL_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"

#define POLL_WAIT_DEFAULT_S 25
#define POLL_WAIT_MAX_S 60
#define POLL_LIMIT_DEFAULT 100
#define POLL_LIMIT_MAX 1000

struct poll_query {
	uint32_t wait_ms; /* 0: answer at once */
	uint32_t limit;   /* events in the answer, at most */
};

/* `wait` in whole seconds and `limit` of a query, which may be absent. More than the most is taken
 * for the most. */
MUST_CHECK bool poll_query_read(struct slice query, struct poll_query *ret_query);

#endif
