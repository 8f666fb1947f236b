/* tests/unit/shard/outbox_test.c - order, bounds, and what a failed call leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shard/outbox.h"

/* Reads it all out, at most `piece` bytes at a time, and compares. */
static void check_content(struct outbox **outbox, const char *expected, size_t piece)
{
	size_t left = strlen(expected);

	assert_int_equal(outbox_size(*outbox), left);
	while (left > 0) {
		struct slice first = outbox_first(*outbox);
		size_t size = first.size < piece ? first.size : piece;

		assert_in_range(first.size, 1, left);
		assert_memory_equal(first.bytes, expected, size);
		outbox_consume(outbox, size);
		expected += size;
		left -= size;
		assert_int_equal(outbox_size(*outbox), left);
	}
	assert_null(*outbox);
}

static void append(struct outbox **outbox, const char *text)
{
	assert_int_equal(outbox_append(outbox, slice_of_text(text), SIZE_MAX), STATUS_OK);
}

static void prepend(struct outbox **outbox, const char *text)
{
	assert_int_equal(outbox_prepend(outbox, slice_of_text(text)), STATUS_OK);
}

static void append_owned(struct outbox **outbox, const char *text)
{
	uint8_t *bytes = malloc(strlen(text));

	assert_non_null(bytes);
	memcpy(bytes, text, strlen(text));
	assert_int_equal(outbox_append_owned(outbox, bytes, strlen(text)), STATUS_OK);
}

/* a, o, p: append, append owned, prepend the next letters of the alphabet. */
static void check_order(const char *story, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(expected); piece++) {
		struct outbox *outbox = NULL;
		char letters[3] = "AA";

		for (const char *step = story; *step; step++, letters[0]++, letters[1]++)
			if (*step == 'a')
				append(&outbox, letters);
			else if (*step == 'o')
				append_owned(&outbox, letters);
			else
				prepend(&outbox, letters);
		check_content(&outbox, expected, piece);
	}
}

static void order(void **state)
{
	(void)state;
	check_order("a", "AA");
	check_order("aaa", "AABBCC");
	check_order("o", "AA");
	check_order("aoa", "AABBCC");
	check_order("ooa", "AABBCC");
	check_order("p", "AA");
	check_order("pa", "AABB");
	check_order("ap", "BBAA");
	check_order("aopa", "CCAABBDD");
	check_order("ppo", "BBAACC");
}

static void nothing_waits(void **state)
{
	struct outbox *outbox = NULL;

	(void)state;
	assert_int_equal(outbox_size(NULL), 0);
	outbox_destroy(&outbox);
	assert_null(outbox);
	append(&outbox, "abc");
	outbox_consume(&outbox, 0);
	assert_int_equal(outbox_size(outbox), 3);
	outbox_destroy(&outbox);
	assert_null(outbox);
}

/* `waiting` bytes are there, `size` come, `size_max` are allowed. */
static void check_bound(size_t waiting, size_t size, size_t size_max, bool fits)
{
	static uint8_t bytes[10000];
	struct outbox *outbox = NULL;

	if (waiting > 0)
		assert_int_equal(outbox_append(&outbox, slice_of(bytes, waiting), SIZE_MAX),
				 STATUS_OK);
	assert_int_equal(outbox_append(&outbox, slice_of(bytes, size), size_max),
			 fits ? STATUS_OK : STATUS_TOO_LARGE);
	assert_int_equal(outbox_size(outbox), waiting + (fits ? size : 0));
	assert_int_equal(outbox == NULL, outbox_size(outbox) == 0);
	outbox_destroy(&outbox);
}

static void bounds(void **state)
{
	(void)state;
	check_bound(0, 10, 10, true);
	check_bound(0, 11, 10, false);
	check_bound(5, 5, 10, true);
	check_bound(5, 6, 10, false);
	check_bound(20, 1, 10, false); /* over the bound already: a rest was put before it */
	check_bound(0, 1, 0, false);
	check_bound(3000, 7000, 10000, true);
	check_bound(3000, 7000, 9999, false);
	check_bound(1, 10000, SIZE_MAX, true);
}

/* The kernel may still read what it was given when more is added. */
static void bytes_stay_in_place(void **state)
{
	struct outbox *outbox = NULL;

	(void)state;
	append(&outbox, "abc");
	struct slice given = outbox_first(outbox);

	for (int i = 0; i < 5000; i++)
		append(&outbox, "x");
	assert_ptr_equal(outbox_first(outbox).bytes, given.bytes);
	assert_memory_equal(given.bytes, "abc", 3);
	prepend(&outbox, "before");
	assert_memory_equal(given.bytes, "abc", 3);
	outbox_consume(&outbox, 6 + 1);
	assert_ptr_equal(outbox_first(outbox).bytes, given.bytes + 1);
	outbox_consume(&outbox, 2 + 5000);
	assert_null(outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(nothing_waits),
		cmocka_unit_test(bounds),
		cmocka_unit_test(bytes_stay_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
