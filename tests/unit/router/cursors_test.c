/* tests/unit/router/cursors_test.c - how far each user and device has confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "router/cursors.h"

static const struct hash_key key = {1, 2};

static struct cursor *hold(struct cursors *cursors, const char *user, const char *device)
{
	struct cursor *cursor = cursors_hold(cursors, slice_of_text(user), slice_of_text(device));

	assert_non_null(cursor);
	assert_true(slice_equal_text(cursor_user(cursor), user));
	assert_true(slice_equal(cursor_device(cursor), slice_of_text(device)));
	return cursor;
}

static void check_confirmed(const struct cursor *cursor, uint64_t ms)
{
	assert_int_equal(cursor->confirmed.ms, ms);
}

static struct event_id id(uint64_t ms)
{
	return (struct event_id){ms, 0};
}

static void names_are_told_apart(void **state)
{
	static const char *const rows[][2] = {
		{"a", NULL}, {"a", "b"}, {"ab", NULL}, {"ab", "c"}, {"a", "bc"}, {"b", "a"},
	};
	struct cursor *held[ARRAY_SIZE(rows)];
	struct cursors cursors;

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		held[i] = hold(&cursors, rows[i][0], rows[i][1]);
		assert_int_equal(held[i]->state, CURSOR_UNKNOWN);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(held[i], held[j]);
	}
	assert_ptr_equal(hold(&cursors, "a", ""), held[0]); /* empty is absent */
	assert_int_equal(held[0]->holders, 2);
	assert_int_equal(cursors.count, ARRAY_SIZE(rows));
	cursors_deinit(&cursors);
}

static void nobody_holds_it_and_it_goes(void **state)
{
	struct cursors cursors;

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	struct cursor *cursor = hold(&cursors, "u", NULL);

	assert_ptr_equal(hold(&cursors, "u", NULL), cursor);
	cursors_learn(&cursors, cursor, id(5));
	cursors_release(&cursors, cursor);
	assert_int_equal(cursors.count, 1);
	check_confirmed(cursor, 5);
	cursors_release(&cursors, cursor);
	assert_int_equal(cursors.count, 0);
	cursors_deinit(&cursors);
}

static void it_moves_only_forward(void **state)
{
	struct cursors cursors;

	(void)state;
	assert_true(cursors_init(&cursors, key, true));
	struct cursor *cursor = hold(&cursors, "u", "phone");

	assert_int_equal(cursor->state, CURSOR_KNOWN);
	assert_false(cursors_confirm(&cursors, cursor, id(0)));
	assert_false(cursor->is_dirty);
	assert_true(cursors_confirm(&cursors, cursor, id(7)));
	assert_true(cursors_confirm(&cursors, cursor, (struct event_id){7, 1}));
	assert_false(cursors_confirm(&cursors, cursor, id(7)));
	assert_false(cursors_confirm(&cursors, cursor, (struct event_id){7, 1}));
	assert_true(cursor->is_dirty);
	check_confirmed(cursor, 7);
	cursors_deinit(&cursors);
}

/* What is confirmed before the store has answered, what it answers, and what comes of it. */
static void check_learn(uint64_t confirmed, uint64_t answer, uint64_t expected, bool is_dirty)
{
	struct cursors cursors;

	assert_true(cursors_init(&cursors, key, false));
	struct cursor *cursor = hold(&cursors, "u", NULL);

	cursor->state = CURSOR_ASKED;
	if (confirmed > 0)
		assert_true(cursors_confirm(&cursors, cursor, id(confirmed)));
	assert_null(cursors_next_dirty(&cursors)); /* not before the answer */
	cursors_learn(&cursors, cursor, id(answer));
	assert_int_equal(cursor->state, CURSOR_KNOWN);
	check_confirmed(cursor, expected);
	assert_ptr_equal(cursors_next_dirty(&cursors), is_dirty ? cursor : NULL);
	cursors_deinit(&cursors);
}

static void the_answer_counts_if_it_is_further_on(void **state)
{
	(void)state;
	check_learn(0, 0, 0, false);
	check_learn(0, 9, 9, false);
	check_learn(5, 9, 9, true); /* was on the list: one write too many does no harm */
	check_learn(9, 5, 9, true);
	check_learn(9, 0, 9, true);
	check_learn(9, 9, 9, true);
}

static void a_store_that_is_behind_is_written(void **state)
{
	struct cursors cursors;

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	struct cursor *cursor = hold(&cursors, "u", NULL);

	assert_true(cursors_confirm(&cursors, cursor, id(9)));
	assert_ptr_equal(cursors_next_dirty(&cursors), cursor); /* UNKNOWN is written, too */
	cursors_written(&cursors, cursor);
	assert_null(cursors_next_dirty(&cursors));
	cursors_learn(&cursors, cursor, id(4));
	assert_ptr_equal(cursors_next_dirty(&cursors), cursor);
	cursors_deinit(&cursors);
}

