/* tests/unit/base/addresses_test.c - connections counted in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addresses.h"

#define MANY 5000u /* the table grows several times */

static void address_of(uint32_t number, uint8_t bytes[16])
{
	memset(bytes, 0, 16);
	memcpy(bytes + 3, &number, sizeof(number));
}

static void each_address_is_counted_by_itself(void **state)
{
	struct addresses addresses;
	uint8_t bytes[16];
	uint32_t records[3];

	(void)state;
	assert_true(addresses_init(&addresses));
	for (uint32_t round = 1; round <= 4; round++)
		for (uint32_t i = 0; i < 3; i++) {
			address_of(i, bytes);
			records[i] = addresses_enter(&addresses, bytes);
			assert_int_not_equal(records[i], ADDRESS_UNKNOWN);
			assert_int_equal(addresses_count(&addresses, records[i]), round);
		}
	assert_int_equal(addresses.used, 3);
	addresses_leave(&addresses, records[1]);
	assert_int_equal(addresses_count(&addresses, records[0]), 4);
	assert_int_equal(addresses_count(&addresses, records[1]), 3);
	addresses_deinit(&addresses);
}

static void nobody_is_not_counted(void **state)
{
	struct addresses addresses;

	(void)state;
	assert_true(addresses_init(&addresses));
	assert_int_equal(addresses_count(&addresses, ADDRESS_UNKNOWN), 0);
	addresses_leave(&addresses, ADDRESS_UNKNOWN);
	assert_int_equal(addresses.used, 0);
	addresses_deinit(&addresses);
}

static void records_are_used_again(void **state)
{
	struct addresses addresses;
	static uint32_t records[MANY];
	uint8_t bytes[16];

	(void)state;
	assert_true(addresses_init(&addresses));
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < MANY; i++) {
			address_of(i * 7 + round, bytes);
			records[i] = addresses_enter(&addresses, bytes);
			assert_int_equal(addresses_count(&addresses, records[i]), 1);
		}
		assert_int_equal(addresses.used, MANY);
		for (uint32_t i = 0; i < MANY; i++)
			addresses_leave(&addresses, records[i]);
		assert_int_equal(addresses.used, 0);
	}
	assert_in_range(addresses.capacity, MANY, 2 * 8192);
	addresses_deinit(&addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_is_counted_by_itself),
		cmocka_unit_test(nobody_is_not_counted),
		cmocka_unit_test(records_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
