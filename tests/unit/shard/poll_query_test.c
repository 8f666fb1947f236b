/* tests/unit/shard/poll_query_test.c - defaults, bounds, and what is no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shard/poll_query.h"

static void check(const char *query, uint32_t wait_ms, uint32_t limit)
{
	struct poll_query read;

	assert_true(poll_query_read(slice_of_text(query), &read));
	assert_int_equal(read.wait_ms, wait_ms);
	assert_int_equal(read.limit, limit);
}

static void check_bad(const char *query)
{
	struct poll_query read = {7, 7};

	assert_false(poll_query_read(slice_of_text(query), &read));
	assert_int_equal(read.wait_ms + read.limit, 14);
}

static void numbers_within_bounds(void **state)
{
	(void)state;
	check(NULL, 25000, 100);
	check("", 25000, 100);
	check("token=x&wait=0", 0, 100);
	check("wait=1&limit=1", 1000, 1);
	check("wait=60&limit=1000", 60000, 1000);
	check("wait=61&limit=1001", 60000, 1000);
	check("wait=18446744073709551615&limit=18446744073709551615", 60000, 1000);
	check("waiting=3", 25000, 100);
}

static void what_is_no_number(void **state)
{
	(void)state;
	check_bad("wait=");
	check_bad("wait");
	check_bad("wait=-1");
	check_bad("wait=1.5");
	check_bad("wait=a");
	check_bad("wait=%31");
	check_bad("wait=18446744073709551616");
	check_bad("limit=0");
	check_bad("limit=x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_within_bounds),
		cmocka_unit_test(what_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
