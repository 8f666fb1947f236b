/* log/log_record.c - packing, checksums and their check. */
#include "log/log_record.h"

#include <endian.h>
#include <string.h>

#include "base/assert.h"
#include "base/crc32c.h"

#define MAGIC_SIZE 16
#define ENTRY_HEAD_SIZE 21 /* kind, id, fields */
#define FIELD_HEAD_SIZE 8
#define MARK_HEAD_SIZE 5 /* kind, key size */
#define BODY_SIZE_MAX (LOG_RECORD_SIZE_MAX - LOG_RECORD_HEAD_SIZE)

static const uint8_t magic[MAGIC_SIZE] = "belfry log 1\n\0\0";

static uint8_t *put_u32(uint8_t *bytes, uint32_t value)
{
	value = htole32(value);
	memcpy(bytes, &value, sizeof(value));
	return bytes + sizeof(value);
}

static uint8_t *put_u64(uint8_t *bytes, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, sizeof(value));
	return bytes + sizeof(value);
}

static uint8_t *put_slice(uint8_t *bytes, struct slice slice)
{
	if (slice.size > 0)
		memcpy(bytes, slice.bytes, slice.size);
	return bytes + slice.size;
}

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static uint64_t get_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

void log_record_write_segment(const struct log_segment_head *head, uint8_t *bytes)
{
	uint8_t *end = put_slice(bytes, slice_of(magic, MAGIC_SIZE));

	end = put_u64(end, head->number);
	end = put_u64(end, head->salt);
	end = put_u64(end, head->previous_size);
	end = put_u64(end, head->last.ms);
	end = put_u64(end, head->last.sequence);
	end = put_u32(end, 0);
	end = put_u32(end, crc32c(0, slice_of(bytes, LOG_SEGMENT_HEAD_SIZE - 4)));
	ASSERT(end == bytes + LOG_SEGMENT_HEAD_SIZE);
}

bool log_record_parse_segment(struct slice bytes, struct log_segment_head *ret_head)
{
	const uint8_t *numbers = bytes.bytes + MAGIC_SIZE;

	if (bytes.size < LOG_SEGMENT_HEAD_SIZE || memcmp(bytes.bytes, magic, MAGIC_SIZE) != 0 ||
	    get_u32(bytes.bytes + LOG_SEGMENT_HEAD_SIZE - 4) !=
		    crc32c(0, slice_of(bytes.bytes, LOG_SEGMENT_HEAD_SIZE - 4)))
		return false;
	*ret_head = (struct log_segment_head){
		.number = get_u64(numbers),
		.salt = get_u64(numbers + 8),
		.previous_size = get_u64(numbers + 16),
		.last = {.ms = get_u64(numbers + 24), .sequence = get_u64(numbers + 32)},
	};
	return true;
}

bool log_record_is_torn_segment(struct slice bytes)
{
	size_t size = bytes.size < MAGIC_SIZE ? bytes.size : MAGIC_SIZE;
	uint8_t any = 0;

	for (size_t i = 0; i < bytes.size; i++)
		any |= bytes.bytes[i];
	return bytes.size <= LOG_SEGMENT_HEAD_SIZE &&
	       (any == 0 || memcmp(bytes.bytes, magic, size) == 0);
}

size_t log_record_entry_size(const struct entry_field *fields, uint32_t fields_count)
{
	size_t size = LOG_RECORD_HEAD_SIZE + ENTRY_HEAD_SIZE;

	for (uint32_t i = 0; i < fields_count; i++) {
		if (fields[i].name.size > LOG_RECORD_SIZE_MAX ||
		    fields[i].value.size > LOG_RECORD_SIZE_MAX)
			return 0;
		size += FIELD_HEAD_SIZE + fields[i].name.size + fields[i].value.size;
		if (size > LOG_RECORD_SIZE_MAX)
			return 0;
	}
	return size;
}

size_t log_record_mark_size(struct slice key, struct slice value)
{
	if (key.size > LOG_RECORD_SIZE_MAX / 4 || value.size > LOG_RECORD_SIZE_MAX / 4)
		return 0;
	return LOG_RECORD_HEAD_SIZE + MARK_HEAD_SIZE + key.size + value.size;
}

static uint32_t place_sum(struct log_place place)
{
	uint8_t bytes[16];

	put_u64(put_u64(bytes, place.salt), place.offset);
	return crc32c(0, slice_of(bytes, sizeof(bytes)));
}

static uint32_t head_sum(uint32_t sum_of_place, uint32_t body_size, uint32_t body_sum)
{
	uint8_t bytes[8];

	put_u32(put_u32(bytes, body_size), body_sum);
	return crc32c(sum_of_place, slice_of(bytes, sizeof(bytes)));
}

/* Puts the head before the body that ends at `end`. */
static void write_head(uint8_t *bytes, const uint8_t *end, struct log_place place)
{
	const uint8_t *body = bytes + LOG_RECORD_HEAD_SIZE;
	uint32_t body_size = (uint32_t)(end - body);
	uint32_t sum = place_sum(place);
	uint32_t body_sum = crc32c(sum, slice_of(body, body_size));

	ASSERT(body_size <= BODY_SIZE_MAX);
	bytes = put_u32(bytes, body_size);
	bytes = put_u32(bytes, head_sum(sum, body_size, body_sum));
	put_u32(bytes, body_sum);
}

