/* wsbench/raw_side.h - the floor's two ends: its senders and a raw fleet that reads.
 *
 * Layer   wsbench (may include: broadcast and below)
 * Threads the main thread
 * Memory  see floor and fleet
 * Errors  false, said on stderr or in the report
 */
#ifndef BELFRY_WSBENCH_RAW_SIDE_H
#define BELFRY_WSBENCH_RAW_SIDE_H

#include "wsbench/broadcast.h"

struct raw_side {
	struct bench *bench;
	struct floor *floor;
	struct fleet *fleet;
	struct rounds rounds;
	struct broadcast broadcast;
	uint64_t cpu_ns_before, sends_before; /* of the warm-up */
	uint64_t opening_ns;
};

MUST_CHECK bool raw_side_init(struct raw_side *side, struct bench *bench, uint32_t rounds_count);
void raw_side_deinit(struct raw_side *side);

/* All are connected and accepted. */
MUST_CHECK bool raw_side_connect(struct raw_side *side);

/* What was sent so far is warm-up. */
void raw_side_forget(struct raw_side *side);

/* CPU of the senders per send since raw_side_forget(), ns. */
double raw_side_each_ns(const struct raw_side *side);

/* Stops the fleet. False: something was lost, double or reordered. */
MUST_CHECK bool raw_side_judge(struct raw_side *side);

/* After raw_side_judge(): the section "floor". */
void raw_side_report(const struct raw_side *side, struct report *report);

#endif
