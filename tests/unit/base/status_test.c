/* tests/unit/base/status_test.c - every status has a text, and so has what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"

static void texts(void **state)
{
	(void)state;
	assert_int_equal(STATUS_OK, 0);
	assert_string_equal(status_text(STATUS_OK), "ok");
	assert_string_equal(status_text(STATUS_UNAVAILABLE), "the other side cannot be reached");
#define X(name, text) assert_string_equal(status_text(STATUS_##name), text);
	STATUS_TABLE(X)
#undef X
}

static void unknown(void **state)
{
	(void)state;
	assert_string_equal(status_text((enum status)(STATUS_UNAVAILABLE + 1)), "unknown status");
	assert_string_equal(status_text((enum status)-1), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
