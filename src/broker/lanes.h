/* broker/lanes.h - all roads between the threads, made before them and freed after them.
 *
 * Layer   broker (may include everything)
 * Threads main makes and frees; who pushes and who pops is in the names
 * Memory  about 0.9 MiB a shard, 1 MiB of rates, 24 bytes a connection where addresses are
 *         wanted; touched as it is used
 * Errors  STATUS_NO_MEMORY
 */
#ifndef BELFRY_BROKER_LANES_H
#define BELFRY_BROKER_LANES_H

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/limits.h"
#include "lane/arrival.h"
#include "lane/lane.h"
#include "lane/rates.h"

struct lanes {
	uint32_t shards_count;
	struct lane deliveries[SHARDS_MAX]; /* router -> shard: struct delivery */
	struct lane receipts[SHARDS_MAX];   /* shard -> router: struct receipt */
	struct lane
		departures[SHARDS_MAX]; /* shard -> acceptor: struct departure; nobody is woken */
	struct lane publications;       /* admin -> router: struct publication * */
	struct lane outcomes;           /* router -> admin: the same */
	struct lane queries;            /* admin -> router: struct query * */
	struct lane answers;            /* router -> admin: the same */
	struct sleeper shard_sleepers[SHARDS_MAX];
	struct sleeper router_sleeper;
	struct sleeper admin_sleeper;
	struct node_rates rates;  /* of all shards */
	struct arrival *arrivals; /* of all connections; NULL: none are wanted */
	uint32_t arrivals_count;
};

MUST_CHECK enum status lanes_init(struct lanes *lanes, uint32_t shards_count);

/* For so many connections at most. */
MUST_CHECK enum status lanes_add_arrivals(struct lanes *lanes, uint32_t conns_max);

/* After all threads have ended: also frees what is still on the lanes. */
void lanes_deinit(struct lanes *lanes);

#endif
