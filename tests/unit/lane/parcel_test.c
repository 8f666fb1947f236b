/* tests/unit/lane/parcel_test.c - a block is opened only when it was sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane/parcel.h"

static void opens_what_was_sealed(void **state)
{
	struct parcel parcel = {.sealed = 0};

	(void)state;
	parcel_seal(&parcel);
	parcel_open(&parcel);
	assert_int_equal(parcel.sealed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_was_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
