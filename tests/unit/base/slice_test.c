/* tests/unit/base/slice_test.c - cutting, trimming, comparing and reading numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/slice.h"

/* NULL expects the absent slice. */
static void check_slice(struct slice actual, const char *expected)
{
	if (!expected) {
		assert_true(slice_is_absent(actual));
		assert_int_equal(actual.size, 0);
		return;
	}
	assert_false(slice_is_absent(actual));
	if (!slice_equal_text(actual, expected))
		fail_msg("got \"%.*s\", expected \"%s\"", (int)actual.size,
			 (const char *)actual.bytes, expected);
}

static void make_from_text(void **state)
{
	(void)state;
	check_slice(slice_of_text("abc"), "abc");
	check_slice(slice_of_text(""), "");
	check_slice(slice_of_text(NULL), NULL);
	check_slice(SLICE(""), "");
	assert_int_equal(SLICE("a\0b").size, 3);
}

static void compare(void **state)
{
	(void)state;
	assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_equal(SLICE("a"), SLICE("ab")));
	assert_true(slice_equal((struct slice){NULL, 0}, SLICE("")));
	assert_true(slice_equal_text(SLICE("ab"), "ab"));
	assert_false(slice_equal_text(SLICE("ab"), "abc"));
	assert_true(slice_starts_with(SLICE("ab"), SLICE("")));
	assert_true(slice_starts_with(SLICE("ab"), SLICE("ab")));
	assert_false(slice_starts_with(SLICE("ab"), SLICE("abc")));
	assert_false(slice_starts_with(SLICE("ab"), SLICE("b")));
	assert_true(slice_starts_with((struct slice){NULL, 0}, (struct slice){NULL, 0}));
	check_slice(slice_skip(SLICE("abc"), 1), "bc");
	check_slice(slice_skip(SLICE("abc"), 3), "");
}

static void check_fold(const char *a, const char *b, bool expected)
{
	assert_int_equal(slice_equal_fold(slice_of_text(a), slice_of_text(b)), expected);
	assert_int_equal(slice_equal_fold(slice_of_text(b), slice_of_text(a)), expected);
}

static void compare_any_case(void **state)
{
	(void)state;
	check_fold("Upgrade", "uPGRADE", true);
	check_fold("", "", true);
	check_fold("AZaz09-", "azAZ09-", true);
	check_fold("a", "ab", false);
	check_fold("@", "`", false); /* beside A and a: only letters fold */
	check_fold("[", "{", false);
	check_fold("\xC4", "\xE4", false);
}

static void check_trim(const char *text, const char *expected)
{
	check_slice(slice_trim(slice_of_text(text)), expected);
}

static void trim(void **state)
{
	(void)state;
	check_trim("a", "a");
	check_trim(" \ta b\t ", "a b");
	check_trim(" \t ", "");
	check_trim("", "");
	check_trim("\r\na\n", "\r\na\n");
	check_trim(NULL, NULL);
}

/* `expected` are the pieces, NULL after the last. */
static void check_cut(const char *text, const char *const *expected)
{
	struct slice rest = slice_of_text(text);

	for (; *expected; expected++)
		check_slice(slice_cut(&rest, ','), *expected);
	check_slice(rest, NULL);
	check_slice(slice_cut(&rest, ','), NULL);
	check_slice(rest, NULL);
}

static void cut(void **state)
{
	(void)state;
	check_cut("a,bc,d", (const char *const[]){"a", "bc", "d", NULL});
	check_cut("a", (const char *const[]){"a", NULL});
	check_cut("", (const char *const[]){"", NULL});
	check_cut(",", (const char *const[]){"", "", NULL});
	check_cut("a,,b,", (const char *const[]){"a", "", "b", "", NULL});
	check_cut(NULL, (const char *const[]){NULL});
}

static void check_u64(const char *text, bool is_number, uint64_t expected)
{
	uint64_t value = 77;

	assert_int_equal(slice_to_u64(slice_of_text(text), &value), is_number);
	assert_true(value == (is_number ? expected : 77));
}

static void to_u64(void **state)
{
	(void)state;
	check_u64("0", true, 0);
	check_u64("007", true, 7);
	check_u64("1234567890", true, 1234567890);
	check_u64("18446744073709551615", true, UINT64_MAX);
	check_u64("18446744073709551616", false, 0);
	check_u64("18446744073709551620", false, 0);
	check_u64("99999999999999999999", false, 0);
	check_u64("", false, 0);
	check_u64(NULL, false, 0);
	check_u64("-1", false, 0);
	check_u64("+1", false, 0);
	check_u64(" 1", false, 0);
	check_u64("1 ", false, 0);
	check_u64("0x1", false, 0);
	check_u64("1/", false, 0);
	check_u64("1:", false, 0);
}

/* What follows the slice is not looked at. */
static void becomes_a_text(void **state)
{
	char *text = slice_to_text(slice_of((const uint8_t *)"abcdef", 3));

	(void)state;
	assert_string_equal(text, "abc");
	free(text);
	text = slice_to_text(SLICE(""));
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(becomes_a_text), cmocka_unit_test(make_from_text),
		cmocka_unit_test(compare),        cmocka_unit_test(compare_any_case),
		cmocka_unit_test(trim),           cmocka_unit_test(cut),
		cmocka_unit_test(to_u64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
