/* tests/unit/perf/sequence_test.c - wsbench/sequence: what counts as lost, double, reordered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "base/compiler.h"
#include "wsbench/sequence.h"

struct row {
	const char *arrivals; /* one letter per message: a is number 0 */
	uint32_t begin, end;
	uint32_t lost, doubles, late;
};

static void check_row(const struct row *row)
{
	struct sequence sequence;
	uint32_t doubles = 0, late = 0;

	sequence_begin(&sequence, row->begin);
	for (const char *letter = row->arrivals; *letter; letter++) {
		enum arrival arrival = sequence_take(&sequence, (uint32_t)(*letter - 'a'));

		doubles += arrival == ARRIVAL_DOUBLE;
		late += arrival == ARRIVAL_LATE;
	}
	assert_int_equal(sequence_lost(&sequence, row->end), row->lost);
	assert_int_equal(doubles, row->doubles);
	assert_int_equal(late, row->late);
}

static void test_rows(void **state)
{
	static const struct row rows[] = {
		{"", 0, 0, 0, 0, 0},	  {"", 0, 3, 3, 0, 0},	   {"abc", 0, 3, 0, 0, 0},
		{"ac", 0, 3, 1, 0, 0},	  {"ab", 0, 3, 1, 0, 0},   {"bc", 0, 3, 1, 0, 0},
		{"acb", 0, 3, 0, 0, 1},	  {"abb", 0, 2, 0, 1, 0},  {"aab", 0, 2, 0, 1, 0},
		{"acbb", 0, 3, 0, 1, 1},  {"cdab", 2, 4, 0, 2, 0}, {"abcd", 2, 4, 0, 0, 0},
		{"cd", 2, 4, 0, 0, 0},	  {"d", 2, 4, 1, 0, 0},	   {"az", 0, 26, 24, 0, 0},
		{"azm", 0, 26, 23, 0, 1}, {"bd", 2, 4, 1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* Against a plain list of what came, for gaps around the 64 that are remembered. */
static void check_gap(uint32_t gap)
{
	struct sequence sequence;

	sequence_begin(&sequence, 0);
	assert_int_equal(sequence_take(&sequence, 0), ARRIVAL_NEXT);
	assert_int_equal(sequence_take(&sequence, 1 + gap),
			 gap ? ARRIVAL_AFTER_GAP : ARRIVAL_NEXT);
	assert_int_equal(sequence_holes(&sequence), gap);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(sequence_take(&sequence, 2 + gap + i), ARRIVAL_NEXT);
	assert_int_equal(sequence_lost(&sequence, 202 + gap), gap);
	assert_int_equal(sequence_lost(&sequence, 207 + gap), gap + 5);
	/* too old to be told from a double */
	assert_int_equal(sequence_take(&sequence, 1), ARRIVAL_DOUBLE);
}

static void test_gaps(void **state)
{
	(void)state;
	for (uint32_t gap = 0; gap < 200; gap++)
		check_gap(gap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
