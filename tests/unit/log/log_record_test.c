/* tests/unit/log/log_record_test.c - records there and back, cut, flipped and misplaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "log/log_record.h"

#define FIELD(name, value)                \
	{                                 \
		SLICE(name), SLICE(value) \
	}

static const struct log_place place = {.salt = 0x1234567890ABCDEF, .offset = 4096};

static const struct entry_field fields[] = {
	FIELD("to", "user:alice"),  FIELD("to", "user:bob"),
	FIELD("data", "{\"a\":1}"), FIELD("", ""),
	FIELD("key", ""),           FIELD("odd\0name", "\0\xFF"),
};

struct row {
	const char *name;
	struct event_id id;
	uint32_t fields_count; /* of the fields above; UINT32_MAX: a mark */
	struct slice key;
	struct slice value;
};

static const struct row rows[] = {
	{"no fields", {1, 0}, 0, {0}, {0}},
	{"one field", {UINT64_MAX, UINT64_MAX}, 1, {0}, {0}},
	{"fields", {1769337000000, 7}, ARRAY_SIZE(fields), {0}, {0}},
	{"mark", {0, 0}, UINT32_MAX, {(const uint8_t *)"cursor", 6}, {(const uint8_t *)"1-2", 3}},
	{"removed", {0, 0}, UINT32_MAX, {(const uint8_t *)"cursor", 6}, {NULL, 0}},
};

/* In memory of exactly its size. */
static uint8_t *write_row(const struct row *row, size_t *ret_size)
{
	bool is_mark = row->fields_count == UINT32_MAX;
	size_t size = is_mark ? log_record_mark_size(row->key, row->value)
			      : log_record_entry_size(fields, row->fields_count);
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	if (is_mark)
		log_record_write_mark(bytes, place, row->key, row->value);
	else
		log_record_write_entry(bytes, place, row->id, fields, row->fields_count);
	*ret_size = size;
	return bytes;
}

static void check_record(const struct row *row, struct slice bytes)
{
	struct log_record record;
	struct entry_field field;

	assert_int_equal(log_record_parse(bytes, place, &record), LOG_RECORD_WHOLE);
	assert_int_equal(record.size, bytes.size);
	if (row->fields_count == UINT32_MAX) {
		assert_int_equal(record.kind, LOG_RECORD_MARK);
		assert_true(slice_equal(record.key, row->key));
		assert_true(slice_equal(record.value, row->value));
		return;
	}
	assert_int_equal(record.kind, LOG_RECORD_ENTRY);
	assert_true(event_id_equal(record.id, row->id));
	assert_int_equal(record.fields_count, row->fields_count);
	for (uint32_t i = 0; i < row->fields_count; i++) {
		assert_true(log_record_next_field(&record, &field));
		assert_true(slice_equal(field.name, fields[i].name));
		assert_true(slice_equal(field.value, fields[i].value));
	}
	assert_false(log_record_next_field(&record, &field));
}

/* Each part from its beginning is cut, and none of them is a record. */
static void check_cuts(struct slice bytes)
{
	struct log_record record;

	for (size_t size = 0; size < bytes.size; size++) {
		uint8_t *part = malloc(size ? size : 1);

		assert_non_null(part);
		memcpy(part, bytes.bytes, size);
		assert_int_equal(log_record_parse(slice_of(part, size), place, &record),
				 LOG_RECORD_CUT);
		assert_false(log_record_is_in(slice_of(part, size), place));
		free(part);
	}
}

