/* tests/unit/router/unkept_test.c - the newest ids are known, and which are not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../refused_memory.h"
#include "router/unkept.h"

static struct event_id at(uint64_t number)
{
	return (struct event_id){number / 3, number % 3};
}

static void what_was_added_is_known(void **state)
{
	struct unkept unkept = {0};

	(void)state;
	assert_false(unkept_has(&unkept, at(1), 0));
	assert_false(unkept_forgot(&unkept, at(1)));
	for (uint64_t number = 10; number < 100; number += 2)
		unkept_add(&unkept, at(number), 0);
	for (uint64_t number = 0; number < 200; number++)
		assert_int_equal(unkept_has(&unkept, at(number), 0),
				 number >= 10 && number < 100 && number % 2 == 0);
	unkept_add(&unkept, at(98), 0); /* once more, and one that comes late */
	unkept_add(&unkept, at(51), 0);
	assert_int_equal(unkept.count, 45);
	assert_false(unkept_has(&unkept, at(51), 0));
	assert_false(unkept_forgot(&unkept, at(1)));
	unkept_deinit(&unkept);
}

static void the_oldest_are_forgotten(void **state)
{
	const uint64_t first = 1000, end = first + 3 * UNKEPT_MAX + 7;
	struct unkept unkept = {0};

	(void)state;
	for (uint64_t number = first; number < end; number++)
		unkept_add(&unkept, at(number), 0);
	assert_int_equal(unkept.count, UNKEPT_MAX);
	for (uint64_t number = first; number < end; number++) {
		assert_int_equal(unkept_has(&unkept, at(number), 0), number >= end - UNKEPT_MAX);
		assert_int_equal(unkept_forgot(&unkept, at(number)), number < end - UNKEPT_MAX);
	}
	for (uint32_t i = 0; i < UNKEPT_MAX; i++)
		assert_true(event_id_equal(unkept_at(&unkept, i), at(end - UNKEPT_MAX + i)));
	unkept_deinit(&unkept);
}

/* Of partition `number % 3`, all numbers in first..end-1 that `step` divides. */
static struct unkept fill(uint64_t first, uint64_t end, uint64_t step)
{
	struct unkept unkept = {0};

	for (uint64_t number = first; number < end; number++)
		if (number % step == 0)
			unkept_add(&unkept, at(number), (uint32_t)(number % 3));
	return unkept;
}

static struct partition_set set_of(uint32_t a, uint32_t b)
{
	struct partition_set set = {{0}};

	partition_set_add(&set, a);
	partition_set_add(&set, b);
	return set;
}

static void check_ascending(const struct unkept *unkept)
{
	for (uint32_t i = 1; i < unkept->count; i++)
		assert_false(event_id_is_after(unkept_at(unkept, i - 1), unkept_at(unkept, i)));
}

static void what_is_left_is_not_known(void **state)
{
	const struct partition_set kept = set_of(0, 2), none = {{0}};
	struct unkept unkept = fill(1, 1000, 1);

	(void)state;
	unkept_merge(&unkept, NULL, &kept);
	for (uint64_t number = 1; number < 1000; number++)
		assert_int_equal(unkept_has(&unkept, at(number), (uint32_t)(number % 3)),
				 number % 3 != 1);
	assert_int_equal(unkept.count, 666);
	check_ascending(&unkept);
	unkept_merge(&unkept, NULL, &none);
	assert_int_equal(unkept.count, 0);
	assert_false(unkept_has(&unkept, at(3), 0));
	assert_false(unkept_forgot(&unkept, at(3)));
	unkept_add(&unkept, at(2000), 1);
	assert_true(unkept_has(&unkept, at(2000), 1));
	unkept_deinit(&unkept);
}

static void what_is_joined_is_known(void **state)
{
	const struct partition_set kept = set_of(4, 5);
	struct unkept unkept = {0}, other = {0};

	(void)state;
	for (uint64_t number = 1; number < 100; number++) {
		unkept_add(&unkept, at(number * 2), 4 - number % 2); /* half of it is left */
		unkept_add(&other, at(number * 3), 5);
	}
	unkept_merge(&unkept, &other, &kept);
	for (uint64_t number = 1; number < 300; number++) {
		assert_int_equal(unkept_has(&unkept, at(number), 4),
				 number < 200 && number % 4 == 0);
		assert_int_equal(unkept_has(&unkept, at(number), 5), number % 3 == 0);
		assert_false(unkept_has(&unkept, at(number), 3));
	}
	check_ascending(&unkept);
	assert_int_equal(unkept.count, 49 + 99); /* what both have is there twice */
	unkept_deinit(&unkept);
	unkept_merge(&unkept, &other, &kept);
	assert_int_equal(unkept.count, 99);
	unkept_deinit(&unkept);
	unkept_deinit(&other);
}

/* The newest are kept, and what had to go is known to have gone. */
static void what_does_not_fit_is_forgotten(void **state)
{
	const struct partition_set kept = set_of(0, 1), none = {{0}};
	struct unkept unkept = fill(1, 2 * UNKEPT_MAX, 3), other = {0};
	uint64_t newest = 2 * UNKEPT_MAX - 1;

	(void)state;
	for (uint64_t number = 1; number <= newest; number++)
		unkept_add(&other, at(number), 1);
	assert_true(unkept_forgot(&other, at(newest - UNKEPT_MAX)));
	assert_false(unkept_forgot(&unkept, at(1)));
	unkept_merge(&unkept, &other, &kept);
	assert_int_equal(unkept.count, UNKEPT_MAX);
	check_ascending(&unkept);
	assert_true(unkept_has(&unkept, at(newest), 1));
	/* Three of four are of `other`. */
	assert_true(unkept_forgot(&unkept, at(newest - UNKEPT_MAX * 3 / 4 - 2)));
	assert_false(unkept_forgot(&unkept, at(newest - UNKEPT_MAX * 3 / 4 + 2)));
	unkept_merge(&unkept, NULL, &none);
	assert_int_equal(unkept.count, 0);
	assert_true(unkept_forgot(&unkept, at(newest - UNKEPT_MAX)));
	assert_false(unkept_forgot(&unkept, at(newest)));
	unkept_add(&unkept, at(1), 1); /* later ones only count from now on */
	assert_true(unkept_forgot(&unkept, at(2)));
	unkept_deinit(&unkept);
	unkept_deinit(&other);
}

static void without_memory_all_is_forgotten(void **state)
{
	const struct partition_set kept = set_of(0, 1);
	const int64_t held = refused_held;

	(void)state;
	for (uint32_t granted = 0; granted < 2; granted++) {
		struct unkept unkept = fill(1, 100, 1), other = {0};

		unkept_add(&other, at(150), 3);
		refused_after = granted;
		unkept_merge(&unkept, &other, &kept);
		refused_after = UINT32_MAX;
		assert_int_equal(unkept.count, 0);
		assert_true(unkept_forgot(&unkept, at(150)));
		assert_false(unkept_forgot(&unkept, at(151)));
		unkept_add(&unkept, at(160), 0);
		assert_true(unkept_has(&unkept, at(160), 0));
		unkept_deinit(&unkept);
		unkept_deinit(&other);
	}
	assert_int_equal(refused_held, held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_known),
		cmocka_unit_test(the_oldest_are_forgotten),
		cmocka_unit_test(what_is_left_is_not_known),
		cmocka_unit_test(what_is_joined_is_known),
		cmocka_unit_test(what_does_not_fit_is_forgotten),
		cmocka_unit_test(without_memory_all_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
