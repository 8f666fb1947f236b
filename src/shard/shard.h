/* shard/shard.h - a thread that owns connections for life: the outside of it.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads create and destroy: main; run: its own thread; nothing else is called from elsewhere
 * Memory  one heap object; the slab of connections is reserved address space, touched as used
 * Errors  creation: a status and a text
 */
#ifndef BELFRY_SHARD_SHARD_H
#define BELFRY_SHARD_SHARD_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/status.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "lane/arrival.h"
#include "lane/lane.h"
#include "lane/rates.h"
#include "shard/token_cache.h"

struct shard;

/* What a shard is given; everything outlives it. */
struct shard_options {
	const struct config *config;
	struct counters *counters; /* its own are counters->shards[index]; it shows them all */
	uint32_t index;
	uint32_t slots;                 /* sockets at most ... */
	uint32_t sessions;              /* ... and sessions without one; together SLOTS_MAX */
	struct hash_key channel_key;    /* channel names: the same for all threads of the node */
	struct hash_key connection_key; /* connection ids: likewise, secret */
	struct lane *deliveries;        /* router -> shard */
	struct lane *receipts;          /* shard -> router */
	struct lane *departures;        /* shard -> acceptor */
	struct sleeper *sleeper;        /* its own, the consumer of `deliveries` */
	struct keyring *keyring;        /* a reference; NULL: no token is good */
	struct token_cache_keys token_keys; /* the same for all shards, secret */
	const int *shard_ring_fds; /* of all shards, filled when they run; NULL: is told of none */
	struct node_rates *rates;  /* of all shards */
	struct arrival *arrivals;  /* those of its connections are its own; NULL: none */
};

MUST_CHECK enum status shard_create(const struct shard_options *options, struct shard **ret_shard,
				    char *reason, size_t reason_size);
void shard_destroy(struct shard *shard);

/* Where handoffs and wakes go. */
int shard_ring_fd(const struct shard *shard);

/* Body of the thread: returns after RING_OP_STOP, when every connection is closed. */
void *shard_run(void *shard);

#endif
