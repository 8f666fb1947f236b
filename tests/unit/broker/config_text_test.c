/* tests/unit/broker/config_text_test.c - quoting, lists, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/config_text.h"

#include <stdio.h>
#include <stdlib.h>

static void check_quote(struct slice value, const char *expected)
{
	char out[CONFIG_QUOTED_SIZE];

	config_text_quote(value, out);
	assert_string_equal(out, expected);
}

static void quote(void **state)
{
	char long_text[65];
	char expected[CONFIG_QUOTED_SIZE];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	check_quote(SLICE(""), "\"\"");
	check_quote(SLICE("soon"), "\"soon\"");
	check_quote(SLICE("a\nb\x7f\0c"), "\"a?b??c\"");
	check_quote(SLICE("\xc3\xa4"), "\"\xc3\xa4\"");
	snprintf(expected, sizeof(expected), "\"%.64s\"", long_text);
	check_quote(slice_of(long_text, 64), expected);
	snprintf(expected, sizeof(expected), "\"%.64s...\"", long_text);
	check_quote(slice_of(long_text, 65), expected);
}

static void list(void **state)
{
	struct config_list list = {NULL, 0};

	(void)state;
	config_list_add(&list, config_text_copy(SLICE("a")));
	config_list_add(&list, config_text_format("%d", 12));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0], "a");
	assert_string_equal(list.items[1], "12");
	config_list_clear(&list);
	assert_int_equal(list.count, 0);
	assert_null(list.items);
	config_list_clear(&list);
	config_text_wipe(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quote),
		cmocka_unit_test(list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
