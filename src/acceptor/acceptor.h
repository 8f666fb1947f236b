/* acceptor/acceptor.h - the thread that takes connections and gives them to shards.
 *
 * Layer   acceptor (may include: lane, wire, uring, log, base, libc)
 * Threads create and destroy: main; run: its own thread
 * Memory  one heap object
 * Errors  creation: a status and a text
 *
 * Multishot accept puts each connection into a slot of the acceptor's ring; SEND_FD moves it to
 * the shard with the fewest. The table has more free slots than any listen backlog: a burst that
 * finds it full would be reset by the kernel.
 *
 * The limit of connections from one address holds here, but not for proxies: for whom they speak
 * is said in bytes, and of those the acceptor reads none. The router counts them.
 */
#ifndef BELFRY_ACCEPTOR_ACCEPTOR_H
#define BELFRY_ACCEPTOR_ACCEPTOR_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "belfry/limits.h"
#include "lane/arrival.h"
#include "lane/lane.h"

struct acceptor;

/* Lanes, configuration and counters outlive the acceptor; the arrays are copied. */
struct acceptor_options {
	const struct config *config;
	struct acceptor_counters *counters;
	const int *listener_fds; /* listening sockets; open until the thread has ended */
	uint32_t listeners_count;
	uint32_t listeners_proxied; /* index of the first that is for proxies */
	struct arrival *arrivals;   /* arrivals_count of them, all zero; NULL: none are wanted */
	uint32_t arrivals_count;
	const int *shard_ring_fds;
	struct lane *departures; /* shard -> acceptor, one for each shard */
	uint32_t shards_count;
	uint32_t slots_per_shard;
	uint32_t slots; /* of the acceptor's own table: more than any listen backlog */
};

MUST_CHECK enum status acceptor_create(const struct acceptor_options *options,
				       struct acceptor **ret_acceptor, char *reason,
				       size_t reason_size);
void acceptor_destroy(struct acceptor *acceptor);

int acceptor_ring_fd(const struct acceptor *acceptor);

/* Body of the thread: returns after RING_OP_STOP, when nothing is on its way to a shard. */
void *acceptor_run(void *acceptor);

#endif
