/* tests/unit/lane/ring_test.c - empty, full, around the end, and what is left untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane/ring.h"

static void check_push(struct ring *ring, uint32_t item, bool expected)
{
	assert_int_equal(ring_push(ring, &item), expected);
}

/* 0 expects an empty ring. */
static void check_pop(struct ring *ring, uint32_t expected)
{
	const uint32_t *first = ring_peek(ring);
	uint32_t item = 77;

	assert_int_equal(first != NULL, expected != 0);
	if (first)
		assert_int_equal(*first, expected);
	assert_int_equal(ring_pop(ring, &item), expected != 0);
	assert_int_equal(item, expected ? expected : 77);
}

static void check_fill(const struct ring *ring, uint32_t depth)
{
	assert_int_equal(ring_depth(ring), depth);
}

static void fills_and_empties(void **state)
{
	struct ring ring;

	(void)state;
	assert_int_equal(ring_init(&ring, 4, sizeof(uint32_t)), STATUS_OK);
	check_pop(&ring, 0);
	assert_int_equal(ring_room(&ring), 4);
	for (uint32_t i = 1; i <= 4; i++) {
		check_push(&ring, i, true);
		check_fill(&ring, i);
	}
	check_push(&ring, 5, false);
	assert_int_equal(ring_room(&ring), 0);
	check_pop(&ring, 1);
	assert_int_equal(ring_room(&ring), 1);
	check_push(&ring, 6, true);
	check_push(&ring, 7, false);
	check_pop(&ring, 2);
	check_pop(&ring, 3);
	check_pop(&ring, 4);
	check_pop(&ring, 6);
	check_pop(&ring, 0);
	check_fill(&ring, 0);
	ring_deinit(&ring);
}

static void goes_around(void **state)
{
	struct ring ring;

	(void)state;
	assert_int_equal(ring_init(&ring, 2, sizeof(uint32_t)), STATUS_OK);
	for (uint32_t i = 1; i < 1000; i += 2) {
		check_push(&ring, i, true);
		check_push(&ring, i + 1, true);
		check_push(&ring, i + 2, false);
		check_pop(&ring, i);
		check_pop(&ring, i + 1);
		check_pop(&ring, 0);
	}
	ring_deinit(&ring);
}

/* A peek does not take, however often. */
static void peeks_in_place(void **state)
{
	struct ring ring;

	(void)state;
	assert_int_equal(ring_init(&ring, 2, sizeof(uint32_t)), STATUS_OK);
	assert_null(ring_peek(&ring));
	check_push(&ring, 9, true);
	const void *first = ring_peek(&ring);

	assert_non_null(first);
	assert_ptr_equal(ring_peek(&ring), first);
	check_push(&ring, 10, true);
	assert_ptr_equal(ring_peek(&ring), first);
	check_pop(&ring, 9);
	check_pop(&ring, 10);
	ring_deinit(&ring);
}

static void sides_are_on_their_own_cache_lines(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct ring, tail) % CACHE_LINE_SIZE, 0);
	assert_int_equal(offsetof(struct ring, head) % CACHE_LINE_SIZE, 0);
	assert_true(offsetof(struct ring, head) - offsetof(struct ring, tail) >= CACHE_LINE_SIZE);
	assert_true(offsetof(struct ring, slots) - offsetof(struct ring, head) >= CACHE_LINE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_empties),
		cmocka_unit_test(goes_around),
		cmocka_unit_test(peeks_in_place),
		cmocka_unit_test(sides_are_on_their_own_cache_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
