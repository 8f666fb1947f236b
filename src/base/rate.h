/* base/rate.h - how much may come in a second: a bucket that fills with time.
 *
 * Layer   base
 * Threads one at a time; the clock is a parameter; lane/rates.h is the same for many threads
 * Memory  8 bytes, the owner's; all zero is a full bucket
 * Errors  none: "not yet" is an answer
 *
 * The bucket holds what some seconds bring. What costs more than that waits for a full bucket and
 * empties it below zero, so that a large request gets through and pays afterwards.
 */
#ifndef BELFRY_BASE_RATE_H
#define BELFRY_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct rate {
	uint64_t full_us; /* when the bucket is full again; past: it is */
};

struct rate_limit {
	uint32_t per_second; /* at least 1 */
	uint32_t holds_s;    /* seconds whose worth the bucket holds, at least 1 */
};

/* Takes `count` out of a bucket. Returns 0: taken; else the milliseconds after which it would be,
 * nothing was taken. `now_ms` never goes back. */
MUST_CHECK uint64_t rate_take(struct rate *rate, struct rate_limit limit, uint32_t count,
			      uint64_t now_ms);

/* Nothing was taken for so long that the bucket is full. */
MUST_CHECK bool rate_is_full(const struct rate *rate, uint64_t now_ms);

#endif