static void dirty_ones_come_in_order_and_once(void **state)
{
	struct cursors cursors;
	struct cursor *held[4];
	char name[2] = "a";

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	for (uint32_t i = 0; i < 4; i++, name[0]++) {
		held[i] = hold(&cursors, name, NULL);
		cursors_learn(&cursors, held[i], id(0));
		assert_true(cursors_confirm(&cursors, held[i], id(1)));
		assert_true(cursors_confirm(&cursors, held[i], id(2)));
	}
	held[0]->state = held[3]->state = CURSOR_ASKED;
	assert_ptr_equal(cursors_next_dirty(&cursors), held[1]);
	assert_ptr_equal(cursors_next_dirty(&cursors), held[2]);
	assert_null(cursors_next_dirty(&cursors));
	cursors_learn(&cursors, held[3], id(0));
	assert_ptr_equal(cursors_next_dirty(&cursors), held[3]);
	assert_true(cursors_confirm(&cursors, held[1], id(3))); /* while it is being written */
	cursors_learn(&cursors, held[0], id(0));
	assert_ptr_equal(cursors_next_dirty(&cursors), held[0]);
	assert_ptr_equal(cursors_next_dirty(&cursors), held[1]);
	assert_null(cursors_next_dirty(&cursors));
	cursors_deinit(&cursors);
}

static void it_stays_until_it_is_written(void **state)
{
	struct cursors cursors;

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	struct cursor *cursor = hold(&cursors, "u", NULL);

	cursors_learn(&cursors, cursor, id(1));
	assert_true(cursors_confirm(&cursors, cursor, id(2)));
	cursors_release(&cursors, cursor);
	assert_ptr_equal(cursors_next_dirty(&cursors), cursor);
	assert_int_equal(cursor->holders, 1);
	cursors_unwritten(&cursors, cursor);
	assert_int_equal(cursors.count, 1);
	assert_ptr_equal(hold(&cursors, "u", NULL), cursor); /* the user is back */
	check_confirmed(cursor, 2);
	cursors_release(&cursors, cursor);
	assert_ptr_equal(cursors_next_dirty(&cursors), cursor);
	cursors_written(&cursors, cursor);
	assert_int_equal(cursors.count, 0);
	assert_null(cursors_next_dirty(&cursors));
	cursors_deinit(&cursors);
}

static void add_ms(void *owner, const struct cursor *cursor)
{
	*(uint64_t *)owner += cursor->confirmed.ms;
}

static void a_log_in_memory_keeps_all_but_the_empty(void **state)
{
	struct cursors cursors;
	uint64_t sum = 0;

	(void)state;
	assert_true(cursors_init(&cursors, key, true));
	struct cursor *cursor = hold(&cursors, "u", NULL);

	cursors_learn(&cursors, cursor, id(30)); /* from a file: nothing to write */
	assert_null(cursors_next_dirty(&cursors));
	cursors_release(&cursors, cursor);
	cursors_release(&cursors, hold(&cursors, "never", "confirmed"));
	assert_int_equal(cursors.count, 1);
	cursor = hold(&cursors, "v", NULL);
	assert_true(cursors_confirm(&cursors, cursor, id(4)));
	hold(&cursors, "w", NULL);
	cursors_each(&cursors, add_ms, &sum);
	assert_int_equal(sum, 34);
	check_confirmed(hold(&cursors, "u", NULL), 30);
	cursors_deinit(&cursors);
}

static void many_are_found(void **state)
{
	enum { COUNT = 20000 };
	struct cursors cursors;
	char name[16];

	(void)state;
	assert_true(cursors_init(&cursors, key, false));
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%u", i);
		cursors_learn(&cursors, hold(&cursors, name, NULL), id(i));
	}
	assert_int_equal(cursors.count, COUNT);
	assert_true(cursors.heads_count >= COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%u", i);
		struct cursor *cursor = hold(&cursors, name, NULL);

		check_confirmed(cursor, i);
		cursors_release(&cursors, cursor);
		cursors_release(&cursors, cursor);
	}
	assert_int_equal(cursors.count, 0);
	cursors_deinit(&cursors);
}

/* What a log in memory keeps is bounded, and what goes was mostly confirmed long ago. */
static void of_too_many_the_oldest_go(void **state)
{
	enum { COUNT = 20000, KEPT = 5000 };
	struct cursors cursors;
	struct cursor *cursor, *held;
	uint32_t young = 0;
	char name[16];

	(void)state;
	assert_true(cursors_init(&cursors, key, true));
	held = hold(&cursors, "0", NULL);
	for (uint32_t i = 1; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%u", i * 7919 % COUNT);
		cursor = hold(&cursors, name, NULL);
		cursors_learn(&cursors, cursor, id(i * 7919 % COUNT));
		cursors_release(&cursors, cursor);
	}
	assert_null(cursors_surplus(&cursors, COUNT));
	while (cursors.count > KEPT) {
		cursor = cursors_surplus(&cursors, KEPT);
		if (!cursor)
			continue; /* none was in that part of the table */
		assert_ptr_not_equal(cursor, held);
		young += cursor->confirmed.ms >= COUNT - KEPT;
		cursors_forget(&cursors, cursor);
	}
	assert_null(cursors_surplus(&cursors, KEPT));
	assert_true(young < KEPT / 10);
	cursors_deinit(&cursors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_told_apart),
		cmocka_unit_test(nobody_holds_it_and_it_goes),
		cmocka_unit_test(it_moves_only_forward),
		cmocka_unit_test(the_answer_counts_if_it_is_further_on),
		cmocka_unit_test(a_store_that_is_behind_is_written),
		cmocka_unit_test(dirty_ones_come_in_order_and_once),
		cmocka_unit_test(it_stays_until_it_is_written),
		cmocka_unit_test(a_log_in_memory_keeps_all_but_the_empty),
		cmocka_unit_test(many_are_found),
		cmocka_unit_test(of_too_many_the_oldest_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
