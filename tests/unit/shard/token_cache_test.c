/* tests/unit/shard/token_cache_test.c - bounded, oldest first, each reference given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "belfry/limits.h"
#include "lane/verified.h"
#include "shard/token_cache.h"

static struct token_cache cache;

static void begin(void)
{
	token_cache_init(&cache, (struct token_cache_keys){{1, 2}, {3, 4}});
}

static struct token_name name_of(uint64_t number)
{
	return token_cache_name(&cache, slice_of(&number, sizeof(number)));
}

static struct verified *make(uint64_t number, size_t channels_size)
{
	static uint8_t channels[1 << 16];
	const struct verified source = {
		.name = name_of(number),
		.user = slice_of(&number, sizeof(number)),
		.jti = SLICE(""),
		.channels = slice_of(channels, channels_size),
		.issued_s = (int64_t)number,
	};

	return verified_create(&source);
}

static void add(uint64_t number, size_t channels_size)
{
	token_cache_add(&cache, make(number, channels_size));
}

static bool has(uint64_t number)
{
	const struct verified *found = token_cache_find(&cache, name_of(number));

	assert_true(!found || found->issued_s == (int64_t)number);
	return found != NULL;
}

static void finds_what_was_added(void **state)
{
	(void)state;
	begin();
	assert_false(has(1));
	for (uint64_t i = 0; i < 1000; i++)
		add(i, 0);
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(has(i));
	assert_false(has(1000));
	add(7, 0); /* again */
	assert_int_equal(cache.count, 1000);
	token_cache_clear(&cache);
	assert_int_equal(cache.count, 0);
	assert_int_equal(cache.size, 0);
	assert_false(has(1));
	add(1, 0);
	assert_true(has(1));
	token_cache_deinit(&cache);
}

static void number_is_bounded(void **state)
{
	(void)state;
	begin();
	for (uint64_t i = 0; i < TOKENS_CACHED_MAX + 10; i++)
		add(i, 0);
	assert_int_equal(cache.count, TOKENS_CACHED_MAX);
	assert_false(has(0));
	assert_false(has(9));
	assert_true(has(10));
	assert_true(has(TOKENS_CACHED_MAX + 9));
	token_cache_deinit(&cache);
}

static void bytes_are_bounded(void **state)
{
	uint32_t count = 3 * (TOKEN_CACHE_SIZE_MAX >> 16);

	(void)state;
	begin();
	for (uint64_t i = 0; i < count; i++) {
		add(i, 1 << 16);
		assert_true(cache.size <= TOKEN_CACHE_SIZE_MAX + (1 << 17));
	}
	assert_false(has(0));
	assert_true(has(count - 1));
	token_cache_deinit(&cache);
}

/* Two names that differ in one half only are two names, though they are in one list. */
static void name_is_compared_whole(void **state)
{
	struct verified *one = make(1, 0);
	struct verified *other = make(2, 0);

	(void)state;
	begin();
	one->name = (struct token_name){5, 6};
	other->name = (struct token_name){5, 7};
	token_cache_add(&cache, one);
	token_cache_add(&cache, other);
	assert_ptr_equal(token_cache_find(&cache, (struct token_name){5, 6}), one);
	assert_ptr_equal(token_cache_find(&cache, (struct token_name){5, 7}), other);
	assert_null(token_cache_find(&cache, (struct token_name){5, 8}));
	assert_null(token_cache_find(&cache, (struct token_name){5 + TOKENS_CACHED_MAX, 6}));
	token_cache_deinit(&cache);
}

static void name_depends_on_both_keys(void **state)
{
	struct token_cache other;

	(void)state;
	begin();
	token_cache_init(&other, (struct token_cache_keys){{1, 2}, {3, 5}});
	struct token_name a = token_cache_name(&cache, SLICE("token"));
	struct token_name b = token_cache_name(&other, SLICE("token"));
	assert_true(a.first == b.first);
	assert_true(a.second != b.second);
	assert_true(a.first != a.second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(number_is_bounded),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(name_is_compared_whole),
		cmocka_unit_test(name_depends_on_both_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
