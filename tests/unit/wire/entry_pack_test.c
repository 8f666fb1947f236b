/* tests/unit/wire/entry_pack_test.c - what was packed comes out the same, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/entry_pack.h"

#define ROOM 40000

static const char long_text[300];

static void check_slice(struct slice slice, struct slice expected)
{
	assert_true(slice_is_absent(slice) == slice_is_absent(expected));
	assert_true(slice_equal(slice, expected));
}

static void check_equal(const struct entry *entry, const struct entry *expected)
{
	check_slice(entry->data, expected->data);
	check_slice(entry->type, expected->type);
	check_slice(entry->event, expected->event);
	check_slice(entry->id, expected->id);
	check_slice(entry->ts, expected->ts);
	check_slice(entry->key, expected->key);
	check_slice(entry->traceparent, expected->traceparent);
	assert_int_equal(entry->ttl_s, expected->ttl_s);
	assert_null(entry->fields);
	assert_int_equal(entry->fields_count + entry->channels_count, 0);
}

/* Whole, and cut short at every point, and with a byte too many. */
static void check_entry(const struct entry *entry)
{
	static uint8_t bytes[ROOM];
	size_t size = entry_pack_size(entry);
	struct entry read = {.ttl_s = 77};

	assert_true(size + 1 < ROOM);
	memset(bytes, 0xEE, sizeof(bytes));
	entry_pack_write(entry, bytes);
	assert_int_equal(bytes[size], 0xEE);
	for (size_t cut = 0; cut < size; cut++)
		assert_false(entry_pack_read(slice_of(bytes, cut), &read));
	assert_false(entry_pack_read(slice_of(bytes, size + 1), &read));
	assert_int_equal(read.ttl_s, 77);
	assert_true(entry_pack_read(slice_of(bytes, size), &read));
	check_equal(&read, entry);
}

static void entries_come_out_the_same(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 129, 255, 16383, 16384, 30000};
	static const uint32_t ttls[] = {0, 1, 127, 128, 3600, UINT32_MAX};
	static uint8_t data[30000];
	struct entry entry = {.type = SLICE("notification")};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		entry.data = slice_of(data, sizes[i]);
		check_entry(&entry);
	}
	entry.data = SLICE("{}");
	for (size_t i = 0; i < ARRAY_SIZE(ttls); i++) {
		entry.ttl_s = ttls[i];
		check_entry(&entry);
	}
}

/* Each of the texts that may be left out: absent, empty, short, long; bit by bit of `which`. */
static void texts_come_out_the_same(void **state)
{
	const struct slice texts[] = {SLICE(""), SLICE("x"), slice_of(long_text, 255),
				      slice_of(long_text, 300)};

	(void)state;
	for (unsigned which = 0; which < 64; which++) {
		for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
			struct slice none = {NULL, 0};
			struct entry entry = {
				.data = SLICE("[1,2]"),
				.type = which & 1 ? texts[i] : SLICE("notification"),
				.event = which & 2 ? texts[i] : none,
				.id = which & 4 ? texts[(i + 1) % 4] : none,
				.ts = which & 8 ? texts[(i + 2) % 4] : none,
				.key = which & 16 ? texts[(i + 3) % 4] : none,
				.traceparent = which & 32 ? texts[i] : none,
				.ttl_s = which,
			};

			check_entry(&entry);
		}
	}
}

static void little_is_added(void **state)
{
	struct entry entry = {.data = SLICE("{\"a\":1}"), .type = SLICE("notification")};

	(void)state;
	assert_int_equal(entry_pack_size(&entry), 9);
}

static void check_refused(struct slice bytes)
{
	struct entry entry = {.ttl_s = 77};

	assert_false(entry_pack_read(bytes, &entry));
	assert_int_equal(entry.ttl_s, 77);
}

static void other_bytes_are_refused(void **state)
{
	uint8_t bytes[4] = {0};
	struct entry entry;

	(void)state;
	check_refused(slice_of(NULL, 0));
	check_refused(SLICE("\x40"));                                         /* no size */
	check_refused(SLICE("\x40\x02x"));                                    /* too little data */
	check_refused(SLICE("\x00\x00"));                                     /* no data */
	check_refused(SLICE("\x40\x81\x00x"));                                /* 1 in two bytes */
	check_refused(SLICE("\xC0\x00\x01x"));                                /* ttl 0 */
	check_refused(SLICE("\xC0\x80\x80\x80\x80\x10\x01x"));                /* ttl 2^32 */
	check_refused(SLICE("\x40\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01")); /* 2^64 - 1 */
	check_refused(SLICE("\x40\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02")); /* more */
	check_refused(SLICE("\x41\x0C\x01notificationx")); /* the usual type, written */
	assert_true(entry_pack_read(SLICE("\xC0\x80\x01\x01x"), &entry));
	assert_int_equal(entry.ttl_s, 128);
	/* whatever is taken is written the same way again */
	for (uint32_t i = 0; i < 1u << 24; i += 5) {
		uint8_t again[4];

		memcpy(bytes, &i, 3);
		if (!entry_pack_read(slice_of(bytes, 4), &entry))
			continue;
		assert_int_equal(entry_pack_size(&entry), 4);
		entry_pack_write(&entry, again);
		assert_memory_equal(again, bytes, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_out_the_same),
		cmocka_unit_test(texts_come_out_the_same),
		cmocka_unit_test(little_is_added),
		cmocka_unit_test(other_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
