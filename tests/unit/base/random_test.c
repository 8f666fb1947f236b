/* tests/unit/base/random_test.c - bounds, spread and repetition of the cheap generator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void check_below(uint64_t seed, uint64_t bound)
{
	struct random random;

	random_init(&random, seed);
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(&random, bound) < bound);
}

static void stays_below_its_bound(void **state)
{
	static const uint64_t bounds[] = {1, 2, 3, 1000, UINT32_MAX, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		check_below(0, bounds[i]);
		check_below(1, bounds[i]);
		check_below(UINT64_MAX, bounds[i]);
	}
}

/* Each of 10 numbers comes 1000 times of 10000, give or take 15 percent. */
static void spreads_evenly(void **state)
{
	struct random random;
	int seen[10] = {0};

	(void)state;
	random_init(&random, 12345);
	for (int i = 0; i < 10000; i++)
		seen[random_below(&random, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(seen[i], 850, 1150);
}

/* The first three states of xorshift64* (Vigna, 2014) after state 1, worked out elsewhere. */
static void is_xorshift64_star(void **state)
{
	const uint64_t states[] = {0x0000000002000001, 0x0004004000802801, 0x000d004003202803};
	struct random random;

	(void)state;
	random_init(&random, 1);
	for (int i = 0; i < 3; i++) {
		uint64_t product = states[i] * 0x2545F4914F6CDD1Du;

		assert_true(random_below(&random, 256) == product >> 56);
		assert_true(random.state == states[i]);
	}
}

static void repeats_from_the_same_seed(void **state)
{
	struct random a, b, c;
	int same = 0;

	(void)state;
	random_init(&a, 7);
	random_init(&b, 7);
	random_init(&c, 8);
	for (int i = 0; i < 1000; i++) {
		uint64_t number = random_below(&a, 1u << 30);

		assert_true(number == random_below(&b, 1u << 30));
		same += number == random_below(&c, 1u << 30);
	}
	assert_true(same < 3);
}

static void secret_fills_all_and_no_more(void **state)
{
	uint8_t bytes[1000 + 1], again[1000];
	unsigned seen = 0;

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	random_secret(bytes, 1000);
	assert_int_equal(bytes[1000], 0);
	random_secret(again, 1000);
	assert_true(memcmp(bytes, again, 1000) != 0);
	for (int i = 990; i < 1000; i++)
		seen |= bytes[i];
	assert_true(seen != 0);
	random_secret(bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_below_its_bound),
		cmocka_unit_test(spreads_evenly),
		cmocka_unit_test(is_xorshift64_star),
		cmocka_unit_test(repeats_from_the_same_seed),
		cmocka_unit_test(secret_fills_all_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
