/* admin/rate.c - how much may come in a second: a bucket that fills with time. */
#include "admin/rate.h"

#include "base/assert.h"

#define SECOND_US 1000000u

uint64_t rate_take(struct rate *rate, uint32_t per_second, uint32_t count, uint64_t now_ms)
{
	ASSERT(per_second > 0);
	uint64_t now_us = now_ms * 1000;
	uint64_t missing_us = rate->full_us > now_us ? rate->full_us - now_us : 0;
	uint64_t cost_us = (uint64_t)count * SECOND_US / per_second;
	uint64_t needed_us = cost_us < SECOND_US ? cost_us : SECOND_US;

	if (missing_us + needed_us > SECOND_US)
		return (missing_us + needed_us - SECOND_US + 999) / 1000;
	rate->full_us = now_us + missing_us + cost_us;
	return 0;
}
