/* wsbench/histogram.h - a log-linear histogram: 64 buckets for each power of two.
 *
 * Layer   wsbench (may include: libc)
 * Threads one writer; merged and read when the writer has stopped
 * Memory  the struct is all of it, about 19 KB
 * Errors  none; values over HISTOGRAM_VALUE_MAX count as that
 *
 * A percentile is the upper end of the bucket that holds it, so it is never too low and at most
 * 1/64 (1.6 %) too high. The maximum is exact.
 */
#ifndef BELFRY_WSBENCH_HISTOGRAM_H
#define BELFRY_WSBENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_VALUE_BITS 42 /* 2^42 ns are 73 minutes */
#define HISTOGRAM_VALUE_MAX ((1ull << HISTOGRAM_VALUE_BITS) - 1)
#define HISTOGRAM_BUCKETS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

/* All zero is an empty one. */
struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Adds all of `from` to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that `percent` (0 < percent <= 100) of all values do not exceed; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* The bucket of a value, and the largest value of a bucket (both for tests, too). */
unsigned histogram_bucket(uint64_t value);
uint64_t histogram_bucket_end(unsigned bucket);

#endif
