/* tests/unit/router/history_merge_test.c - what is joined is as if it had always been there, what
 * is left as if it never had. The model (tests/model/history_merge_model.c) does the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../refused_memory.h"
#include "router/history_merge.h"

#define LEFT 10  /* channels, by hash: of partition 1 */
#define RIGHT 20 /* of partition 2 */

static struct event_id at(uint64_t ms)
{
	return (struct event_id){ms, 0};
}

static struct history *make(uint64_t records_max, uint64_t retention_ms)
{
	struct history_options options = {
		.records_max = records_max,
		.retention_ms = retention_ms,
		.dedupe_ms = 1000,
	};
	struct history *history = history_create(&options);

	assert_non_null(history);
	return history;
}

static struct history *make_wide(void)
{
	return make(100000, UINT64_MAX);
}

static struct history_item message(uint32_t partition, uint64_t ms)
{
	return (struct history_item){
		.id = at(ms),
		.channel = partition * 10,
		.counts = true,
		.partition = partition,
	};
}

static void add_item(struct history *history, struct history_item item)
{
	assert_int_equal(history_add(history, &item), HISTORY_ADDED);
}

static void add(struct history *history, uint32_t partition, uint64_t ms)
{
	add_item(history, message(partition, ms));
}

/* With partitions 1 and 2, 1 alone, or neither. */
static struct partition_set set_of(uint32_t count)
{
	struct partition_set set = {{0}};

	for (uint32_t i = 1; i <= count; i++)
		partition_set_add(&set, i);
	return set;
}

/* The indexes are gone after it. */
static struct history *merge(struct history *one, struct history *other, uint32_t partitions)
{
	struct partition_set kept = set_of(partitions);
	struct history *merged = history_merge(one, other, &kept);

	assert_non_null(merged);
	history_destroy(one);
	history_destroy(other);
	return merged;
}

static void check_record(const struct history *history, uint64_t number, uint64_t ms,
			 uint32_t partition)
{
	assert_true(event_id_equal(history_id(history, number), at(ms)));
	assert_int_equal(history_partition(history, number), partition);
}

static void check_unread(const struct history *history, uint32_t left, uint32_t right)
{
	assert_int_equal(history_unread(history, LEFT, 0), left);
	assert_int_equal(history_unread(history, RIGHT, 0), right);
}

static void ids_give_the_order(void **state)
{
	static const struct {
		uint64_t ms;
		uint32_t partition, previous;
	} expected[] = {{1, 1, 0}, {2, 2, 0}, {3, 1, 1}, {3, 2, 2},
			{5, 1, 3}, {6, 2, 4}, {7, 2, 6}};
	struct history *one = make_wide(), *other = make_wide();

	(void)state;
	add(one, 2, 2);
	add(one, 2, 3);
	add(one, 2, 6);
	add(one, 2, 7);
	add(other, 1, 1);
	add(other, 1, 3);
	add(other, 1, 5);
	struct history *merged = merge(one, other, 2);

	assert_int_equal(history_count(merged), ARRAY_SIZE(expected));
	for (uint32_t i = 0; i < ARRAY_SIZE(expected); i++) {
		check_record(merged, i + 1, expected[i].ms, expected[i].partition);
		assert_int_equal(history_previous(merged, i + 1), expected[i].previous);
	}
	assert_int_equal(history_newest(merged, LEFT), 5);
	assert_int_equal(history_newest(merged, RIGHT), 7);
	assert_true(history_has_of(merged, at(3), 1) && history_has_of(merged, at(3), 2));
	assert_false(history_has_of(merged, at(5), 2) || history_has_of(merged, at(6), 1));
	assert_false(history_has_of(merged, at(4), 1) || history_has_of(merged, at(9), 2));
	assert_int_equal(history_find_event(merged, LEFT, at(3)), 3);
	assert_int_equal(history_find_event(merged, RIGHT, at(3)), 4);
	check_unread(merged, 3, 4);
	history_destroy(merged);
}

static void what_is_left_is_gone(void **state)
{
	struct history *one = make_wide();

	(void)state;
	for (uint64_t ms = 1; ms <= 10; ms++)
		add(one, 1 + ms % 2, ms);
	history_set_base(one, RIGHT, 3);
	history_raise_floor(one, at(1));
	one = merge(one, NULL, 1);
	assert_int_equal(history_count(one), 5);
	check_record(one, 1, 2, 1);
	check_record(one, 5, 10, 1);
	assert_int_equal(history_newest(one, RIGHT), 0);
	assert_false(history_has_base(one, RIGHT));
	check_unread(one, 5, 0);
	assert_true(event_id_equal(history_floor(one), at(1)));
	one = merge(one, NULL, 0);
	assert_int_equal(history_count(one), 0);
	check_unread(one, 0, 0);
	add(one, 1, 10);
	check_unread(one, 1, 0);
	one = merge(make_wide(), one, 2);
	check_unread(one, 1, 0);
	history_destroy(one);
}

