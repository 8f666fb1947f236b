/* wsbench/fleet.h - many clients, spread over rings and threads.
 *
 * Layer   wsbench (may include: base, sockets, rounds, histogram, requests)
 * Threads all functions are for the main thread; orders and counts go through atomics
 * Memory  about 130 bytes per connection here, and 0.9 KB in the kernel for its armed receive
 * Errors  fleet_create() prints to stderr and returns NULL; later failures are counted
 *
 * Client i belongs to ring i mod rings. Raw fleets (the floor) open TCP connections and read
 * frames, without a request.
 */
#ifndef BELFRY_WSBENCH_FLEET_H
#define BELFRY_WSBENCH_FLEET_H

#include <stdatomic.h>

#include "wsbench/histogram.h"
#include "wsbench/requests.h"
#include "wsbench/rounds.h"
#include "wsbench/sockets.h"

#define FLEET_SPREAD_MAX 64
#define FLEET_RINGS_MAX 64

/* What is counted, each by the thread of its ring: name, text. */
#define FLEET_COUNT_TABLE(X)                                            \
	X(ready, "connections open now")                                \
	X(opened, "connections opened")                                 \
	X(failed, "connections failed")                                 \
	X(dropped, "connections closed by the server")                  \
	X(retried, "refused and tried again")                           \
	X(recycled, "closed and opened again")                          \
	X(messages, "messages received")                                \
	X(bytes, "bytes received")                                      \
	X(doubles, "double")                                            \
	X(reordered, "reordered")                                       \
	X(misrouted, "for another user")                                \
	X(errors, "error messages from the server")                     \
	X(unrecovered, "came back and were told recovered: false")      \
	X(unstamped, "messages of other kinds")                         \
	X(pings, "pings answered")                                      \
	X(lost, "lost")

struct fleet_counts {
#define X(name, text) uint64_t name;
	FLEET_COUNT_TABLE(X)
#undef X
};

struct fleet_plan {
	const char *name; /* of the threads */
	const struct options *options;
	const struct requests *requests; /* NULL: raw */
	struct rounds *rounds;
	uint32_t conns;
	uint16_t port;
};

struct fleet;

/* Starts the threads; no connection is opened yet. */
MUST_CHECK struct fleet *fleet_create(const struct fleet_plan *plan);

/* Cuts all connections, ends the threads and frees everything. */
void fleet_destroy(struct fleet *fleet);

/* Clients 0 .. conns - 1 are to be open. */
void fleet_open(struct fleet *fleet, uint32_t conns);

/* Readers wake for each event (unicast), or gather them (broadcast). */
void fleet_set_gathering(struct fleet *fleet, bool is_gathering);

/* `count` more connections are to be closed properly and opened again. */
void fleet_recycle(struct fleet *fleet, uint32_t count);

/* Resets all connections; they open again, with retries; their handshakes count apart. */
void fleet_cut(struct fleet *fleet);

/* Held: nobody opens, so that those who are cut stay away until they are let go. */
void fleet_hold(struct fleet *fleet, bool is_held);

/* Resets all connections and ends the threads; the fleet can still be asked for its results. */
void fleet_stop(struct fleet *fleet);

/* Sums of what was counted so far; any time. */
struct fleet_counts fleet_counts(const struct fleet *fleet);

uint32_t fleet_rings(const struct fleet *fleet);
uint32_t fleet_threads(const struct fleet *fleet);

/* CPU time of the fleet's threads so far, ns. */
uint64_t fleet_cpu_ns(const struct fleet *fleet);

/* ---- after fleet_stop() ---- */

/* Messages that are missing at the end: `issued` broadcasts were sent, and user_issued[i] (NULL:
 * none) messages to user i. Includes fleet_counts.lost. */
uint64_t fleet_lost(const struct fleet *fleet, uint32_t issued, const uint32_t *user_issued);

/* Adds the latencies of all rings to `into`. */
void fleet_latency(const struct fleet *fleet, struct histogram *into);

/* The same for handshakes: the first ones, or those after fleet_cut() and fleet_recycle(). */
void fleet_handshakes(const struct fleet *fleet, bool again, struct histogram *into);

/* Calls `each` with one line for every kind of failure: how many, and the first of them. */
void fleet_each_failure(const struct fleet *fleet,
			void (*each)(void *argument, uint64_t count, const char *text),
			void *argument);

#endif
