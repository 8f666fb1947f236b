/* tests/fuzz/log_entry_fuzz.c - what a producer may put into the log.
 *
 * The input is the fields of one entry: names and values in turn, with byte 0xFF after each. Of
 * an entry that lives, everything that is built from it must be sound. An input that is JSON is
 * read as a publish object as well, and the fields that come out go the same way.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/channel_name.h"
#include "wire/envelope.h"
#include "wire/event_id.h"
#include "wire/publish.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define SEPARATOR 0xFF
#define FIELDS_MAX 128
#define ENTRY_SIZE_MAX 65536

/* Returns memory of exactly `size` bytes. */
static uint8_t *allocate(size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	ASSERT(bytes != NULL);
	return bytes;
}

static void check_member(struct json_value envelope, const char *key, struct slice expected)
{
	struct json_value value;
	bool found = json_find(envelope, key, &value);

	ASSERT(found == !slice_is_absent(expected));
	ASSERT(!found || json_string_equal(value.text, expected));
	ASSERT(json_count(envelope, key) == (uint32_t)found);
}

static void check_envelope(const struct entry *entry, struct slice text, struct slice channel)
{
	struct json_value data;

	ASSERT(json_is_valid(text));
	struct json_value envelope = json_read(text);
	ASSERT(envelope.type == JSON_OBJECT);
	ASSERT(envelope.text.size == text.size);
	ASSERT(json_find(envelope, "data", &data) && json_count(envelope, "data") == 1);
	ASSERT(slice_equal(data.text, json_read(entry->data).text));
	/* byte for byte, with the white space around it: it ends right before the last brace */
	ASSERT(text.size > entry->data.size);
	ASSERT(slice_equal(
		slice_of(text.bytes + text.size - 1 - entry->data.size, entry->data.size),
		entry->data));
	check_member(envelope, "type", entry->type);
	check_member(envelope, "event", entry->event);
	check_member(envelope, "channel", channel);
	check_member(envelope, "id", entry->id);
	check_member(envelope, "key", entry->key);
	check_member(envelope, "trace", entry->traceparent);
	ASSERT(json_find(envelope, "timestamp", &data) && json_count(envelope, "timestamp") == 1);
}

static void check_channel(const struct entry *entry, struct slice channel)
{
	const struct event_id id = {1769337000000, UINT64_MAX};
	size_t parts_max = envelope_size_max(entry);
	size_t capacity = parts_max + 6 * channel.size + 2;
	uint8_t *bytes = allocate(capacity);
	struct writer writer;

	ASSERT(channel_name_is_valid(channel));
	ASSERT(channel_name_namespace(channel).size <= channel.size);
	writer_init(&writer, bytes, capacity);
	envelope_write_head(&writer, entry, id);
	size_t head_size = writer.size;
	json_write_string(&writer, channel);
	size_t channel_size = writer.size - head_size;
	envelope_write_tail(&writer, entry, id);
	ASSERT(!writer.overflow);
	ASSERT(writer.size - channel_size <= parts_max);
	check_envelope(entry, writer_written(&writer), channel);
	free(bytes);
}

static void check_optional(const struct entry *entry)
{
	ASSERT(json_is_valid(entry->data));
	ASSERT(entry_word_is_valid(entry->type));
	ASSERT(slice_is_absent(entry->event) || entry_word_is_valid(entry->event));
	ASSERT(slice_is_absent(entry->ts) || event_id_time_is_valid(entry->ts));
	ASSERT(entry->id.size <= 255 && utf8_is_valid(entry->id));
	ASSERT(entry->key.size <= 255 && utf8_is_valid(entry->key));
	ASSERT(entry->data.size <= ENTRY_SIZE_MAX);
}

static void check_entry(const struct entry_field *fields, uint32_t fields_count)
{
	struct entry entry = {.fields_count = 12345};
	struct slice channel;
	uint32_t cursor = 0;
	uint32_t channels = 0;
	enum entry_reason reason = entry_parse(fields, fields_count, ENTRY_SIZE_MAX, &entry);

	ASSERT(entry_reason_text(reason) != NULL);
	if (reason != ENTRY_OK) {
		ASSERT(entry.fields_count == 12345);
		return;
	}
	check_optional(&entry);
	while (entry_next_channel(&entry, &cursor, &channel)) {
		check_channel(&entry, channel);
		channels++;
	}
	ASSERT(channels > 0 && channels == entry.channels_count);
}

static void check_fields(struct slice input)
{
	struct entry_field fields[FIELDS_MAX];
	uint32_t count = 0;

	while (!slice_is_absent(input) && count < FIELDS_MAX) {
		fields[count].name = slice_cut(&input, SEPARATOR);
		fields[count].value = slice_cut(&input, SEPARATOR);
		count++;
	}
	check_entry(fields, count);
}

static void check_publish(struct slice input)
{
	struct entry_field fields[FIELDS_MAX];
	struct publish publish = {.fields = fields,
				  .fields_max = FIELDS_MAX,
				  .scratch = allocate(input.size),
				  .scratch_capacity = input.size};
	const char *error = publish_parse(json_read(input), &publish);

	ASSERT(publish.fields_count <= FIELDS_MAX);
	ASSERT(publish.scratch_size <= publish.scratch_capacity);
	if (!error)
		check_entry(fields, publish.fields_count);
	free(publish.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice input = slice_of(bytes, size);

	check_fields(input);
	if (json_is_valid(input))
		check_publish(input);
	return 0;
}