static void bounds_and_the_floor_hold(void **state)
{
	struct history *one = make(6, 100), *other = make(1000, UINT64_MAX);

	(void)state;
	add(one, 1, 50);
	add(one, 1, 150);
	history_raise_floor(other, at(7));
	for (uint64_t ms = 40; ms <= 49; ms++)
		add(other, 2, ms);
	one = merge(one, other, 2);
	assert_int_equal(history_count(one), 2); /* by age */
	assert_true(event_id_equal(history_floor(one), at(49)));
	check_unread(one, 2, 0);
	other = make_wide();
	for (uint64_t ms = 100; ms <= 110; ms++)
		add(other, 2, ms);
	one = merge(one, other, 2);
	assert_int_equal(history_count(one), 6); /* by count */
	assert_true(event_id_equal(history_floor(one), at(105)));
	check_unread(one, 1, 5);
	other = make_wide();
	history_raise_floor(other, at(120));
	one = merge(one, other, 2);
	assert_int_equal(history_count(one), 6);
	assert_true(event_id_equal(history_floor(one), at(120)));
	history_destroy(one);
}

static void marks_and_expiries_stay(void **state)
{
	struct history *one = make_wide(), *other = make_wide();
	struct history_item item;

	(void)state;
	for (uint64_t ms = 1; ms <= 6; ms++) {
		item = message(1, 2 * ms);
		item.expires_ms = ms % 2 ? 100 + ms : 0;
		add_item(one, item);
		item = message(2, 2 * ms - 1);
		item.expires_ms = ms % 2 ? 0 : 200 + ms;
		add_item(other, item);
	}
	assert_true(history_set_mark(one, 1, HISTORY_READ));
	assert_true(history_set_mark(one, 2, HISTORY_DELETED));
	assert_int_equal(history_read_all(other, RIGHT, at(3)), 2);
	one = merge(one, other, 2);
	check_unread(one, 4, 4);
	assert_false(history_set_mark(one, 2, HISTORY_READ));
	assert_false(history_is_current(one, 4, 0));
	assert_false(history_set_mark(one, 3, HISTORY_READ)); /* of what was read all at once */
	assert_true(history_set_mark(one, 5, HISTORY_READ));
	check_unread(one, 4, 3);
	for (uint64_t number = 5; number <= 12; number++) {
		uint64_t ms = (number + 1) / 2, expires_ms = 200 + ms;

		if (number % 2 == 0)
			expires_ms = ms % 2 ? 100 + ms : UINT64_MAX;
		else if (ms % 2)
			expires_ms = UINT64_MAX;
		assert_true(history_is_current(one, number, expires_ms - 1));
		assert_true(expires_ms == UINT64_MAX ||
			    !history_is_current(one, number, expires_ms));
	}
	assert_int_equal(history_unread(one, LEFT, 1000), 2);  /* 8 and 12 */
	assert_int_equal(history_unread(one, RIGHT, 1000), 1); /* 9 */
	history_destroy(one);
}

/* What was there does not count; what is read up to the base takes it, and no more. */
static void a_base_stays_where_it_was_set(void **state)
{
	struct history *one = make_wide(), *other = make_wide();

	(void)state;
	add(one, 1, 10);
	add(one, 1, 20);
	history_set_base(one, LEFT, 7);
	for (uint64_t ms = 5; ms <= 45; ms += 10)
		add(other, 2, ms);
	add(one, 1, 40);
	one = merge(one, other, 2);
	check_unread(one, 8, 5);
	assert_int_equal(history_read_all(one, LEFT, at(15)), 0);
	assert_true(history_set_mark(one, history_find_event(one, LEFT, at(20)), HISTORY_READ));
	check_unread(one, 7, 5);
	assert_int_equal(history_read_all(one, LEFT, at(25)), 6); /* an id of another partition */
	check_unread(one, 1, 5);
	assert_int_equal(history_read_all(one, LEFT, at(45)), 1);
	history_destroy(one);
}

static void a_base_without_records_stays(void **state)
{
	struct history *one = make_wide();

	(void)state;
	add(one, 1, 1);
	history_set_base(one, LEFT, 3);
	add(one, 2, 2);
	history_set_base(one, RIGHT, 4);
	history_trim_before(one, at(3));
	assert_int_equal(history_count(one), 0);
	one = merge(one, NULL, 2);
	check_unread(one, 3, 4);
	one = merge(one, NULL, 1);
	check_unread(one, 3, 0);
	assert_int_equal(history_read_all(one, LEFT, at(3)), 3);
	one = merge(one, NULL, 0);
	check_unread(one, 0, 0);
	history_destroy(one);
}

/* It never had a record, so nobody knows which partition it is of: it stays until one does. */
static void a_base_alone_stays(void **state)
{
	struct history *one = make_wide(), *other = make_wide();

	(void)state;
	history_set_base(one, LEFT, 5);
	history_set_base(one, RIGHT, 6);
	one = merge(one, NULL, 0);
	check_unread(one, 5, 6);
	history_set_base(other, RIGHT, 7);
	one = merge(one, other, 1); /* what was read later is newer */
	check_unread(one, 5, 7);
	other = make_wide();
	add(other, 2, 8);
	one = merge(one, other, 2); /* what has records knows better */
	check_unread(one, 5, 1);
	other = make_wide();
	history_set_base(other, RIGHT, 9);
	one = merge(one, other, 2);
	check_unread(one, 5, 1);
	assert_int_equal(history_newest(one, RIGHT), 1);
	assert_int_equal(history_read_all(one, RIGHT, at(8)), 1);
	assert_int_equal(history_read_all(one, LEFT, at(8)), 5);
	history_destroy(one);
}

