/* router/router.h - the thread that reads the log and knows who wants what.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads create and destroy: main; run: its own thread
 * Memory  one heap object
 * Errors  creation: a status and a text
 *
 * The one place where the log is serial: what a shard asks on its receipt lane is answered on
 * its delivery lane, between the entries before and after.
 */
#ifndef BELFRY_ROUTER_ROUTER_H
#define BELFRY_ROUTER_ROUTER_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/status.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "lane/lane.h"

struct router;

/* Everything outlives the router. */
struct router_options {
	const struct config *config;
	struct router_counters *counters;
	struct hash_key channel_key;
	struct hash_key connection_key;
	uint32_t shards_count;
	struct lane *deliveries;   /* router -> shard, one for each shard */
	struct lane *receipts;     /* shard -> router, likewise */
	struct lane *publications; /* admin -> router: struct publication * */
	struct lane *outcomes;     /* router -> admin: the same, filled in */
	struct lane *queries;      /* admin -> router: struct query * */
	struct lane *answers;      /* router -> admin: the same, filled in */
	struct sleeper *sleeper;   /* its own */
};

MUST_CHECK enum status router_create(const struct router_options *options,
				     struct router **ret_router, char *reason, size_t reason_size);
void router_destroy(struct router *router);

int router_ring_fd(const struct router *router);

/* Body of the thread: returns after RING_OP_STOP. */
void *router_run(void *router);

#endif
