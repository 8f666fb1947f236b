/* tests/unit/lane/rates_test.c - each key by itself, and what it costs to share a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/slice.h"
#include "lane/rates.h"

#define START_MS 1000000u

static const struct rate_limit limit = {5, 1};

static uint64_t hash_of(uint32_t number)
{
	static const struct hash_key key = {1, 2};

	return hash_bytes(key, slice_of(&number, sizeof(number)));
}

/* How many of `tries` are taken at once. */
static uint32_t take_many(struct rates *rates, uint64_t hash, uint32_t tries, uint64_t now_ms)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < tries; i++)
		taken += rates_take(rates, limit, hash, now_ms) == 0;
	return taken;
}

static void keys_do_not_share(void **state)
{
	struct rates rates;

	(void)state;
	assert_true(rates_init(&rates, RATES_CELLS));
	for (uint32_t key = 0; key < 100; key++)
		assert_int_equal(take_many(&rates, hash_of(key), 7, START_MS), 5);
	assert_int_equal(rates_take(&rates, limit, hash_of(7), START_MS), 200);
	assert_int_equal(rates_take(&rates, limit, hash_of(7), START_MS + 150), 50);
	assert_int_equal(rates_take(&rates, limit, hash_of(7), START_MS + 200), 0);
	assert_int_equal(take_many(&rates, hash_of(7), 7, START_MS + 60000), 5);
	rates_deinit(&rates);
}

static void one_cell_is_one_bucket(void **state)
{
	struct rates rates;

	(void)state;
	assert_true(rates_init(&rates, 1));
	assert_int_equal(take_many(&rates, hash_of(1), 3, START_MS), 3);
	assert_int_equal(take_many(&rates, hash_of(2), 3, START_MS), 2);
	assert_int_equal(take_many(&rates, 0, 3, START_MS), 0);
	rates_deinit(&rates);
}

/* 1,000 keys at their limit do not stop 10,000 others: one or two may be taken for them. */
static void others_are_hardly_mistaken(void **state)
{
	struct rates rates;
	uint32_t refused = 0;

	(void)state;
	assert_true(rates_init(&rates, RATES_CELLS));
	for (uint32_t key = 0; key < 1000; key++)
		(void)take_many(&rates, hash_of(key), 100, START_MS);
	for (uint32_t key = 1000; key < 11000; key++)
		refused += rates_take(&rates, limit, hash_of(key), START_MS) > 0;
	assert_in_range(refused, 0, 2);
	rates_deinit(&rates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_do_not_share),
		cmocka_unit_test(one_cell_is_one_bucket),
		cmocka_unit_test(others_are_hardly_mistaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
