/* tests/unit/router/record_names_test.c - a name means the last number it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/record_names.h"

static void push(struct record_names *names, uint64_t hash, uint64_t number)
{
	assert_true(record_names_reserve(names));
	record_names_push(names, hash, number);
}

static void the_last_number_counts(void **state)
{
	struct record_names names;

	(void)state;
	record_names_init(&names);
	assert_int_equal(record_names_find(&names, 7, 1), 0);
	push(&names, 7, 1);
	push(&names, 7 + (1u << 20), 2); /* in the same chain */
	push(&names, 7, 3);
	push(&names, 7, 3);
	assert_int_equal(record_names_find(&names, 7, 1), 3);
	assert_int_equal(record_names_find(&names, 7 + (1u << 20), 1), 2);
	record_names_trim(&names, 3);
	assert_int_equal(record_names_find(&names, 7, 3), 3);
	assert_int_equal(record_names_find(&names, 7 + (1u << 20), 3), 0);
	record_names_trim(&names, 4);
	assert_int_equal(record_names_find(&names, 7, 4), 0);
	record_names_deinit(&names);
}

/* A name that comes all the time must not make the way to its neighbours long: with chains that
 * keep every repetition this takes minutes. */
static void a_busy_name_does_no_harm(void **state)
{
	struct record_names names;

	(void)state;
	record_names_init(&names);
	push(&names, 1u << 20, 1);
	for (uint64_t number = 2; number < 200000; number++) {
		push(&names, 1u << 30, number);
		assert_int_equal(record_names_find(&names, 1u << 20, 1), 1);
	}
	record_names_deinit(&names);
}

/* Windows of 3,000 names from `number` on, where lower halves begin anew. */
static void check_wrap(uint64_t number)
{
	struct record_names names;
	uint64_t first = number;

	record_names_init(&names);
	names.items.first = names.items.end = number;
	for (uint64_t end = number + 20000; number < end; number++) {
		push(&names, 1 + number * 3 % 9001, number);
		if (number - first < 3000)
			continue;
		record_names_trim(&names, ++first);
		assert_int_equal(record_names_find(&names, 1 + number * 3 % 9001, first), number);
		assert_int_equal(record_names_find(&names, 1 + (first - 1) * 3 % 9001, first), 0);
		assert_int_equal(record_names_find(&names, 1 + first * 3 % 9001, first), first);
	}
	record_names_deinit(&names);
}

static void half_a_number_is_enough(void **state)
{
	static const uint64_t starts[] = {1, UINT32_MAX / 2 - 7000, UINT32_MAX - 5000,
					  UINT32_MAX * UINT64_C(7) - 10000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		check_wrap(starts[i]);
}

static void a_moving_window_needs_no_more(void **state)
{
	struct record_names names;
	size_t size = 0;

	(void)state;
	record_names_init(&names);
	for (uint64_t number = 1; number < 500000; number++) {
		push(&names, number, number);
		if (number > 10000)
			record_names_trim(&names, number - 10000);
		if (number == 50000)
			size = record_names_size(&names);
	}
	assert_true(record_names_size(&names) <= size);
	record_names_deinit(&names);
}

/* Every other number from where lower halves begin anew; a name comes again after 4,000. */
static void many_are_found_when_they_are_linked(void **state)
{
	const uint64_t first = UINT32_MAX - UINT64_C(1001), end = first + 6000;
	uint64_t place = 0;
	struct record_names names;

	(void)state;
	record_names_init(&names);
	assert_true(record_names_link(&names));
	assert_int_equal(record_names_find(&names, 1, first), 0);
	for (uint64_t number = first; number < end; number += 2)
		assert_true(record_names_append(&names, 1 + number % 4000, number));
	assert_true(record_names_link(&names));
	for (uint64_t number = first + 2000; number < end; number++)
		assert_int_equal(record_names_find(&names, 1 + number % 4000, first),
				 number % 2 == 0 ? number : 0);
	push(&names, 1 + first % 4000, end);
	assert_int_equal(record_names_find(&names, 1 + first % 4000, first), end);
	for (uint64_t number = first; number <= end; number++) {
		bool has_name = number % 2 == 0 && number != first + 4000; /* it came again */
		uint64_t hash = 1 + (number == end ? first : number) % 4000;

		assert_int_equal(record_names_next(&names, &place, number), has_name ? hash : 0);
	}
	record_names_trim(&names, end - 1000);
	assert_int_equal(record_names_find(&names, 1 + (end - 1002) % 4000, end - 1000), 0);
	assert_int_equal(record_names_find(&names, 1 + (end - 1000) % 4000, end - 1000),
			 end - 1000);
	assert_int_equal(record_names_find(&names, 1 + first % 4000, end - 1000), end);
	place = 0;
	assert_int_equal(record_names_next(&names, &place, end), 1 + first % 4000);
	record_names_deinit(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_number_counts),
		cmocka_unit_test(a_busy_name_does_no_harm),
		cmocka_unit_test(half_a_number_is_enough),
		cmocka_unit_test(a_moving_window_needs_no_more),
		cmocka_unit_test(many_are_found_when_they_are_linked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
