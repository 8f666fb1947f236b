/* tests/unit/wire/connection_id_test.c - there and back, every id that is not ours, and where the
 * channel of one is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/connection_id.h"
#include "wire/partition.h"

#define CHANCES 10000  /* ids that are drawn */
#define DIGITS_SIZE 20 /* then come letters */
#define NAME_SIZE (5 + CONNECTION_ID_SIZE)

static const struct hash_key key = {0x0706050403020100, 0x0F0E0D0C0B0A0908};

static const struct connection_id ids[] = {
	{0, 0, 0},
	{0, 0, 1},
	{0, 1, 0},
	{1, 0, 0},
	{3, 258, 12345},
	{63, 65534, UINT32_MAX},
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
					      "0123456789-_"),
				 CONNECTION_ID_SIZE);
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

/* ---- the letters ---- */

/* The same ids in every run. */
static uint64_t draw(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 16;
}

static struct connection_id drawn_id(void)
{
	return (struct connection_id){(uint8_t)draw(), (uint16_t)draw(), (uint32_t)draw()};
}

/* conn:{id} of any node, and a final zero. */
static void draw_name(char name[NAME_SIZE + 1])
{
	memcpy(name, "conn:", 5);
	connection_id_write(drawn_id(), (struct hash_key){draw(), draw()}, name + 5);
	name[NAME_SIZE] = 0;
}

static void check_partitions(struct slice name)
{
	static const uint32_t counts[] = {1, 2, 3, 4, 5, 7, 16, 100, 1000, 1023, PARTITIONS_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_int_equal(partition_of(name, counts[i]),
				 partition_of(SLICE("all"), counts[i]));
}

static void a_connections_channel_is_in_the_partition_of_all(void **state)
{
	char name[NAME_SIZE + 1];

	(void)state;
	for (int i = 0; i < CHANCES; i++) {
		draw_name(name);
		check_partitions(slice_of(name, NAME_SIZE));
		assert_true(connection_id_is_well_formed(slice_of_text(name + 5)));
	}
}

/* What a name's CRC lacks to that of `all`. */
static uint32_t lack_of(const char *name)
{
	return (uint32_t)partition_crc16(slice_of(name, NAME_SIZE)) ^ partition_crc16(SLICE("all"));
}

static void write_letters(uint32_t letters, char *name)
{
	for (int i = 0; i < 4; i++)
		name[5 + DIGITS_SIZE + i] = "HIJKLMNOPQRSTUVW"[letters >> (12 - 4 * i) & 15];
}

/* The letters by elimination: solved[bit] are letters that flip `bit` of the CRC, and lower ones
 * as flips[bit] says. */
struct system {
	uint32_t flips[16], solved[16];
};

/* Adds to `letters` those that take away `lack` from its highest bit on. Returns what is left. */
static uint32_t eliminate(const struct system *system, uint32_t lack, uint32_t *letters)
{
	for (int bit = 15; bit >= 0; bit--)
		if (lack >> bit & 1 && system->flips[bit] != 0) {
			lack ^= system->flips[bit];
			*letters ^= system->solved[bit];
		}
	return lack;
}

static void set_up_system(struct system *system)
{
	char name[NAME_SIZE + 1];

	*system = (struct system){{0}, {0}};
	draw_name(name);
	for (uint32_t bit = 0; bit < 16; bit++) {
		uint32_t letters = 1u << bit, flips, highest = 15;

		write_letters(0, name);
		flips = lack_of(name);
		write_letters(letters, name);
		flips = eliminate(system, flips ^ lack_of(name), &letters);
		assert_int_not_equal(flips, 0); /* else no letters would do for some ids */
		while (flips >> highest == 0)
			highest--;
		system->flips[highest] = flips;
		system->solved[highest] = letters;
	}
}

static void the_letters_are_the_only_ones_that_do_so(void **state)
{
	struct system system;
	char name[NAME_SIZE + 1], expected[NAME_SIZE + 1];

	(void)state;
	set_up_system(&system);
	for (int i = 0; i < CHANCES; i++) {
		uint32_t letters = 0;

		draw_name(name);
		memcpy(expected, name, sizeof(name));
		write_letters(0, expected);
		assert_int_equal(eliminate(&system, lack_of(expected), &letters), 0);
		write_letters(letters, expected);
		assert_string_equal(name, expected);
	}
}

static int compare_texts(const void *a, const void *b)
{
	return memcmp(a, b, CONNECTION_ID_SIZE);
}

static void many_ids_come_back_and_differ(void **state)
{
	static char texts[CHANCES][CONNECTION_ID_SIZE];

	(void)state;
	for (uint32_t i = 0; i < CHANCES; i++) {
		struct connection_id id, written = {(uint8_t)(i % 64), (uint16_t)(i / 64), i % 3};

		connection_id_write(written, key, texts[i]);
		assert_true(connection_id_parse(slice_of(texts[i], sizeof(texts[i])), key, &id));
		assert_int_equal(id.shard, written.shard);
		assert_int_equal(id.slot, written.slot);
		assert_int_equal(id.generation, written.generation);
	}
	qsort(texts, CHANCES, sizeof(texts[0]), compare_texts);
	for (uint32_t i = 1; i < CHANCES; i++)
		assert_memory_not_equal(texts[i - 1], texts[i], CONNECTION_ID_SIZE);
}

/* A digit that is another one asks for other letters, whoever wrote the id. */
static void check_digit(char *text, size_t at)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_";
	char right = text[at];

	for (size_t i = 0; i < sizeof(digits) - 1; i++) {
		text[at] = digits[i];
		assert_int_equal(connection_id_is_well_formed(slice_of_text(text)),
				 digits[i] == right);
	}
	text[at] = right;
}

static void a_changed_id_is_not_well_formed(void **state)
{
	char name[NAME_SIZE + 1];

	(void)state;
	for (int i = 0; i < 100; i++) {
		draw_name(name);
		for (size_t at = 0; at < CONNECTION_ID_SIZE; at++)
			check_digit(name + 5, at);
	}
	assert_false(connection_id_is_well_formed(SLICE("")));
	assert_false(connection_id_is_well_formed(slice_of(name + 5, DIGITS_SIZE)));
	assert_false(connection_id_is_well_formed(slice_of(name + 5, CONNECTION_ID_SIZE - 1)));
	assert_false(connection_id_is_well_formed(slice_of(name + 5, CONNECTION_ID_SIZE + 1)));
	assert_true(connection_id_is_well_formed(SLICE("AAAAAAAAAAAAAAAAAAAAISWI")));
	assert_false(connection_id_is_well_formed(SLICE("AAAAAAAAAAAAAAAAAAAAISWi")));
	assert_false(connection_id_is_well_formed(SLICE("AAAAAAAAAAAAAAAAAAA.ISWI")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(ids_of_other_nodes),
		cmocka_unit_test(changed_ids),
		cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(many_ids_come_back_and_differ),
		cmocka_unit_test(a_connections_channel_is_in_the_partition_of_all),
		cmocka_unit_test(the_letters_are_the_only_ones_that_do_so),
		cmocka_unit_test(a_changed_id_is_not_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