static void check_flips(uint8_t *bytes, size_t size)
{
	struct log_record record;

	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_int_equal(log_record_parse(slice_of(bytes, size), place, &record),
				 LOG_RECORD_BAD);
		bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

static void check_misplaced(struct slice bytes)
{
	const struct log_place others[] = {{place.salt + 1, place.offset},
					   {place.salt, place.offset + 1},
					   {place.salt, 0},
					   {place.offset, place.salt}};
	struct log_record record;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(log_record_parse(bytes, others[i], &record), LOG_RECORD_BAD);
}

static void check_row(const struct row *row)
{
	size_t size;
	uint8_t *bytes = write_row(row, &size);

	print_message("%s\n", row->name);
	check_record(row, slice_of(bytes, size));
	check_cuts(slice_of(bytes, size));
	check_flips(bytes, size);
	check_misplaced(slice_of(bytes, size));
	free(bytes);
}

static void records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* A record is found wherever it lies, if it was written for that place. */
static void a_record_is_found(void **state)
{
	struct log_place before = {place.salt, place.offset - 100};
	size_t size;
	uint8_t *record = write_row(&rows[2], &size);
	uint8_t bytes[512] = {0};

	(void)state;
	assert_in_range(size, 1, 300);
	memcpy(bytes + 100, record, size);
	assert_true(log_record_is_in(slice_of(bytes, sizeof(bytes)), before));
	assert_true(log_record_is_in(slice_of(bytes, 100 + size), before));
	assert_false(log_record_is_in(slice_of(bytes, 99 + size), before));
	before.offset++;
	assert_false(log_record_is_in(slice_of(bytes, sizeof(bytes)), before));
	free(record);
}

static void the_largest_entry_fits(void **state)
{
	uint32_t count = 10000;
	struct entry_field *many = calloc(count + 1, sizeof(*many));
	uint8_t *data = calloc(1, 1 << 20);
	struct log_record record;
	struct entry_field field;

	(void)state;
	assert_non_null(many);
	assert_non_null(data);
	for (uint32_t i = 0; i < count; i++)
		many[i] = (struct entry_field){SLICE("to"), slice_of(data, 255)};
	many[count] = (struct entry_field){SLICE("data"), slice_of(data, 1 << 20)};
	size_t size = log_record_entry_size(many, count + 1);
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	assert_in_range(size, 1 << 20, LOG_RECORD_SIZE_MAX);
	log_record_write_entry(bytes, place, (struct event_id){1, 2}, many, count + 1);
	assert_int_equal(log_record_parse(slice_of(bytes, size), place, &record), LOG_RECORD_WHOLE);
	for (uint32_t i = 0; i <= count; i++)
		assert_true(log_record_next_field(&record, &field));
	assert_int_equal(field.value.size, 1 << 20);
	free(bytes);
	free(data);
	free(many);
}

static void too_large_has_no_size(void **state)
{
	struct slice half = slice_of("", LOG_RECORD_SIZE_MAX / 2);
	struct entry_field two[] = {{SLICE("a"), half}, {SLICE("b"), half}};

	(void)state;
	assert_int_equal(log_record_entry_size(two, 2), 0);
	assert_true(log_record_entry_size(two, 1) > 0);
	two[0].value.size = SIZE_MAX;
	assert_int_equal(log_record_entry_size(two, 1), 0);
	assert_int_equal(log_record_mark_size(SLICE("a"), two[0].value), 0);
}

/* Made by another implementation from the header's words: files of today are read tomorrow. */
static const uint8_t entry_bytes[] = {
	0x20, 0x00, 0x00, 0x00, 0x08, 0x47, 0xFA, 0x8F, 0x9B, 0xB4, 0x7A, 0xBA, 0x01, 0x02, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x74, 0x6F, 0x62,
};
static const uint8_t mark_bytes[] = {
	0x08, 0x00, 0x00, 0x00, 0x52, 0xC6, 0xCC, 0xE8, 0x05, 0x7E,
	0x59, 0x88, 0x02, 0x01, 0x00, 0x00, 0x00, 0x6B, 0x76, 0x77,
};

static void the_format_stays(void **state)
{
	const struct log_place here = {.salt = 7, .offset = 64};
	const struct entry_field field = {SLICE("to"), SLICE("b")};
	uint8_t bytes[64];

	(void)state;
	assert_int_equal(log_record_entry_size(&field, 1), sizeof(entry_bytes));
	log_record_write_entry(bytes, here, (struct event_id){0x102, 3}, &field, 1);
	assert_memory_equal(bytes, entry_bytes, sizeof(entry_bytes));
	assert_int_equal(log_record_mark_size(SLICE("k"), SLICE("vw")), sizeof(mark_bytes));
	log_record_write_mark(bytes, here, SLICE("k"), SLICE("vw"));
	assert_memory_equal(bytes, mark_bytes, sizeof(mark_bytes));
}

static void segment_heads(void **state)
{
	const struct log_segment_head head = {7, 8, 9, {10, 11}};
	struct log_segment_head again;
	uint8_t bytes[LOG_SEGMENT_HEAD_SIZE];

	(void)state;
	log_record_write_segment(&head, bytes);
	assert_true(log_record_parse_segment(slice_of(bytes, sizeof(bytes)), &again));
	assert_memory_equal(&head, &again, sizeof(head));
	for (size_t size = 0; size < sizeof(bytes); size++) {
		assert_false(log_record_parse_segment(slice_of(bytes, size), &again));
		assert_true(log_record_is_torn_segment(slice_of(bytes, size)));
	}
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_false(log_record_parse_segment(slice_of(bytes, sizeof(bytes)), &again));
		bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

static void a_foreign_file_is_no_torn_segment(void **state)
{
	uint8_t zeros[LOG_SEGMENT_HEAD_SIZE + 1] = {0};

	(void)state;
	assert_false(log_record_is_torn_segment(SLICE("hello")));
	assert_false(log_record_is_torn_segment(SLICE("belfry log 2\n")));
	assert_true(log_record_is_torn_segment(SLICE("belfry log")));
	assert_true(log_record_is_torn_segment(slice_of(zeros, sizeof(zeros) - 1)));
	assert_false(log_record_is_torn_segment(slice_of(zeros, sizeof(zeros))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(a_record_is_found),
		cmocka_unit_test(the_largest_entry_fits),
		cmocka_unit_test(too_large_has_no_size),
		cmocka_unit_test(the_format_stays),
		cmocka_unit_test(segment_heads),
		cmocka_unit_test(a_foreign_file_is_no_torn_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
