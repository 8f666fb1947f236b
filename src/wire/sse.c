/* wire/sse.c - fields and lines of an event stream. */
#include "wire/sse.h"

#include "wire/event_id.h"

#define DATA_FIELD "data: " /* with the blank that readers take off */

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7F;
}

static bool is_break(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static void write_line_text(struct writer *writer, struct slice text)
{
	size_t start = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (!is_control(text.bytes[i]))
			continue;
		writer_bytes(writer, text.bytes + start, i - start);
		writer_text(writer, "_");
		start = i + 1;
	}
	writer_slice(writer, slice_skip(text, start));
}

/* The LF of a CRLF, also of one that two parts share, ends no line of its own. */
static bool is_second_half(uint8_t before, uint8_t c)
{
	return before == '\r' && c == '\n';
}

/* What stands in the data for a line break. */
static struct slice break_of(const struct sse_event *event)
{
	return event->is_flat ? SLICE(" ") : SLICE("\n" DATA_FIELD);
}

/* Writes part `index`. `before`: the last byte of the data so far, kept from part to part. */
static void write_part(struct writer *writer, const struct sse_event *event, size_t index,
		       uint8_t *before)
{
	struct slice part = event->parts[index];
	size_t start = 0;

	for (size_t i = 0; i < part.size; i++) {
		uint8_t c = part.bytes[i];

		if (is_break(c)) {
			writer_bytes(writer, part.bytes + start, i - start);
			if (!is_second_half(*before, c))
				writer_slice(writer, break_of(event));
			start = i + 1;
		}
		*before = c;
	}
	if (start < part.size)
		writer_bytes(writer, part.bytes + start, part.size - start);
}

static size_t part_size(const struct sse_event *event, size_t index, uint8_t *before)
{
	struct slice part = event->parts[index];
	size_t size = part.size;

	for (size_t i = 0; i < part.size; i++) {
		uint8_t c = part.bytes[i];

		if (is_break(c))
			size = size - 1 + (is_second_half(*before, c) ? 0 : break_of(event).size);
		*before = c;
	}
	return size;
}

static size_t id_line_size(struct event_id id)
{
	uint8_t text[EVENT_ID_TEXT_MAX];
	struct writer writer;

	if (event_id_is_none(id))
		return 0;
	writer_init(&writer, text, sizeof(text));
	event_id_write(&writer, id);
	return sizeof("id: \n") - 1 + writer.size;
}

size_t sse_event_size(const struct sse_event *event)
{
	size_t size = id_line_size(event->id) + sizeof(DATA_FIELD "\n\n") - 1;
	uint8_t before = 0;

	if (event->type.size > 0)
		size += sizeof("event: \n") - 1 + event->type.size;
	for (size_t i = 0; i < SSE_PARTS_MAX; i++)
		size += part_size(event, i, &before);
	return size;
}

size_t sse_event_fit(struct sse_event *event, size_t size_max)
{
	size_t size = sse_event_size(event);

	if (size <= size_max)
		return size;
	event->is_flat = true;
	return sse_event_size(event);
}

void sse_write_event(struct writer *writer, const struct sse_event *event)
{
	uint8_t before = 0;

	if (!event_id_is_none(event->id)) {
		writer_text(writer, "id: ");
		event_id_write(writer, event->id);
		writer_text(writer, "\n");
	}
	if (event->type.size > 0) {
		writer_text(writer, "event: ");
		write_line_text(writer, event->type);
		writer_text(writer, "\n");
	}
	writer_text(writer, DATA_FIELD);
	for (size_t i = 0; i < SSE_PARTS_MAX; i++)
		write_part(writer, event, i, &before);
	writer_text(writer, "\n\n");
}

/* The line without the name of its field, which is `name`. */
static bool is_field(struct slice line, const char *name, struct slice *ret_value)
{
	struct slice prefix = slice_of_text(name);

	if (!slice_starts_with(line, prefix))
		return false;
	*ret_value = slice_skip(line, prefix.size);
	return true;
}

/* The line at the start of *bytes, without its end. Absent: no whole one. */
static struct slice cut_line(struct slice *bytes)
{
	const uint8_t *end = bytes->size ? memchr(bytes->bytes, '\n', bytes->size) : NULL;
	struct slice line = {NULL, 0};

	if (!end)
		return line;
	line = slice_of(bytes->bytes, (size_t)(end - bytes->bytes));
	*bytes = slice_skip(*bytes, line.size + 1);
	return line;
}

bool sse_cut_event(struct slice *bytes, struct sse_cut *ret_cut)
{
	struct sse_cut cut = {{0, 0}, {NULL, 0}};
	struct slice rest = *bytes;
	struct slice line, value;

	while (line = cut_line(&rest), line.size > 0) {
		if (is_field(line, "id: ", &value)) {
			if (!event_id_parse(value, &cut.id))
				return false;
		} else if (is_field(line, DATA_FIELD, &value)) {
			const uint8_t *start = cut.data.bytes ? cut.data.bytes : value.bytes;

			cut.data = slice_of(start, (size_t)(value.bytes + value.size - start));
		}
	}
	if (slice_is_absent(line))
		return false;
	*bytes = rest;
	*ret_cut = cut;
	return true;
}

void sse_write_data(struct writer *writer, const struct sse_cut *cut)
{
	struct slice rest = cut->data;
	struct slice line;

	while (line = cut_line(&rest), !slice_is_absent(line)) {
		writer_slice(writer, line);
		writer_text(writer, "\n");
		rest = slice_skip(rest, sizeof(DATA_FIELD) - 1);
	}
	writer_slice(writer, rest);
}

void sse_write_retry(struct writer *writer, uint32_t retry_ms)
{
	writer_text(writer, "retry: ");
	writer_u64(writer, retry_ms);
	writer_text(writer, "\n\n");
}

void sse_write_comment(struct writer *writer, const char *text)
{
	writer_text(writer, ": ");
	write_line_text(writer, slice_of_text(text));
	writer_text(writer, "\n\n");
}
