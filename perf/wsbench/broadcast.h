/* wsbench/broadcast.h - rounds of messages to everybody, by the broker or by the floor.
 *
 * Layer   wsbench (may include: bench and below)
 * Threads the main thread
 * Memory  one frame for the floor
 * Errors  false: the deadline passed before everybody had everything
 */
#ifndef BELFRY_WSBENCH_BROADCAST_H
#define BELFRY_WSBENCH_BROADCAST_H

#include "wsbench/bench.h"

struct broadcast {
	struct bench *bench;
	struct rounds *rounds;
	struct fleet *fleet;
	struct floor *floor; /* NULL: bench->publisher publishes */
	uint32_t window;
	uint64_t interval_ns;
	uint64_t next_ns; /* the next one may be published from then on */
};

/* Publishes `count` more rounds and waits until each of the fleet's ready clients has each. */
MUST_CHECK bool broadcast_run(struct broadcast *broadcast, uint32_t count);

/* Publishes one round and does not wait. */
void broadcast_publish(struct broadcast *broadcast);

/* From publishing to the last receiver, of all complete rounds from `first` on. */
void broadcast_last_receiver(const struct rounds *rounds, uint32_t first,
			     struct histogram *ret_histogram);

/* The frame that the broker would send for this stamp, for the floor. */
void broadcast_write_frame(const struct options *options, const struct stamp *stamp,
			   struct writer *writer);

#endif
