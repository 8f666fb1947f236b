/* tests/unit/log/redis_merge_test.c - one order, and where it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "log/redis_merge.h"

#define ENTRIES_MAX 8

/* id and partition of an entry; the stream's own order, one stream after the other */
struct row {
	uint64_t ms, sequence;
	uint32_t partition;
};

struct rows {
	struct row rows[ENTRIES_MAX];
	uint32_t count;
};

static void add_all(struct redis_merge *merge, const struct rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		struct event_id id = {rows->rows[i].ms, rows->rows[i].sequence};

		assert_true(redis_merge_add(merge, id, rows->rows[i].partition));
		assert_true(redis_merge_add_part(merge, SLICE("to")));
		assert_true(redis_merge_add_part(merge, SLICE("")));
	}
}

/* The first entries that may be told are exactly these. */
static void check_told(const struct rows *given, struct redis_merge_rule rule,
		       const struct rows *expected)
{
	struct redis_merge merge = {0};

	add_all(&merge, given);
	assert_int_equal(redis_merge_sort(&merge, &rule), expected->count);
	for (uint32_t i = 0; i < expected->count; i++) {
		assert_int_equal(merge.entries[i].id.ms, expected->rows[i].ms);
		assert_int_equal(merge.entries[i].id.sequence, expected->rows[i].sequence);
		assert_int_equal(merge.entries[i].partition, expected->rows[i].partition);
	}
	redis_merge_deinit(&merge);
}

static void entries_are_told_in_one_order(void **state)
{
	const struct redis_merge_rule all = {10, 10, UINT64_MAX, {0, 0}};
	static const struct {
		struct rows given, expected;
	} rows[] = {
		{{.count = 0}, {.count = 0}},
		{{{{5, 0, 1}}, 1}, {{{5, 0, 1}}, 1}},
		{{{{5, 0, 0}, {7, 0, 0}, {6, 0, 1}}, 3}, {{{5, 0, 0}, {6, 0, 1}, {7, 0, 0}}, 3}},
		{{{{5, 1, 0}, {5, 0, 1}, {5, 2, 1}}, 3}, {{{5, 0, 1}, {5, 1, 0}, {5, 2, 1}}, 3}},
		/* equal ids: by partition */
		{{{{5, 0, 0}, {5, 0, 2}, {4, 9, 3}, {5, 0, 3}}, 4},
		 {{{4, 9, 3}, {5, 0, 0}, {5, 0, 2}, {5, 0, 3}}, 4}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_told(&rows[i].given, all, &rows[i].expected);
}

static void what_may_be_preceded_is_held_back(void **state)
{
	static const struct {
		struct rows given;
		struct redis_merge_rule rule;
		struct rows expected;
	} rows[] = {
		/* the millisecond of Redis */
		{{{{5, 0, 0}, {7, 0, 0}, {6, 0, 1}}, 3}, {10, 10, 6, {0, 0}}, {{{5, 0, 0}}, 1}},
		{{{{5, 0, 0}, {7, 0, 0}, {6, 0, 1}}, 3}, {10, 10, 5, {0, 0}}, {.count = 0}},
		/* stream 0 has more than two: what is after 5-1 it may have, too */
		{{{{5, 0, 0}, {5, 1, 0}, {6, 0, 1}}, 3},
		 {2, 10, UINT64_MAX, {0, 0}},
		 {{{5, 0, 0}, {5, 1, 0}}, 2}},
		/* both may: the one that ends first counts; its equal is whole */
		{{{{5, 0, 0}, {9, 0, 0}, {5, 0, 1}, {6, 0, 1}, {6, 0, 2}}, 5},
		 {2, 10, UINT64_MAX, {0, 0}},
		 {{{5, 0, 0}, {5, 0, 1}, {6, 0, 1}, {6, 0, 2}}, 4}},
		/* the limit: what is after it may wait, what is it may not */
		{{{{5, 0, 0}, {7, 0, 0}, {6, 0, 1}}, 3},
		 {10, 10, UINT64_MAX, {6, 0}},
		 {{{5, 0, 0}, {6, 0, 1}}, 2}},
		{{{{5, 0, 0}, {7, 0, 0}}, 2}, {10, 10, UINT64_MAX, {4, 9}}, {.count = 0}},
		/* room */
		{{{{5, 0, 0}, {6, 0, 0}, {5, 5, 1}}, 3},
		 {10, 2, UINT64_MAX, {0, 0}},
		 {{{5, 0, 0}, {5, 5, 1}}, 2}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_told(&rows[i].given, rows[i].rule, &rows[i].expected);
}

static void check_field(struct entry_field field, struct slice name, struct slice value)
{
	assert_true(slice_equal(field.name, name));
	assert_true(slice_equal(field.value, value));
}

static void fields_stay_with_their_entry(void **state)
{
	const struct redis_merge_rule all = {10, 10, UINT64_MAX, {0, 0}};
	struct entry_field *fields = calloc(ENTRY_FIELDS_MAX, sizeof(*fields));
	struct redis_merge merge = {0};

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		assert_true(redis_merge_add(&merge, (struct event_id){7, 0}, 0));
		assert_true(redis_merge_add_part(&merge, SLICE("data")));
		assert_true(redis_merge_add_part(&merge, SLICE("later")));
		assert_true(redis_merge_add_part(&merge, SLICE("odd")));
		assert_true(redis_merge_add(&merge, (struct event_id){6, 0}, 1));
		assert_true(redis_merge_add_part(&merge, SLICE("")));
		assert_true(redis_merge_add_part(&merge, SLICE("earlier")));
		assert_int_equal(redis_merge_sort(&merge, &all), 2);
		assert_int_equal(redis_merge_fields(&merge, 0, fields), 1);
		check_field(fields[0], SLICE(""), SLICE("earlier"));
		assert_int_equal(redis_merge_fields(&merge, 1, fields), 1);
		check_field(fields[0], SLICE("data"), SLICE("later"));
		redis_merge_clear(&merge);
	}
	redis_merge_deinit(&merge);
	free(fields);
}

static void too_many_fields_are_counted_and_not_kept(void **state)
{
	const struct redis_merge_rule all = {10, 10, UINT64_MAX, {0, 0}};
	struct entry_field *fields = calloc(ENTRY_FIELDS_MAX, sizeof(*fields));
	struct redis_merge merge = {0};

	(void)state;
	assert_true(redis_merge_add(&merge, (struct event_id){1, 0}, 0));
	for (uint32_t i = 0; i < 2 * ENTRY_FIELDS_MAX + 10; i++)
		assert_true(redis_merge_add_part(&merge, SLICE("x")));
	assert_int_equal(merge.ends_count, 2 * ENTRY_FIELDS_MAX);
	assert_int_equal(redis_merge_sort(&merge, &all), 1);
	assert_int_equal(redis_merge_fields(&merge, 0, fields), ENTRY_FIELDS_MAX + 1);
	redis_merge_deinit(&merge);
	free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_told_in_one_order),
		cmocka_unit_test(what_may_be_preceded_is_held_back),
		cmocka_unit_test(fields_stay_with_their_entry),
		cmocka_unit_test(too_many_fields_are_counted_and_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
