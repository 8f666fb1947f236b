/* tests/unit/router/unkept_test.c - the newest ids are known, and which are not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/unkept.h"

static struct event_id at(uint64_t number)
{
	return (struct event_id){number / 3, number % 3};
}

static void what_was_added_is_known(void **state)
{
	struct unkept unkept = {0};

	(void)state;
	assert_false(unkept_has(&unkept, at(1)));
	assert_false(unkept_forgot(&unkept, at(1)));
	for (uint64_t number = 10; number < 100; number += 2)
		unkept_add(&unkept, at(number));
	for (uint64_t number = 0; number < 200; number++)
		assert_int_equal(unkept_has(&unkept, at(number)),
				 number >= 10 && number < 100 && number % 2 == 0);
	unkept_add(&unkept, at(98)); /* once more, and one that comes late */
	unkept_add(&unkept, at(51));
	assert_int_equal(unkept.count, 45);
	assert_false(unkept_has(&unkept, at(51)));
	assert_false(unkept_forgot(&unkept, at(1)));
	unkept_deinit(&unkept);
}

static void the_oldest_are_forgotten(void **state)
{
	const uint64_t first = 1000, end = first + 3 * UNKEPT_MAX + 7;
	struct unkept unkept = {0};

	(void)state;
	for (uint64_t number = first; number < end; number++)
		unkept_add(&unkept, at(number));
	assert_int_equal(unkept.count, UNKEPT_MAX);
	for (uint64_t number = first; number < end; number++) {
		assert_int_equal(unkept_has(&unkept, at(number)), number >= end - UNKEPT_MAX);
		assert_int_equal(unkept_forgot(&unkept, at(number)), number < end - UNKEPT_MAX);
	}
	for (uint32_t i = 0; i < UNKEPT_MAX; i++)
		assert_true(event_id_equal(unkept_at(&unkept, i), at(end - UNKEPT_MAX + i)));
	unkept_deinit(&unkept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_known),
		cmocka_unit_test(the_oldest_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
