/* router/slow_redis.h - a Redis that answers, but late, told to the operator.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  struct slow_redis, in the router
 * Errors  none
 *
 * The data link is asked at least twice a second (router/watch.h), so how long it owes an answer is
 * how slow Redis is for everybody. After SLOW_REDIS_MS it is counted, and said in a log line, once
 * until it has answered, and said at most once a minute; when it owes one for longer still the link
 * is taken for dead (router/redis_log.h). Clients see nothing but delays.
 */
#ifndef BELFRY_ROUTER_SLOW_REDIS_H
#define BELFRY_ROUTER_SLOW_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOW_REDIS_MS 1000u

struct router;

struct slow_redis {
	bool is_slow;     /* it owes an answer for so long, and that was counted */
	uint64_t told_ms; /* monotonic: the last log line; 0: there was none */
};

/* Once a turn, with Redis. */
void slow_redis_turn(struct router *router);

#endif
