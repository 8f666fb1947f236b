/* wsbench/histogram.c - log-linear counting. */
#include "wsbench/histogram.h"

unsigned histogram_bucket(uint64_t value)
{
	if (value > HISTOGRAM_VALUE_MAX)
		value = HISTOGRAM_VALUE_MAX;
	if (value < HISTOGRAM_SUB)
		return (unsigned)value;
	unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return (shift + 1) * HISTOGRAM_SUB + (unsigned)(value >> shift & (HISTOGRAM_SUB - 1));
}

uint64_t histogram_bucket_end(unsigned bucket)
{
	if (bucket < HISTOGRAM_SUB)
		return bucket;
	unsigned shift = bucket / HISTOGRAM_SUB - 1;
	uint64_t first = (uint64_t)(HISTOGRAM_SUB + bucket % HISTOGRAM_SUB) << shift;
	return first + (1ull << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->buckets[histogram_bucket(value)]++;
	if (value > histogram->max)
		histogram->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	if (from->max > into->max)
		into->max = from->max;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

/* How many values must be at or below the answer: rounded up, at least one. */
static uint64_t rank_of(uint64_t count, double percent)
{
	double exact = (double)count * percent / 100.0;
	uint64_t rank = (uint64_t)exact;

	if ((double)rank < exact)
		rank++;
	return rank == 0 ? 1 : rank > count ? count : rank;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t seen = 0;

	if (histogram->count == 0)
		return 0;
	uint64_t rank = rank_of(histogram->count, percent);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank) {
			uint64_t end = histogram_bucket_end(i);
			return end < histogram->max ? end : histogram->max;
		}
	}
	return histogram->max;
}