static void ids_are_known_and_keys_supersede(void **state)
{
	struct history *one = make_wide(), *other = make_wide();
	struct history_item left = message(1, 10), right = message(2, 10);

	(void)state;
	left.id_hash = left.key_hash = 7;
	right.id_hash = right.key_hash = 8;
	add_item(one, left);
	add_item(other, right);
	right.id = at(2000);
	add_item(other, right);
	one = merge(one, other, 2);
	check_unread(one, 1, 1);
	assert_int_equal(history_find(one, LEFT, 7), 1);
	assert_int_equal(history_find(one, RIGHT, 8), 3);
	assert_false(history_is_current(one, 2, 0));
	assert_true(history_is_duplicate(one, 7, at(900)));
	left.id = at(2001);
	add_item(one, left);
	right.id = at(2002);
	assert_int_equal(history_add(one, &right), HISTORY_DUPLICATE);
	right.id_hash = 9;
	add_item(one, right);
	assert_false(history_is_current(one, 1, 0));
	assert_false(history_is_current(one, 3, 0));
	check_unread(one, 1, 1);
	one = merge(one, NULL, 1);
	assert_int_equal(history_find(one, LEFT, 7), 2);
	assert_false(history_is_duplicate(one, 9, at(2003)));
	assert_false(history_is_duplicate(one, 8, at(2003)));
	history_trim_before(one, at(3000));
	assert_int_equal(history_count(one), 0);
	assert_int_equal(history_find(one, LEFT, 7), 0);
	history_destroy(one);
}

/* An id of a channel without history, or in the wrong stream, is of the stream it came from. */
static void an_id_alone_belongs_to_its_stream(void **state)
{
	struct history *one = make_wide(), *other = make_wide();
	struct history_item item = message(2, 5);

	(void)state;
	add(one, 1, 1);
	add(one, 1, 2);
	item.id_only = true;
	item.counts = false;
	item.channel = LEFT;
	item.id_hash = 7;
	add_item(one, item);
	item.partition = 1;
	item.id_hash = 8;
	add_item(other, item);
	one = merge(one, other, 2);
	check_record(one, 3, 5, 1);
	check_record(one, 4, 5, 2);
	assert_int_equal(history_previous(one, 3), 0);
	assert_int_equal(history_previous(one, 4), 0);
	assert_true(history_is_duplicate(one, 7, at(6)));
	assert_true(history_is_duplicate(one, 8, at(6)));
	one = merge(one, NULL, 1);
	assert_int_equal(history_count(one), 3);
	assert_false(history_is_duplicate(one, 7, at(6)));
	assert_true(history_is_duplicate(one, 8, at(6)));
	history_destroy(one);
}

/* ---- out of memory ---- */

static void fill(struct history *history, uint32_t partition)
{
	for (uint64_t ms = 1; ms <= 3000; ms++) {
		struct history_item item = message(partition, ms);

		item.channel = ms << 8 | partition;
		item.id_hash = item.channel + 1;
		item.key_hash = item.channel + 2;
		item.expires_ms = 5;
		add_item(history, item);
	}
}

/* Each allocation fails once, until none does. */
static void out_of_memory_nothing_has_changed(void **state)
{
	struct history *one = make_wide(), *other = make_wide(), *merged = NULL;
	struct partition_set kept = set_of(2);
	uint32_t failures = 0;

	(void)state;
	fill(one, 1);
	fill(other, 2);
	while (!merged) {
		int64_t before = refused_held;

		refused_after = failures;
		merged = history_merge(one, other, &kept);
		refused_after = UINT32_MAX;
		assert_true(merged || refused_held == before);
		failures += merged == NULL;
	}
	assert_true(failures > 20);
	assert_int_equal(history_count(merged), 6000);
	assert_int_equal(history_count(one), 3000);
	history_destroy(merged);
	for (merged = NULL, failures = 0; !merged; failures++) {
		refused_after = failures;
		merged = history_merge(one, NULL, &kept);
		refused_after = UINT32_MAX;
	}
	history_destroy(merged);
	history_destroy(one);
	history_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_give_the_order),
		cmocka_unit_test(what_is_left_is_gone),
		cmocka_unit_test(bounds_and_the_floor_hold),
		cmocka_unit_test(marks_and_expiries_stay),
		cmocka_unit_test(a_base_stays_where_it_was_set),
		cmocka_unit_test(a_base_without_records_stays),
		cmocka_unit_test(a_base_alone_stays),
		cmocka_unit_test(ids_are_known_and_keys_supersede),
		cmocka_unit_test(an_id_alone_belongs_to_its_stream),
		cmocka_unit_test(out_of_memory_nothing_has_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
