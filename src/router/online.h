/* router/online.h - presence: what attach and detach mean to others.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/presence.h
 * Errors  none: without memory a connection is not shown
 *
 * With Redis the fold of router/presence.h is written there (router/presence_store.h); without,
 * it only answers the questions of the HTTP API. The key `presence` switches it off.
 */
#ifndef BELFRY_ROUTER_ONLINE_H
#define BELFRY_ROUTER_ONLINE_H

#include <stdbool.h>
#include <stdint.h>

struct recovery;
struct router;

struct online;
struct query;

/* False: out of memory. */
bool online_init(struct router *router);
void online_deinit(struct router *router);

void online_attach(struct router *router, uint32_t shard, uint32_t slot,
		   const struct recovery *recovery);
void online_detach(struct router *router, uint32_t shard, uint32_t slot);

/* Once per turn. */
void online_turn(struct router *router);

/* Milliseconds until online_turn has something to do; UINT64_MAX: not before something happens. */
uint64_t online_wait_ms(const struct router *router);

/* The node ends: its connections are gone. */
void online_stop(struct router *router);

/* Answers a query for a user's presence, or for a connection, now or when Redis has replied. */
void online_answer_user(struct router *router, struct query *query);
void online_answer_conn(struct router *router, struct query *query);

#endif
