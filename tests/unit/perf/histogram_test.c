/* tests/unit/perf/histogram_test.c - wsbench/histogram: error bound, percentiles, merging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "base/compiler.h"
#include "wsbench/histogram.h"

/* A bucket's end is never below the value and at most 1/64 above it. */
static void check_bucket(uint64_t value)
{
	unsigned bucket = histogram_bucket(value);
	uint64_t end = histogram_bucket_end(bucket);

	assert_true(bucket < HISTOGRAM_BUCKETS);
	assert_true(end >= value);
	assert_true(end - value <= value / HISTOGRAM_SUB);
	assert_int_equal(histogram_bucket(end), bucket);
	if (end < HISTOGRAM_VALUE_MAX)
		assert_int_equal(histogram_bucket(end + 1), bucket + 1);
}

static void test_buckets(void **state)
{
	(void)state;
	for (uint64_t value = 0; value < 10000; value++)
		check_bucket(value);
	for (unsigned bit = 0; bit < HISTOGRAM_VALUE_BITS; bit++) {
		check_bucket(1ull << bit);
		check_bucket((1ull << bit) - 1);
		check_bucket((1ull << bit) + (1ull << bit) / 3);
	}
	check_bucket(HISTOGRAM_VALUE_MAX);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

struct expectation {
	double percent;
	uint64_t value;
};

static void check_percentile(const struct histogram *histogram, struct expectation expected)
{
	uint64_t got = histogram_percentile(histogram, expected.percent);

	assert_true(got >= expected.value);
	assert_true(got - expected.value <= expected.value / HISTOGRAM_SUB);
}

static void test_percentiles(void **state)
{
	static const struct expectation table[] = {
		{0.001, 1}, {1, 10},	 {10, 100},    {50, 500},
		{90, 900},  {99, 990}, {99.9, 999}, {99.95, 1000}, {100, 1000},
	};
	static struct histogram histogram;

	(void)state;
	for (uint64_t value = 1000; value > 0; value--)
		histogram_add(&histogram, value);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check_percentile(&histogram, table[i]);
	assert_int_equal(histogram.max, 1000);
	assert_int_equal(histogram_percentile(&histogram, 100), 1000);
}

static void test_empty_and_single(void **state)
{
	static struct histogram histogram;

	(void)state;
	assert_int_equal(histogram_percentile(&histogram, 50), 0);
	histogram_add(&histogram, 123456789);
	assert_int_equal(histogram_percentile(&histogram, 0.1), 123456789);
	assert_int_equal(histogram_percentile(&histogram, 99.9), 123456789);
}

static void test_huge_values(void **state)
{
	static struct histogram histogram;

	(void)state;
	histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram.max, UINT64_MAX);
	assert_int_equal(histogram_percentile(&histogram, 50), HISTOGRAM_VALUE_MAX);
}

static void test_merge(void **state)
{
	static struct histogram odd, even, all;

	(void)state;
	for (uint64_t value = 1; value <= 1000; value++) {
		histogram_add(value % 2 ? &odd : &even, value * 1000);
		histogram_add(&all, value * 1000);
	}
	histogram_merge(&odd, &even);
	assert_int_equal(odd.count, all.count);
	assert_int_equal(odd.max, all.max);
	assert_memory_equal(odd.buckets, all.buckets, sizeof(all.buckets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),	    cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_empty_and_single), cmocka_unit_test(test_huge_values),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
