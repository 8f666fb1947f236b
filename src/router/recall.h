/* router/recall.h - calls the read of the log back that waits in Redis.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one call, embedded
 * Errors  a Redis that refuses CLIENT UNBLOCK: the read comes back by itself, within
 *         REDIS_STREAM_BLOCK_MS
 *
 * Of several streams, to know by now what they have: an XREAD that waits says nothing of the time
 * that has passed. The one after it does not wait.
 */
#ifndef BELFRY_ROUTER_RECALL_H
#define BELFRY_ROUTER_RECALL_H

#include <stdbool.h>
#include <stdint.h>

#include "log/redis_client.h"

struct redis_log;

struct recall {
	struct redis_call call;
	struct redis_log *redis;
	bool is_wanted;
	bool is_calling;
	bool is_refused; /* it was logged */
	uint64_t again_ms;
};

/* A read that begins from now on is wanted, soon. */
void recall_want(struct redis_log *redis);

/* Such a read begins. */
void recall_on_read(struct recall *recall);

/* Once per turn. */
void recall_turn(struct recall *recall);

#endif
