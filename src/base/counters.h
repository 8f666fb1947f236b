/* base/counters.h - numbers that one thread writes and any thread may read.
 *
 * Layer   base
 * Threads one writer per counter, any readers; a reader sees a value that was true a moment ago
 * Memory  the owner's
 * Errors  none; wraps at 2^64
 */
#ifndef BELFRY_BASE_COUNTERS_H
#define BELFRY_BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t value; /* relaxed everywhere: nothing else is published with it */
};

/* Owner. A plain load and store: there is one writer, so no locked instruction is needed. */
static inline void counter_add(struct counter *counter, uint64_t amount)
{
	uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);

	atomic_store_explicit(&counter->value, value + amount, memory_order_relaxed);
}

/* Owner. For gauges that fall. */
static inline void counter_subtract(struct counter *counter, uint64_t amount)
{
	counter_add(counter, 0 - amount);
}

/* Owner. */
static inline void counter_set(struct counter *counter, uint64_t value)
{
	atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t counter_read(const struct counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
