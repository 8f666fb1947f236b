/* tests/unit/lane/verified_test.c - a copy in one block, counted; freed once, as
 * AddressSanitizer sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lane/verified.h"

static void copies_everything(void **state)
{
	char user[] = "42", jti[] = "id", channels[] = "[]";
	const struct verified source = {
		.serial = 3,
		.name = {1, 2},
		.expires_s = 4,
		.not_before_s = 5,
		.issued_s = 6,
		.user = slice_of_text(user),
		.jti = slice_of_text(jti),
		.channels = slice_of_text(channels),
		.admin = true,
	};
	struct verified *verified = verified_create(&source);

	(void)state;
	assert_non_null(verified);
	user[0] = jti[0] = channels[0] = '#';
	assert_int_equal(verified->refs, 1);
	assert_int_equal(verified->serial, 3);
	assert_int_equal(verified->name.first, 1);
	assert_int_equal(verified->name.second, 2);
	assert_int_equal(verified->expires_s, 4);
	assert_int_equal(verified->not_before_s, 5);
	assert_int_equal(verified->issued_s, 6);
	assert_true(verified->admin);
	assert_true(slice_equal_text(verified->user, "42"));
	assert_true(slice_equal_text(verified->jti, "id"));
	assert_true(slice_equal_text(verified->channels, "[]"));
	assert_int_equal(verified_size(verified), sizeof(*verified) + 6);
	verified_ref(verified, 2);
	verified_unref(verified);
	verified_unref(verified);
	assert_int_equal(verified->refs, 1);
	verified_unref(verified);
}

static void absent_stays_absent(void **state)
{
	const struct verified source = {.user = SLICE("1"), .jti = SLICE("")};
	struct verified *verified = verified_create(&source);

	(void)state;
	assert_true(slice_is_absent(verified->channels));
	assert_false(slice_is_absent(verified->jti));
	assert_int_equal(verified->jti.size, 0);
	verified_unref(verified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_everything),
		cmocka_unit_test(absent_stays_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
