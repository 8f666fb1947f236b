/* tests/unit/perf/template_test.c - wsbench/template: names in braces, and braces of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "wsbench/template.h"

static void check_template(const char *text, const char *expected)
{
	const struct template_value values[] = {
		{"i", SLICE("7")},
		{"user", SLICE("u7")},
		{"data", SLICE("{i}")},
	};
	char bytes[128];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	template_write(&writer, text, values, ARRAY_SIZE(values));
	assert_false(writer.overflow);
	assert_true(slice_equal_text(writer_written(&writer), expected));
}

static void test_templates(void **state)
{
	(void)state;
	check_template("", "");
	check_template("/ws/{i}", "/ws/7");
	check_template("{i}{user}{i}", "7u77");
	check_template("{\"join\":\"{user}\"}", "{\"join\":\"u7\"}");
	check_template("{other}{", "{other}{");
	check_template("{data}", "{i}");
	check_template("{i", "{i");
}

static void test_has(void **state)
{
	(void)state;
	assert_true(template_has("/ws?t={token}", "token"));
	assert_false(template_has("/ws?t={token", "token"));
	assert_false(template_has("", "token"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
