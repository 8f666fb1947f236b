/* tests/unit/base/rate_test.c - a second's worth at once, then as time brings it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/rate.h"

#define START_MS 1000000u /* when the bucket is made: it is full */

struct step {
	uint64_t at_ms; /* since START_MS */
	uint32_t count;
	uint64_t wait_ms; /* 0: taken */
};

static void check_steps(struct rate_limit limit, const struct step *steps, size_t steps_count)
{
	struct rate rate = {0};

	for (size_t i = 0; i < steps_count; i++)
		assert_int_equal(rate_take(&rate, limit, steps[i].count, START_MS + steps[i].at_ms),
				 steps[i].wait_ms);
}

#define CHECK_LIMIT(per_second, holds_s, ...)                                                     \
	check_steps((struct rate_limit){per_second, holds_s}, (const struct step[]){__VA_ARGS__}, \
		    ARRAY_SIZE(((const struct step[]){__VA_ARGS__})))

#define CHECK_STEPS(per_second, ...) CHECK_LIMIT(per_second, 1, __VA_ARGS__)

static void a_full_bucket_gives_what_one_second_brings(void **state)
{
	(void)state;
	CHECK_STEPS(3, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 334});
	CHECK_STEPS(10, {0, 10, 0}, {0, 1, 100});
	CHECK_STEPS(10, {0, 4, 0}, {0, 6, 0}, {0, 1, 100});
	CHECK_STEPS(1, {0, 1, 0}, {0, 1, 1000}, {999, 1, 1}, {1000, 1, 0});
	CHECK_STEPS(1000000, {0, 1000000, 0}, {0, 1000, 1}, {1, 1000, 0}, {1, 1, 1});
}

static void it_fills_with_time_and_no_further_than_full(void **state)
{
	(void)state;
	CHECK_STEPS(10, {0, 10, 0}, {100, 1, 0}, {100, 1, 100}, {300, 2, 0}, {300, 1, 100});
	CHECK_STEPS(10, {0, 10, 0}, {100000, 10, 0}, {100000, 1, 100});
}

static void a_refusal_takes_nothing(void **state)
{
	(void)state;
	CHECK_STEPS(10, {0, 10, 0}, {50, 1, 50}, {60, 1, 40}, {99, 1, 1}, {100, 1, 0});
}

static void more_than_a_second_brings_waits_for_a_full_bucket_and_pays_afterwards(void **state)
{
	(void)state;
	CHECK_STEPS(10, {0, 25, 0}, {0, 1, 1600}, {1599, 1, 1}, {1600, 1, 0});
	CHECK_STEPS(10, {0, 1, 0}, {0, 25, 100}, {100, 25, 0}, {100, 1, 1600});
}

static void nothing_costs_nothing(void **state)
{
	(void)state;
	CHECK_STEPS(1, {0, 1, 0}, {0, 0, 0}, {0, 1, 1000});
}

static void it_may_hold_more_than_one_second(void **state)
{
	(void)state;
	CHECK_LIMIT(2, 3, {0, 6, 0}, {0, 1, 500}, {500, 1, 0}, {500, 1, 500}, {3500, 6, 0});
	CHECK_LIMIT(1, 10, {0, 9, 0}, {0, 1, 0}, {0, 1, 1000}, {1000, 2, 1000}, {2000, 2, 0});
}

static void full_is_told_from_not_full(void **state)
{
	struct rate rate = {0};

	(void)state;
	assert_true(rate_is_full(&rate, 0));
	assert_int_equal(rate_take(&rate, (struct rate_limit){10, 1}, 3, START_MS), 0);
	assert_false(rate_is_full(&rate, START_MS));
	assert_false(rate_is_full(&rate, START_MS + 299));
	assert_true(rate_is_full(&rate, START_MS + 300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_what_one_second_brings),
		cmocka_unit_test(it_fills_with_time_and_no_further_than_full),
		cmocka_unit_test(a_refusal_takes_nothing),
		cmocka_unit_test(
			more_than_a_second_brings_waits_for_a_full_bucket_and_pays_afterwards),
		cmocka_unit_test(nothing_costs_nothing),
		cmocka_unit_test(it_may_hold_more_than_one_second),
		cmocka_unit_test(full_is_told_from_not_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
