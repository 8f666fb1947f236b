/* tests/unit/wire/config_namespace_test.c - numbers and names of namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/config_namespace.h"

static char *items[] = {"/admin", "/a/b"};
static const struct config some = {.namespace = {items, 2}};
static const struct config none = {.namespace = {NULL, 0}};

static void names_by_number(void **state)
{
	(void)state;
	assert_true(slice_equal_text(config_namespace_name(&some, 0), "/"));
	assert_true(slice_equal_text(config_namespace_name(&some, 1), "/admin"));
	assert_true(slice_equal_text(config_namespace_name(&some, 2), "/a/b"));
	assert_true(slice_equal_text(config_namespace_of(&some, ENCODING_SOCKET_IO), "/"));
	assert_true(slice_equal_text(config_namespace_of(&some, ENCODING_SOCKET_IO + 2), "/a/b"));
	assert_true(slice_equal_text(config_namespace_of(&none, ENCODING_WS), "/"));
}

static void check_number(const struct config *config, const char *name, int expected)
{
	uint32_t number = 99;

	assert_int_equal(config_namespace_find(config, slice_of_text(name), &number),
			 expected >= 0);
	if (expected >= 0)
		assert_int_equal(number, expected);
}

static void numbers_by_name(void **state)
{
	(void)state;
	check_number(&none, "/", 0);
	check_number(&none, "/admin", -1);
	check_number(&some, "/", 0);
	check_number(&some, "/admin", 1);
	check_number(&some, "/a/b", 2);
	check_number(&some, "/a", -1);
	check_number(&some, "", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_by_number),
		cmocka_unit_test(numbers_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
