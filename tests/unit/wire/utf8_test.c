/* tests/unit/wire/utf8_test.c - UTF-8 fed whole, byte by byte and split at every point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/utf8.h"

struct row {
	const char *text;
	size_t size;
	int good; /* bytes before the first impossible one, -1: all are good */
	bool complete;
};

#define VALID(text) {text, sizeof(text) - 1, -1, true}
#define OPEN(text) {text, sizeof(text) - 1, -1, false}
#define BAD(text, good) {text, sizeof(text) - 1, good, false}

static const struct row rows[] = {
	VALID(""),
	VALID("hello"),
	VALID("\0\x7F"),
	VALID("seventeen letters and more than two words"),
	VALID("\xC2\x80 \xDF\xBF"),
	VALID("\xE0\xA0\x80 \xE1\x80\x80 \xEC\xBF\xBF \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"),
	VALID("\xF0\x90\x80\x80 \xF1\x80\x80\x80 \xF3\xBF\xBF\xBF \xF4\x8F\xBF\xBF"),
	VALID("\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5"),
	VALID("1234567\xE2\x82\xAC" "12345678\xF0\x9F\x98\x80" "123456789abcdefg\xC3\xA9"),
	OPEN("\xC2"),
	OPEN("a\xE2"),
	OPEN("\xE2\x82"),
	OPEN("\xF0\x9F\x98"),
	OPEN("12345678\xF4"),
	BAD("\x80", 0),
	BAD("a\xBF", 1),
	BAD("\xC0\x80", 0), /* overlong */
	BAD("\xC1\xBF", 0),
	BAD("\xE0\x9F\xBF", 1),
	BAD("\xE0\x80\x80", 1),
	BAD("\xF0\x8F\xBF\xBF", 1),
	BAD("\xF0\x80\x80\x80", 1),
	BAD("\xED\xA0\x80", 1), /* surrogates */
	BAD("\xED\xBF\xBF", 1),
	BAD("\xF4\x90\x80\x80", 1), /* over U+10FFFF */
	BAD("\xF5\x80\x80\x80", 0),
	BAD("\xF8\x88\x80\x80\x80", 0),
	BAD("\xFE", 0),
	BAD("\xFF", 0),
	BAD("\xC2" "a", 1),
	BAD("\xC2\xC2", 1),
	BAD("\xE2\x82" "a", 2),
	BAD("\xE2\x82\xE2", 2),
	BAD("\xF0\x9F\x98" "a", 3),
	BAD("\xE0\xA0\x7F", 2), /* the narrow bounds hold for the second byte only */
	BAD("\xF0\x90\x80\xC0", 3),
	BAD("\xCE\xBA\xE1\xBD\xB9\xED\xA0\x80" "edited", 6),
	BAD("12345678" "1234567\xFF" "12345678", 15),
	BAD("12345678\xE2\x82\xAC\xFF", 11),
};

/* Feeds `size` bytes in two pieces and looks at the answer after each. */
static void check_split(const struct row *row, size_t split)
{
	struct utf8 utf8 = {0};
	size_t good = row->good < 0 ? row->size : (size_t)row->good;
	struct slice text = slice_of(row->text, row->size);

	assert_int_equal(utf8_feed(&utf8, slice_of(text.bytes, split)), split <= good);
	assert_int_equal(utf8_feed(&utf8, slice_skip(text, split)), row->good < 0);
	assert_int_equal(utf8_is_complete(&utf8), row->complete);
	assert_int_equal(utf8_feed(&utf8, slice_of("", 0)), row->good < 0);
}

static void check_bytes(const struct row *row)
{
	struct utf8 utf8 = {0};
	size_t good = row->good < 0 ? row->size : (size_t)row->good;

	for (size_t i = 0; i < row->size; i++)
		if (utf8_feed(&utf8, slice_of(row->text + i, 1)) != (i < good))
			fail_msg("\"%s\": wrong answer at byte %zu", row->text, i);
	assert_int_equal(utf8_is_complete(&utf8), row->complete);
}

static void feed_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_bytes(&rows[i]);
		for (size_t split = 0; split <= rows[i].size; split++)
			check_split(&rows[i], split);
		assert_int_equal(utf8_is_valid(slice_of(rows[i].text, rows[i].size)),
				 rows[i].complete);
	}
}

/* Encodes as if every number up to 21 bits were a character. */
static size_t encode(uint32_t code, uint8_t bytes[4])
{
	if (code < 0x80) {
		bytes[0] = (uint8_t)code;
		return 1;
	}
	size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = size; i-- > 1; code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3F));
	bytes[0] = (uint8_t)((0xF00u >> size & 0xFF) | code);
	return size;
}

static void every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x200000; code++) {
		uint8_t bytes[4];
		size_t size = encode(code, bytes);
		bool expected = code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);

		if (utf8_is_valid(slice_of(bytes, size)) != expected)
			fail_msg("U+%04X: expected %d", (unsigned)code, expected);
	}
}

static void absent_is_valid(void **state)
{
	(void)state;
	assert_true(utf8_is_valid((struct slice){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feed_rows),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(absent_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
