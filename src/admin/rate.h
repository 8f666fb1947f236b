/* admin/rate.h - how much may come in a second: a bucket that fills with time.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads one; the clock is a parameter
 * Memory  8 bytes, the owner's; all zero is a full bucket
 * Errors  none: "not yet" is an answer
 *
 * The bucket holds what one second brings. What costs more than that waits for a full bucket and
 * empties it below zero, so that a large request gets through and pays afterwards.
 */
#ifndef BELFRY_ADMIN_RATE_H
#define BELFRY_ADMIN_RATE_H

#include <stdint.h>

#include "base/compiler.h"

struct rate {
	uint64_t full_us; /* when the bucket is full again; past: it is */
};

/* Takes `count` out of a bucket that gets `per_second`, at least 1. Returns 0: taken; else the
 * milliseconds after which it would be, nothing was taken. `now_ms` never goes back. */
MUST_CHECK uint64_t rate_take(struct rate *rate, uint32_t per_second, uint32_t count,
			      uint64_t now_ms);

#endif
