/* tests/unit/router/history_test.c - what is kept, what is the same, what is unread. The model
 * (tests/model/history_model.c) does the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/history.h"

#define INBOX 10 /* channels, by hash */
#define OTHER 20

static struct event_id at(uint64_t ms)
{
	return (struct event_id){ms, 0};
}

static struct history *make(uint64_t records_max, uint64_t retention_ms, uint64_t dedupe_ms)
{
	struct history_options options = {
		.records_max = records_max,
		.retention_ms = retention_ms,
		.dedupe_ms = dedupe_ms,
	};
	struct history *history = history_create(&options);

	assert_non_null(history);
	return history;
}

static struct history *make_wide(void)
{
	return make(1000, UINT64_MAX, 1000);
}

static void add_item(struct history *history, struct history_item item,
		     enum history_verdict expected)
{
	assert_int_equal(history_add(history, &item), expected);
}

/* A message in the inbox at `ms`. Returns its number. */
static uint64_t add(struct history *history, uint64_t ms)
{
	struct history_item item = {.id = at(ms), .channel = INBOX, .counts = true};

	add_item(history, item, HISTORY_ADDED);
	return history_end(history) - 1;
}

static void check_unread(const struct history *history, uint32_t expected)
{
	assert_int_equal(history_unread(history, INBOX, 0), expected);
}

static void check_floor(const struct history *history, uint64_t ms)
{
	assert_true(event_id_equal(history_floor(history), at(ms)));
}

static void nothing_is_there_at_first(void **state)
{
	struct history *history = make_wide();

	(void)state;
	assert_int_equal(history_first(history), 1);
	assert_int_equal(history_end(history), 1);
	assert_int_equal(history_newest(history, INBOX), 0);
	assert_int_equal(history_after(history, at(5)), 1);
	assert_false(history_has(history, at(0)));
	assert_int_equal(history_find(history, INBOX, 1), 0);
	assert_int_equal(history_find_event(history, INBOX, at(0)), 0);
	assert_int_equal(history_read_all(history, INBOX, at(9)), 0);
	history_set_base(history, INBOX, 0);
	check_unread(history, 0);
	check_floor(history, 0);
	history_destroy(history);
	history_destroy(NULL);
}

static void count_and_age_bound_the_window(void **state)
{
	struct history *history = make(3, 100, 0);

	(void)state;
	for (uint64_t ms = 10; ms <= 50; ms += 10)
		add(history, ms);
	assert_int_equal(history_first(history), 3);
	assert_int_equal(history_count(history), 3);
	check_floor(history, 20);
	add(history, 130);
	check_floor(history, 30);
	add(history, 151);
	assert_int_equal(history_count(history), 2);
	check_floor(history, 50);
	check_unread(history, 2);
	history_trim_before(history, at(151));
	assert_int_equal(history_count(history), 1);
	check_floor(history, 151);
	history_trim_before(history, at(7));
	check_floor(history, 151);
	history_raise_floor(history, at(200));
	check_floor(history, 200);
	assert_int_equal(history_count(history), 1);
	history_destroy(history);
}

