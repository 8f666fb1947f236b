/* tests/unit/perf/stamp_test.c - wsbench/stamp: written, found again, and not found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "wsbench/stamp.h"

static void check_round_trip(const struct stamp *stamp, size_t size)
{
	static uint8_t bytes[STAMP_SIZE_MAX + STAMP_SIZE_MIN];
	struct stamp found = {0};
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	stamp_write(&writer, stamp, size);
	assert_false(writer.overflow);
	assert_int_equal(writer.size, size);
	assert_true(stamp_find(writer_written(&writer), SLICE(STAMP_MARKER), &found));
	assert_int_equal(found.number, stamp->number);
	assert_int_equal(found.user, stamp->user);
	assert_true(found.published_ns == stamp->published_ns);
}

static void test_round_trips(void **state)
{
	static const struct stamp stamps[] = {
		{0, 0, STAMP_NO_USER},
		{123456789012345, 17, 42},
		{1ull << 62, UINT32_MAX - 1, UINT32_MAX - 1},
	};
	static const size_t sizes[] = {STAMP_SIZE_MIN + 8, 128, 129, 1024, STAMP_SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			check_round_trip(&stamps[i], sizes[j]);
}

struct row {
	const char *text, *marker;
	bool is_found;
	struct stamp stamp;
};

static void check_row(const struct row *row)
{
	struct stamp found = {7, 7, 7};

	assert_int_equal(
		stamp_find(slice_of_text(row->text), slice_of_text(row->marker), &found),
		row->is_found);
	const struct stamp *expected =
		row->is_found ? &row->stamp : &(const struct stamp){7, 7, 7};
	assert_memory_equal(&found, expected, sizeof(found));
}

static void test_rows(void **state)
{
	static const struct row rows[] = {
		{"{\"data\":{\"n\":5,\"t\":99,\"p\":\"xx\"}}", STAMP_MARKER, true,
		 {99, 5, STAMP_NO_USER}},
		{"{\"n\":5,\"t\":99,\"u\":3,\"p\":\"x1x\"}", STAMP_MARKER, true, {99, 5, 3}},
		{"\"{\\\"n\\\":5,\\\"t\\\":99,\\\"u\\\":3,\\\"p\\\":\\\"x\\\"}\"",
		 "{\\\"n\\\":", true, {99, 5, 3}},
		{"{\"type\":\"ping\"}", STAMP_MARKER, false, {0, 0, 0}},
		{"{\"n\":", STAMP_MARKER, false, {0, 0, 0}},
		{"{\"n\":x", STAMP_MARKER, false, {0, 0, 0}},
		{"{\"n\":5}", STAMP_MARKER, false, {0, 0, 0}},
		{"{\"n\":5,\"z\":9}", STAMP_MARKER, false, {0, 0, 0}},
		{"{\"n\":99999999999,\"t\":9}", STAMP_MARKER, false, {0, 0, 0}},
		{"", STAMP_MARKER, false, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
