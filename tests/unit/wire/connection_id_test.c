/* tests/unit/wire/connection_id_test.c - there and back, and every id that is not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/connection_id.h"

static const struct hash_key key = {0x0706050403020100, 0x0F0E0D0C0B0A0908};

static const struct connection_id ids[] = {
	{0, 0, 0},          {0, 0, 1},       {0, 1, 0},
	{1, 0, 0},          {3, 258, 12345}, {63, 65534, UINT32_MAX},
	{255, 65535, 1u << 31},
};

static void check_refused(const char *text, size_t size, struct hash_key with)
{
	struct connection_id id = {9, 9, 9};

	assert_false(connection_id_parse(slice_of(text, size), with, &id));
	assert_int_equal(id.shard, 9);
	assert_int_equal(id.slot, 9);
	assert_int_equal(id.generation, 9);
}

static void there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char text[CONNECTION_ID_SIZE + 1] = {0};
		struct connection_id id;

		connection_id_write(ids[i], key, text);
		assert_int_equal(text[CONNECTION_ID_SIZE], 0);
		assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789-_"), CONNECTION_ID_SIZE);
		assert_true(connection_id_parse(slice_of_text(text), key, &id));
		assert_int_equal(id.shard, ids[i].shard);
		assert_int_equal(id.slot, ids[i].slot);
		assert_int_equal(id.generation, ids[i].generation);
	}
}

static void ids_of_other_nodes(void **state)
{
	char text[CONNECTION_ID_SIZE];

	(void)state;
	connection_id_write(ids[4], key, text);
	check_refused(text, sizeof(text), (struct hash_key){key.k0 ^ 1, key.k1});
	check_refused(text, sizeof(text), (struct hash_key){key.k0, key.k1 ^ 1});
	check_refused(text, sizeof(text), (struct hash_key){key.k1, key.k0});
}

/* Each character changed to each other byte. */
static void changed_ids(void **state)
{
	char text[CONNECTION_ID_SIZE];

	(void)state;
	connection_id_write(ids[4], key, text);
	for (size_t i = 0; i < sizeof(text); i++) {
		char right = text[i];

		for (int byte = 0; byte < 256; byte++) {
			text[i] = (char)byte;
			if (text[i] != right)
				check_refused(text, sizeof(text), key);
		}
		text[i] = right;
	}
}

static void wrong_sizes(void **state)
{
	char text[2 * CONNECTION_ID_SIZE];

	(void)state;
	connection_id_write(ids[4], key, text);
	connection_id_write(ids[4], key, text + CONNECTION_ID_SIZE);
	for (size_t size = 0; size <= sizeof(text); size++)
		if (size != CONNECTION_ID_SIZE)
			check_refused(text, size, key);
}

static void ids_differ(void **state)
{
	char texts[ARRAY_SIZE(ids)][CONNECTION_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		connection_id_write(ids[i], key, texts[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(texts[i], texts[j], CONNECTION_ID_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(ids_of_other_nodes),
		cmocka_unit_test(changed_ids),    cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(ids_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