static void an_id_counts_once_for_a_while(void **state)
{
	static const struct {
		uint64_t dedupe_ms, later_ms;
		enum history_verdict verdict;
	} rows[] = {
		{0, 0, HISTORY_ADDED},        {0, 1, HISTORY_ADDED},
		{1000, 1, HISTORY_DUPLICATE}, {1000, 999, HISTORY_DUPLICATE},
		{1000, 1000, HISTORY_ADDED},  {UINT64_MAX, 1u << 31, HISTORY_DUPLICATE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct history *history = make(100, UINT64_MAX, rows[i].dedupe_ms);
		struct history_item item = {.id = at(50), .channel = INBOX, .id_hash = 7};
		bool same = rows[i].verdict == HISTORY_DUPLICATE;

		assert_false(history_is_duplicate(history, 7, item.id));
		add_item(history, item, HISTORY_ADDED);
		item.id = (struct event_id){50 + rows[i].later_ms, 1};
		assert_true(history_is_duplicate(history, 7, item.id) == same);
		assert_false(history_is_duplicate(history, 8, item.id));
		assert_false(history_is_duplicate(history, 0, item.id));
		add_item(history, item, rows[i].verdict);
		assert_int_equal(history_find(history, INBOX, 7), same ? 1 : 2);
		assert_int_equal(history_find(history, OTHER, 7), 0);
		history_destroy(history);
	}
}

/* A channel that keeps no history: its ids are remembered, its messages are not. */
static void ids_are_remembered_alone(void **state)
{
	struct history *history = make(2, UINT64_MAX, 1000);
	struct history_item item = {.id = at(5), .channel = INBOX, .id_only = true};

	(void)state;
	add_item(history, item, HISTORY_ADDED);
	assert_int_equal(history_count(history), 0);
	item.id_hash = 7;
	add_item(history, item, HISTORY_ADDED);
	item.id = at(6);
	add_item(history, item, HISTORY_DUPLICATE);
	assert_int_equal(history_newest(history, INBOX), 0);
	assert_int_equal(history_find(history, INBOX, 7), 0);
	assert_false(history_is_current(history, 1, 0));
	check_unread(history, 0);
	add(history, 7);
	add(history, 8); /* the first one goes, and so does what it remembered */
	item.id = at(9);
	add_item(history, item, HISTORY_ADDED);
	history_destroy(history);
}

static void an_entry_has_a_record_for_each_channel(void **state)
{
	struct history *history = make_wide();
	struct history_item item = {.id = at(5), .channel = INBOX};

	(void)state;
	add(history, 4);
	add_item(history, item, HISTORY_ADDED);
	add_item(history, item, HISTORY_DUPLICATE); /* it names the channel twice */
	item.channel = OTHER;
	add_item(history, item, HISTORY_ADDED);
	assert_int_equal(history_newest(history, INBOX), 2);
	assert_int_equal(history_newest(history, OTHER), 3);
	assert_int_equal(history_previous(history, 2), 1);
	assert_int_equal(history_previous(history, 3), 0);
	assert_int_equal(history_find_event(history, INBOX, at(5)), 2);
	assert_int_equal(history_find_event(history, OTHER, at(5)), 3);
	assert_int_equal(history_find_event(history, OTHER, at(4)), 0);
	assert_int_equal(history_after(history, at(4)), 2);
	assert_int_equal(history_after(history, at(5)), 4);
	assert_true(history_has(history, at(5)));
	assert_false(history_has(history, at(6)));
	history_destroy(history);
}

static void the_newest_of_a_key_is_current(void **state)
{
	struct history *history = make_wide();
	struct history_item item = {.id = at(1), .channel = INBOX, .key_hash = 9, .counts = true};

	(void)state;
	add_item(history, item, HISTORY_ADDED);
	item.id = at(2);
	add_item(history, item, HISTORY_ADDED);
	assert_false(history_is_current(history, 1, 0));
	assert_true(history_is_current(history, 2, 0));
	check_unread(history, 1);
	assert_true(history_set_mark(history, 1, HISTORY_READ));
	check_unread(history, 1);
	history_destroy(history);
}

static void what_expires_is_current_before(void **state)
{
	struct history *history = make(3, UINT64_MAX, 0);

	(void)state;
	for (uint64_t ms = 1; ms < 200; ms++) {
		struct history_item item = {.id = at(ms), .channel = INBOX};

		item.expires_ms = ms % 3 ? ms + 100 : 0;
		add_item(history, item, HISTORY_ADDED);
		assert_true(history_is_current(history, ms, ms + 99));
		assert_true(history_is_current(history, ms, ms + 100) == (ms % 3 == 0));
		assert_true(history_is_current(history, ms, UINT64_MAX) == (ms % 3 == 0));
	}
	history_destroy(history);
}

static void marks_count_once(void **state)
{
	struct history *history = make_wide();

	(void)state;
	for (uint64_t ms = 1; ms <= 4; ms++)
		add(history, ms);
	assert_true(history_set_mark(history, 1, HISTORY_READ));
	assert_false(history_set_mark(history, 1, HISTORY_READ));
	check_unread(history, 3);
	assert_true(history_set_mark(history, 1, HISTORY_DELETED));
	assert_true(history_set_mark(history, 2, HISTORY_DELETED));
	assert_false(history_set_mark(history, 2, HISTORY_DELETED));
	check_unread(history, 2);
	assert_false(history_is_current(history, 2, 0));
	assert_true(history_is_current(history, 3, 0));
	assert_int_equal(history_read_all(history, INBOX, at(3)), 1);
	assert_int_equal(history_read_all(history, INBOX, at(3)), 0);
	assert_false(history_set_mark(history, 3, HISTORY_READ));
	check_unread(history, 1);
	assert_int_equal(history_read_all(history, INBOX, at(1)), 0);
	assert_int_equal(history_read_all(history, INBOX, at(9)), 1);
	check_unread(history, 0);
	history_destroy(history);
}

static void a_base_takes_the_place_of_what_was_there(void **state)
{
	struct history *history = make_wide();

	(void)state;
	add(history, 1);
	add(history, 2);
	assert_false(history_has_base(history, INBOX));
	history_set_base(history, INBOX, 7);
	assert_true(history_has_base(history, INBOX));
	check_unread(history, 7);
	add(history, 3);
	check_unread(history, 8);
	assert_true(history_set_mark(history, 1, HISTORY_READ)); /* one of the seven */
	check_unread(history, 7);
	assert_int_equal(history_read_all(history, INBOX, at(1)), 0);
	check_unread(history, 7);
	assert_int_equal(history_read_all(history, INBOX, at(2)), 6);
	check_unread(history, 1);
	history_set_base(history, INBOX, 0);
	check_unread(history, 0);
	history_set_base(history, INBOX, UINT32_MAX);
	check_unread(history, 1u << 31);
	add(history, 4);
	assert_int_equal(history_read_all(history, INBOX, at(4)), (1u << 31) + 1);
	history_destroy(history);
}

static void a_base_outlives_the_window(void **state)
{
	struct history *history = make(2, UINT64_MAX, 0);

	(void)state;
	history_set_base(history, INBOX, 3);
	add(history, 1);
	check_unread(history, 4);
	history_trim_before(history, at(5));
	assert_int_equal(history_count(history), 0);
	check_unread(history, 3);
	assert_int_equal(history_read_all(history, INBOX, at(5)), 3);
	check_unread(history, 0);
	history_destroy(history);
}

/* With ids, keys and expiries, in channels that come and go. */
static void a_moving_window_needs_no_more(void **state)
{
	struct history *history = make(20000, UINT64_MAX, 1000);
	size_t size = 0;

	(void)state;
	for (uint64_t ms = 1; ms <= 400000; ms++) {
		struct history_item item = {
			.id = at(ms),
			.channel = ms / 3,
			.id_hash = ms << 8 | 1,
			.key_hash = (ms + 1) << 9,
			.expires_ms = ms + 50,
			.counts = true,
		};

		add_item(history, item, HISTORY_ADDED);
		if (ms == 100000)
			size = history_size(history);
	}
	assert_true(history_size(history) <= size);
	assert_int_equal(history_unread(history, 400000 / 3, 0), 2);
	assert_int_equal(history_unread(history, 400000 / 3, 400000 + 49), 1);
	assert_int_equal(history_unread(history, 400000 / 3, 400000 + 50), 0);
	assert_int_equal(history_unread(history, 1, 0), 0);
	history_destroy(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_there_at_first),
		cmocka_unit_test(count_and_age_bound_the_window),
		cmocka_unit_test(an_id_counts_once_for_a_while),
		cmocka_unit_test(ids_are_remembered_alone),
		cmocka_unit_test(an_entry_has_a_record_for_each_channel),
		cmocka_unit_test(the_newest_of_a_key_is_current),
		cmocka_unit_test(what_expires_is_current_before),
		cmocka_unit_test(marks_count_once),
		cmocka_unit_test(a_base_takes_the_place_of_what_was_there),
		cmocka_unit_test(a_base_outlives_the_window),
		cmocka_unit_test(a_moving_window_needs_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
