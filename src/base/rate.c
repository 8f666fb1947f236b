/* base/rate.c - how much may come in a second: a bucket that fills with time. */
#include "base/rate.h"

#include "base/assert.h"

#define SECOND_US 1000000u

uint64_t rate_take(struct rate *rate, struct rate_limit limit, uint32_t count, uint64_t now_ms)
{
	ASSERT(limit.per_second > 0 && limit.holds_s > 0);
	uint64_t now_us = now_ms * 1000;
	uint64_t holds_us = (uint64_t)limit.holds_s * SECOND_US;
	uint64_t missing_us = rate->full_us > now_us ? rate->full_us - now_us : 0;
	uint64_t cost_us = (uint64_t)count * SECOND_US / limit.per_second;
	uint64_t needed_us = cost_us < holds_us ? cost_us : holds_us;

	if (missing_us + needed_us > holds_us)
		return (missing_us + needed_us - holds_us + 999) / 1000;
	rate->full_us = now_us + missing_us + cost_us;
	return 0;
}

bool rate_is_full(const struct rate *rate, uint64_t now_ms)
{
	return rate->full_us <= now_ms * 1000;
}
