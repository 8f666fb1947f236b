/* tests/unit/base/hash_test.c - SipHash-1-3 against the values of another implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/hash.h"

struct row {
	size_t size; /* of the message 00 01 02 ... */
	uint64_t expected;
};

/* Made with the hash() of CPython 3.11, PYTHONHASHSEED=0: a key of zeros. */
static const struct row zero_key[] = {
	{1, 0x68a914128e01e473},   {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
	{9, 0x75927f9d95124362},   {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
	{17, 0x4883c49a2c009c1d},  {63, 0x385d3e39e5f37359}, {255, 0x5dc1f93ea135eb43},
};

/* PYTHONHASHSEED=42. */
static const struct hash_key key_42 = {0xdc504fd368cd90af, 0xb920bb9ffe99e9c1};
static const struct row other_key[] = {
	{1, 0xce880c366bcf3489},   {7, 0xce280fabc397fbda},  {8, 0x60866c3c108c6afb},
	{9, 0x68814005f7469e03},   {15, 0x94ace24d68c18cf8}, {16, 0x339176f3ac59ce05},
	{17, 0xed2706b414c296f1},  {63, 0x06e24d6f0d014c37}, {255, 0xd02008474fae02c8},
};

/* At each alignment. */
static void check_hash(struct hash_key key, const struct row *row)
{
	uint8_t bytes[256 + 8];

	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < row->size; i++)
			bytes[shift + i] = (uint8_t)i;
		assert_true(hash_bytes(key, slice_of(bytes + shift, row->size)) == row->expected);
	}
}

static void vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zero_key); i++)
		check_hash((struct hash_key){0, 0}, &zero_key[i]);
	for (size_t i = 0; i < ARRAY_SIZE(other_key); i++)
		check_hash(key_42, &other_key[i]);
	assert_true(hash_bytes(key_42, SLICE("user:alice")) == 0x2977495cb202e5e7);
}

static void nothing_has_a_hash(void **state)
{
	(void)state;
	assert_true(hash_bytes(key_42, SLICE("")) == hash_bytes(key_42, (struct slice){NULL, 0}));
	assert_true(hash_bytes(key_42, SLICE("")) != hash_bytes(key_42, SLICE("\0")));
	assert_true(hash_bytes(key_42, SLICE("\0")) != hash_bytes(key_42, SLICE("\0\0")));
}

static void each_half_of_the_key_counts(void **state)
{
	struct slice text = SLICE("announcements");
	uint64_t hash = hash_bytes((struct hash_key){1, 2}, text);

	(void)state;
	assert_true(hash != hash_bytes((struct hash_key){3, 2}, text));
	assert_true(hash != hash_bytes((struct hash_key){1, 3}, text));
	assert_true(hash != hash_bytes((struct hash_key){2, 1}, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(nothing_has_a_hash),
		cmocka_unit_test(each_half_of_the_key_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
