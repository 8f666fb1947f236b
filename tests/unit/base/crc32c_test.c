/* tests/unit/base/crc32c_test.c - CRC-32C against the values of RFC 3720 and a bitwise one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/crc32c.h"

static void check_sum(uint8_t first, int step, uint32_t expected)
{
	uint8_t bytes[32];

	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(first + i * step);
	assert_int_equal(crc32c(0, slice_of(bytes, sizeof(bytes))), expected);
}

/* RFC 3720 appendix B.4: 32 bytes each. */
static void vectors(void **state)
{
	(void)state;
	check_sum(0, 0, 0x8A9136AA);
	check_sum(0xFF, 0, 0x62A8AB43);
	check_sum(0, 1, 0x46DD794E);
	check_sum(31, -1, 0x113FDB5C);
	assert_int_equal(crc32c(0, SLICE("123456789")), 0xE3069283);
	assert_int_equal(crc32c(0, SLICE("")), 0);
}

static uint32_t bitwise(struct slice bytes)
{
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < bytes.size * 8; i++) {
		uint32_t bit = (bytes.bytes[i / 8] >> (i % 8)) & 1;

		sum = (sum >> 1) ^ ((sum ^ bit) & 1 ? 0x82F63B78u : 0);
	}
	return ~sum;
}

/* Every size and alignment, in one piece and in two. */
static void agrees_with_the_definition(void **state)
{
	uint8_t bytes[80];
	struct random random;

	(void)state;
	random_init(&random, 5);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_below(&random, 256);
	for (size_t start = 0; start < 8; start++) {
		for (size_t size = 0; size <= 64; size++) {
			struct slice all = slice_of(bytes + start, size);
			struct slice half = slice_of(bytes + start, size / 3);
			uint32_t sum = crc32c(0, all);

			assert_int_equal(sum, bitwise(all));
			assert_int_equal(crc32c(crc32c(0, half), slice_skip(all, half.size)), sum);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(agrees_with_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
