/* router/master.h - where the log's Redis is: the configured address, or what a Sentinel names.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one link to a Sentinel, while it is asked
 * Errors  the Sentinels are asked one after the other until one names the master; one that does
 *         not is counted, and said at once and then once a minute
 *
 * The answer holds until a link to the log breaks, or the Redis there says that it is a replica:
 * then the Sentinels are asked again, and no link is made before they have answered.
 */
#ifndef BELFRY_ROUTER_MASTER_H
#define BELFRY_ROUTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/config.h"
#include "log/redis_sentinel.h"
#include "router/link.h"

struct router;

struct master {
	const struct config_redis *configured;
	struct config_redis asked;  /* the Sentinel of the moment */
	struct config_redis *found; /* the caller's: host and port are filled in */
	struct redis_sentinel sentinel;
	struct link link;
	uint32_t next; /* which of the Sentinels */
	bool is_known;
	uint64_t deadline_ms;
	struct router *router;
	uint64_t told_ms[CONFIG_SENTINELS_MAX]; /* monotonic: the last log line on each; 0: none */
	uint32_t told[CONFIG_SENTINELS_MAX];    /* hash of what it said */
};

MUST_CHECK enum status master_init(struct master *master, struct router *router, uint32_t index,
				   struct config_redis *found);
void master_deinit(struct master *master);

/* Once per turn. True: the address is known, links may be made. */
bool master_turn(struct master *master, uint64_t now_ms, struct random *random);

/* Milliseconds until master_turn has something to do. */
uint64_t master_wait_ms(const struct master *master, uint64_t now_ms);

/* The address may be wrong by now. */
void master_doubt(struct master *master);

#endif