void log_record_write_entry(uint8_t *bytes, struct log_place place, struct event_id id,
			    const struct entry_field *fields, uint32_t fields_count)
{
	uint8_t *end = bytes + LOG_RECORD_HEAD_SIZE;

	*end++ = LOG_RECORD_ENTRY;
	end = put_u64(end, id.ms);
	end = put_u64(end, id.sequence);
	end = put_u32(end, fields_count);
	for (uint32_t i = 0; i < fields_count; i++) {
		end = put_u32(end, (uint32_t)fields[i].name.size);
		end = put_u32(end, (uint32_t)fields[i].value.size);
		end = put_slice(end, fields[i].name);
		end = put_slice(end, fields[i].value);
	}
	write_head(bytes, end, place);
}

void log_record_write_mark(uint8_t *bytes, struct log_place place, struct slice key,
			   struct slice value)
{
	uint8_t *end = bytes + LOG_RECORD_HEAD_SIZE;

	*end++ = LOG_RECORD_MARK;
	end = put_u32(end, (uint32_t)key.size);
	end = put_slice(end, key);
	end = put_slice(end, value);
	write_head(bytes, end, place);
}

bool log_record_next_field(struct log_record *record, struct entry_field *ret_field)
{
	struct slice rest = record->fields;

	if (rest.size < FIELD_HEAD_SIZE)
		return false;
	uint64_t name_size = get_u32(rest.bytes);
	uint64_t value_size = get_u32(rest.bytes + 4);

	rest = slice_skip(rest, FIELD_HEAD_SIZE);
	if (name_size + value_size > rest.size)
		return false;
	ret_field->name = slice_of(rest.bytes, name_size);
	ret_field->value = slice_of(rest.bytes + name_size, value_size);
	record->fields = slice_skip(rest, name_size + value_size);
	return true;
}

/* The fields are as many as it says, and nothing follows them. */
static bool has_its_fields(struct log_record record)
{
	struct entry_field field;

	for (uint32_t i = 0; i < record.fields_count; i++)
		if (!log_record_next_field(&record, &field))
			return false;
	return record.fields.size == 0;
}

static bool parse_entry(struct slice body, struct log_record *record)
{
	if (body.size < ENTRY_HEAD_SIZE)
		return false;
	record->id.ms = get_u64(body.bytes + 1);
	record->id.sequence = get_u64(body.bytes + 9);
	record->fields_count = get_u32(body.bytes + 17);
	record->fields = slice_skip(body, ENTRY_HEAD_SIZE);
	return has_its_fields(*record);
}

static bool parse_mark(struct slice body, struct log_record *record)
{
	if (body.size < MARK_HEAD_SIZE)
		return false;
	uint32_t key_size = get_u32(body.bytes + 1);

	body = slice_skip(body, MARK_HEAD_SIZE);
	if (key_size > body.size)
		return false;
	record->key = slice_of(body.bytes, key_size);
	record->value = slice_skip(body, key_size);
	return true;
}

static bool parse_body(struct slice body, struct log_record *ret_record)
{
	struct log_record record = {.size = LOG_RECORD_HEAD_SIZE + body.size};
	bool good = false;

	if (body.size > 0 && body.bytes[0] == LOG_RECORD_ENTRY)
		good = parse_entry(body, &record);
	else if (body.size > 0 && body.bytes[0] == LOG_RECORD_MARK)
		good = parse_mark(body, &record);
	if (!good)
		return false;
	record.kind = body.bytes[0];
	*ret_record = record;
	return true;
}

enum log_record_answer log_record_parse(struct slice bytes, struct log_place place,
					struct log_record *ret_record)
{
	if (bytes.size < LOG_RECORD_HEAD_SIZE)
		return LOG_RECORD_CUT;
	uint32_t body_size = get_u32(bytes.bytes);
	uint32_t body_sum = get_u32(bytes.bytes + 8);
	uint32_t sum = place_sum(place);

	if (body_size > BODY_SIZE_MAX ||
	    get_u32(bytes.bytes + 4) != head_sum(sum, body_size, body_sum))
		return LOG_RECORD_BAD;
	bytes = slice_skip(bytes, LOG_RECORD_HEAD_SIZE);
	if (bytes.size < body_size)
		return LOG_RECORD_CUT;
	bytes.size = body_size;
	if (crc32c(sum, bytes) != body_sum || !parse_body(bytes, ret_record))
		return LOG_RECORD_BAD;
	return LOG_RECORD_WHOLE;
}

bool log_record_is_in(struct slice bytes, struct log_place place)
{
	struct log_record record;

	for (; bytes.size >= LOG_RECORD_HEAD_SIZE; bytes = slice_skip(bytes, 1)) {
		if (log_record_parse(bytes, place, &record) == LOG_RECORD_WHOLE)
			return true;
		place.offset++;
	}
	return false;
}
