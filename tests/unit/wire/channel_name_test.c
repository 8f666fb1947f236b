/* tests/unit/wire/channel_name_test.c - which names are channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "belfry/limits.h"
#include "wire/channel_name.h"

static void check_valid(struct slice name, bool expected)
{
	if (channel_name_is_valid(name) != expected)
		fail_msg("\"%.*s\" is %s", (int)name.size, (const char *)name.bytes,
			 expected ? "refused" : "taken");
}

static void names_are_taken_or_refused(void **state)
{
	static const struct {
		struct slice name;
		bool valid;
	} rows[] = {
		{SLICE("user:42"), true},
		{SLICE("a"), true},
		{SLICE(":"), true},
		{SLICE("all"), true},
		{SLICE("feed:42:x*?\"\\"), true},
		{SLICE("r\xC3\xA9sum\xC3\xA9"), true},
		{SLICE("\xE6\xB0\xB4"), true},
		{SLICE("\xF0\x9F\x94\x94"), true},
		{SLICE("\xC2\xA0"), true}, /* the first after C1 */
		{SLICE("~"), true},
		{SLICE(""), false},
		{SLICE(" "), false},
		{SLICE("a b"), false},
		{SLICE("a,b"), false},
		{SLICE("a\0b"), false},
		{SLICE("a\tb"), false},
		{SLICE("a\n"), false},
		{SLICE("\x1F"), false},
		{SLICE("\x7F"), false},
		{SLICE("a\xC2\x80"), false},
		{SLICE("a\xC2\x9F"
		       "b"),
		 false},
		{SLICE("\xC2"), false},
		{SLICE("a\xC3"), false},
		{SLICE("\xFF"), false},
		{SLICE("\xC0\xAF"), false},
		{SLICE("\xED\xA0\x80"), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_valid(rows[i].name, rows[i].valid);
	assert_false(channel_name_is_valid((struct slice){NULL, 0}));
}

static void every_ascii_byte_has_its_answer(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 0x80; byte++) {
		uint8_t name[] = {'a', (uint8_t)byte, 'b'};

		check_valid(slice_of(name, 3), byte > 0x20 && byte != ',' && byte != 0x7F);
	}
}

static void size_is_bounded(void **state)
{
	uint8_t name[CHANNEL_SIZE_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	check_valid(slice_of(name, CHANNEL_SIZE_MAX), true);
	check_valid(slice_of(name, CHANNEL_SIZE_MAX + 1), false);
}

static void check_namespace(const char *name, const char *expected)
{
	assert_true(slice_equal_text(channel_name_namespace(slice_of_text(name)), expected));
}

static void namespace_is_before_the_colon(void **state)
{
	(void)state;
	check_namespace("user:42", "user");
	check_namespace("a:b:c", "a");
	check_namespace("trending", "trending");
	check_namespace(":x", "");
	check_namespace("x:", "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_or_refused),
		cmocka_unit_test(every_ascii_byte_has_its_answer),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(namespace_is_before_the_colon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
