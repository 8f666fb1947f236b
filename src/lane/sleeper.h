/* lane/sleeper.h - lets producers wake a thread only when it sleeps.
 *
 * Layer   lane (may include: base, libc)
 * Threads one sleeping thread, any number of waking ones; each function names its caller
 * Memory  the owner's
 * Errors  none
 *
 * A wake of an idle core costs its giver about 9 microseconds; elided it costs a fence. The
 * sleeper announces that it will sleep, looks at its lanes once more, then sleeps; a producer
 * publishes, then looks whether somebody announced sleep. The two full fences make sure that at
 * least one of them sees the other.
 */
#ifndef BELFRY_LANE_SLEEPER_H
#define BELFRY_LANE_SLEEPER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/compiler.h"

struct sleeper {
	_Atomic unsigned asleep; /* 1 from sleeper_announce to the wake */
	int ring_fd;             /* where a wake is sent to; constant */
};

void sleeper_init(struct sleeper *sleeper, int ring_fd);

/* Sleeping thread: before its last look at the lanes. */
void sleeper_announce(struct sleeper *sleeper);

/* Sleeping thread: awake again, or it found something in that last look. */
void sleeper_rise(struct sleeper *sleeper);

/* Producer, after its pushes, once per batch. True: the caller must send the wake to ring_fd;
 * no other producer got true for the same sleep. */
MUST_CHECK bool sleeper_must_wake(struct sleeper *sleeper);

#endif
