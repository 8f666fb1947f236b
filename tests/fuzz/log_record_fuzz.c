/* tests/fuzz/log_record_fuzz.c - the bytes of a log's file, as a broken disk may give them.
 *
 * The first byte chooses. 0: the rest are records, as they lie in a file, salt 0, from offset 0
 * on; what is whole must be sound and must come out the same when it is written again. 1: the
 * rest is a segment's head. Anything else: as 0, but each piece between bytes 0xFF is a body that
 * gets a right head first, so that what is behind the checksums is reached.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "log/log_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint8_t *allocate(size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	ASSERT(bytes != NULL);
	return bytes;
}

static void check_same(struct slice record, const uint8_t *again, size_t size)
{
	ASSERT(slice_equal(record, slice_of(again, size)));
}

static void check_entry(struct log_record record, struct log_place place, struct slice bytes)
{
	struct entry_field *fields =
		(struct entry_field *)allocate(record.fields_count * sizeof(*fields));
	uint32_t count = record.fields_count;

	for (uint32_t i = 0; i < count; i++)
		ASSERT(log_record_next_field(&record, &fields[i]));
	ASSERT(!log_record_next_field(&record, &fields[0]));
	size_t size = log_record_entry_size(fields, count);
	uint8_t *again = allocate(size);

	log_record_write_entry(again, place, record.id, fields, count);
	check_same(bytes, again, size);
	free(again);
	free(fields);
}

static void check_mark(const struct log_record *record, struct log_place place, struct slice bytes)
{
	size_t size = log_record_mark_size(record->key, record->value);
	uint8_t *again = allocate(size);

	log_record_write_mark(again, place, record->key, record->value);
	check_same(bytes, again, size);
	free(again);
}

static void check_records(struct slice bytes)
{
	struct log_place place = {0, 0};
	struct log_record record;

	while (log_record_parse(bytes, place, &record) == LOG_RECORD_WHOLE) {
		struct slice whole = slice_of(bytes.bytes, record.size);

		ASSERT(record.size <= bytes.size);
		ASSERT(log_record_is_in(bytes, place));
		if (record.kind == LOG_RECORD_ENTRY)
			check_entry(record, place, whole);
		else
			check_mark(&record, place, whole);
		place.offset += record.size;
		bytes = slice_skip(bytes, record.size);
	}
	(void)log_record_is_in(bytes, place);
}

static void check_head(struct slice bytes)
{
	uint8_t again[LOG_SEGMENT_HEAD_SIZE];
	struct log_segment_head head;

	(void)log_record_is_torn_segment(bytes);
	if (!log_record_parse_segment(bytes, &head))
		return;
	log_record_write_segment(&head, again);
	ASSERT(bytes.size >= sizeof(again));
	ASSERT(memcmp(bytes.bytes, again, 56) == 0); /* but for what is kept free */
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* What log_record.c writes before a body, by its header's description. */
static void write_head(uint8_t *bytes, struct slice body, uint64_t offset)
{
	uint8_t place[16] = {0};
	uint8_t numbers[8];

	put_u32(place + 8, (uint32_t)offset);
	uint32_t sum = crc32c(0, slice_of(place, sizeof(place)));
	uint32_t body_sum = crc32c(sum, body);

	put_u32(numbers, (uint32_t)body.size);
	put_u32(numbers + 4, body_sum);
	put_u32(bytes, (uint32_t)body.size);
	put_u32(bytes + 4, crc32c(sum, slice_of(numbers, sizeof(numbers))));
	put_u32(bytes + 8, body_sum);
}

static void check_bodies(struct slice input)
{
	size_t room = (input.size + 1) * (LOG_RECORD_HEAD_SIZE + 1);
	uint8_t *bytes = allocate(room);
	size_t size = 0;

	while (!slice_is_absent(input)) {
		struct slice body = slice_cut(&input, 0xFF);

		write_head(bytes + size, body, size);
		memcpy(bytes + size + LOG_RECORD_HEAD_SIZE, body.bytes, body.size);
		size += LOG_RECORD_HEAD_SIZE + body.size;
	}
	uint8_t *exact = allocate(size);

	ASSERT(size <= room);
	memcpy(exact, bytes, size);
	check_records(slice_of(exact, size));
	free(exact);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice input = slice_of(bytes, size);

	if (size == 0)
		return 0;
	if (bytes[0] == 0)
		check_records(slice_skip(input, 1));
	else if (bytes[0] == 1)
		check_head(slice_skip(input, 1));
	else
		check_bodies(slice_skip(input, 1));
	return 0;
}
