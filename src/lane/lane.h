/* lane/lane.h - a one-way road between two threads: a ring, and who sleeps at its end.
 *
 * Layer   lane (may include: base, libc)
 * Threads one producer, one consumer
 * Memory  see lane/ring.h
 * Errors  none at run time
 *
 * A lane does not wake by itself: its producer pushes a batch, then asks sleeper_must_wake()
 * once and sends the wake over its own io_uring.
 */
#ifndef BELFRY_LANE_LANE_H
#define BELFRY_LANE_LANE_H

#include "lane/ring.h"
#include "lane/sleeper.h"

struct lane {
	struct ring ring;
	struct sleeper *consumer; /* constant; outlives the lane */
};

#endif
