/* wsbench/stopwatch.h - the clocks that figures are taken with.
 *
 * Layer   wsbench (may include: libc)
 * Threads any
 * Memory  none
 * Errors  none: these clocks cannot fail on Linux
 */
#ifndef BELFRY_WSBENCH_STOPWATCH_H
#define BELFRY_WSBENCH_STOPWATCH_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

static inline uint64_t stopwatch_read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC, the clock that every message carries: the same in all processes here. */
static inline uint64_t stopwatch_now_ns(void)
{
	return stopwatch_read_ns(CLOCK_MONOTONIC);
}

/* CPU time of the calling thread, the kernel's work on its behalf included. */
static inline uint64_t stopwatch_thread_cpu_ns(void)
{
	return stopwatch_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
