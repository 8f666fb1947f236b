/* tests/unit/wire/event_source.h - a plain reader of event streams, byte by byte.
 *
 * Layer   tests
 * Threads any
 * Memory  the caller's; texts up to EVENT_SOURCE_TEXT_MAX bytes
 * Errors  `overflow` of the writer that events are told to
 *
 * Follows HTML Living Standard section 9.2.6 step by step. Each event that is dispatched is told
 * as "[last event id|type|data]"; a retry as "(milliseconds)".
 */
#ifndef BELFRY_TESTS_UNIT_WIRE_EVENT_SOURCE_H
#define BELFRY_TESTS_UNIT_WIRE_EVENT_SOURCE_H

#include "base/slice.h"
#include "base/writer.h"

#define EVENT_SOURCE_TEXT_MAX 70000

struct event_source {
	uint8_t line[EVENT_SOURCE_TEXT_MAX], data[EVENT_SOURCE_TEXT_MAX];
	uint8_t type[EVENT_SOURCE_TEXT_MAX], id[64];
	size_t line_size, data_size, type_size, id_size;
	bool after_cr;
	struct writer *told;
};

static void event_source_init(struct event_source *source, struct writer *told)
{
	*source = (struct event_source){.told = told};
}

static void event_source_dispatch(struct event_source *source)
{
	bool has_data = source->data_size > 0;

	if (has_data) {
		writer_text(source->told, "[");
		writer_bytes(source->told, source->id, source->id_size);
		writer_text(source->told, "|");
		if (source->type_size == 0)
			writer_text(source->told, "message");
		writer_bytes(source->told, source->type, source->type_size);
		writer_text(source->told, "|");
		writer_bytes(source->told, source->data, source->data_size - 1);
		writer_text(source->told, "]");
	}
	source->data_size = source->type_size = 0;
}

static void event_source_field(struct event_source *source, struct slice name, struct slice value)
{
	uint64_t number;

	if (slice_equal_text(name, "event")) {
		memcpy(source->type, value.bytes, value.size);
		source->type_size = value.size;
	} else if (slice_equal_text(name, "data")) {
		memcpy(source->data + source->data_size, value.bytes, value.size);
		source->data_size += value.size;
		source->data[source->data_size++] = '\n';
	} else if (slice_equal_text(name, "id") && value.size <= sizeof(source->id)) {
		memcpy(source->id, value.bytes, value.size);
		source->id_size = value.size;
	} else if (slice_equal_text(name, "retry") && slice_to_u64(value, &number)) {
		writer_format(source->told, "(%lu)", number);
	}
}

static void event_source_line(struct event_source *source)
{
	struct slice line = slice_of(source->line, source->line_size);
	const uint8_t *colon = memchr(source->line, ':', line.size);
	size_t name_size = colon ? (size_t)(colon - source->line) : line.size;
	struct slice value = slice_skip(line, colon ? name_size + 1 : line.size);

	source->line_size = 0;
	if (line.size == 0)
		event_source_dispatch(source);
	if (line.size == 0 || name_size == 0)
		return;
	if (value.size > 0 && value.bytes[0] == ' ')
		value = slice_skip(value, 1);
	event_source_field(source, slice_of(line.bytes, name_size), value);
}

static void event_source_feed(struct event_source *source, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t c = bytes.bytes[i];
		bool is_second_half = source->after_cr && c == '\n';

		source->after_cr = c == '\r';
		if (is_second_half)
			continue;
		if (c == '\r' || c == '\n')
			event_source_line(source);
		else
			source->line[source->line_size++] = c;
	}
}

#endif
