/* tests/unit/base/counters_test.c - adding, falling, setting, wrapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/counters.h"

static void counts(void **state)
{
	struct counter counter = {0};

	(void)state;
	assert_int_equal(counter_read(&counter), 0);
	counter_add(&counter, 3);
	counter_add(&counter, 0);
	counter_add(&counter, 4);
	assert_int_equal(counter_read(&counter), 7);
	counter_subtract(&counter, 5);
	assert_int_equal(counter_read(&counter), 2);
	counter_set(&counter, UINT64_C(1) << 40);
	assert_true(counter_read(&counter) == UINT64_C(1) << 40);
	counter_subtract(&counter, UINT64_C(1) << 40);
	assert_int_equal(counter_read(&counter), 0);
}

static void wraps(void **state)
{
	struct counter counter = {0};

	(void)state;
	counter_set(&counter, UINT64_MAX);
	counter_add(&counter, 2);
	assert_int_equal(counter_read(&counter), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
