/* router/answers.h - deliveries for single connections that come when nobody made room for them.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  a queue of 40 bytes an item that grows to four times what waits at most: replies of
 *         Redis, connections to be closed
 * Errors  without memory the process aborts
 */
#ifndef BELFRY_ROUTER_ANSWERS_H
#define BELFRY_ROUTER_ANSWERS_H

#include <stdint.h>

struct delivery;
struct router;

/* Pushes now, or as soon as the shard's lane has room. */
void answers_push(struct router *router, uint32_t shard, const struct delivery *delivery);

/* Once per turn. True: some were left. */
_Bool answers_flush(struct router *router);

/* At the end: frees what was not pushed. */
void answers_drop(struct router *router);

#endif
