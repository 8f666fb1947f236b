/* tests/unit/log/log_marks_test.c - the newest values and their order, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/random.h"
#include "log/log_marks.h"

#define KEYS 300

struct expected {
	uint64_t segment; /* 0: it has none */
	uint64_t order;   /* of the write */
	uint32_t value;
};

static struct slice key_of(uint32_t number, char text[16])
{
	return slice_of(text, (size_t)snprintf(text, 16, "key-%u", number));
}

static void put(struct log_marks *marks, uint32_t number, uint32_t value, uint64_t segment)
{
	char text[16];
	struct log_mark *mark =
		log_mark_create(key_of(number, text), slice_of(&value, sizeof(value)));

	assert_non_null(mark);
	log_marks_put(marks, mark, segment);
}

static void check_all(const struct log_marks *marks, const struct expected *expected)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		char text[16];
		const struct log_mark *mark = log_marks_find(marks, key_of(i, text));

		assert_true((mark != NULL) == (expected[i].segment > 0));
		if (!mark)
			continue;
		count++;
		assert_true(mark->segment == expected[i].segment);
		assert_memory_equal(mark->value.bytes, &expected[i].value, 4);
	}
	assert_true(marks->count == count);
}

static uint32_t number_of(const struct log_mark *mark)
{
	uint64_t number;

	assert_true(slice_to_u64(slice_skip(mark->key, 4), &number) && number < KEYS);
	return (uint32_t)number;
}

static void check_order(const struct log_marks *marks, const struct expected *expected)
{
	uint64_t order = 0, count = 0;

	for (const struct log_mark *mark = marks->oldest; mark; mark = mark->newer) {
		uint32_t number = number_of(mark);

		assert_true(expected[number].order > order);
		assert_ptr_equal(mark->newer ? mark->newer->older : marks->newest, mark);
		order = expected[number].order;
		count++;
	}
	assert_true(count == marks->count);
}

static void agrees_with_an_array(void **state)
{
	static struct expected expected[KEYS];
	struct log_marks marks;
	struct random random;
	uint64_t segment = 1;

	(void)state;
	random_init(&random, 3);
	assert_true(log_marks_init(&marks));
	for (uint64_t step = 1; step < 4000; step++) {
		uint32_t number = (uint32_t)random_below(&random, KEYS);
		uint64_t what = random_below(&random, 10);

		segment += random_below(&random, 50) == 0;
		if (what < 7 || !marks.oldest) {
			put(&marks, number, (uint32_t)step, segment);
			expected[number] = (struct expected){segment, step, (uint32_t)step};
		} else if (what < 9) {
			number = number_of(marks.oldest);
			expected[number].segment = segment;
			expected[number].order = step;
			log_marks_move_oldest(&marks, segment);
		} else {
			expected[number_of(marks.oldest)] = (struct expected){0};
			log_marks_drop_oldest(&marks);
		}
		if (step % 16 == 0) {
			check_all(&marks, expected);
			check_order(&marks, expected);
		}
	}
	log_marks_deinit(&marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
