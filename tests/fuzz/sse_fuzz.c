/* tests/fuzz/sse_fuzz.c - a type and data of any bytes, read back as one event.
 *
 * Byte 0 is the size of the type, byte 1 and 2 where the data is cut into three parts. Whatever
 * the bytes are, a plain reader sees one event: the type without control characters, and the data
 * with each line break as LF.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/wire/event_source.h"
#include "base/assert.h"
#include "wire/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define INPUT_SIZE_MAX 4096

static void write_normal(struct writer *writer, struct slice data)
{
	for (size_t i = 0; i < data.size; i++) {
		uint8_t c = data.bytes[i];

		if (c == '\n' && i > 0 && data.bytes[i - 1] == '\r')
			continue;
		writer_bytes(writer, c == '\r' ? (const uint8_t *)"\n" : &data.bytes[i], 1);
	}
}

static void tell_expected(struct writer *writer, struct slice type, struct slice data)
{
	writer_text(writer, type.size == 0 ? "[5-6|message" : "[5-6|");
	for (size_t i = 0; i < type.size; i++) {
		bool is_control = type.bytes[i] < 0x20 || type.bytes[i] == 0x7F;

		writer_bytes(writer, is_control ? (const uint8_t *)"_" : &type.bytes[i], 1);
	}
	writer_text(writer, "|");
	write_normal(writer, data);
	writer_text(writer, "]");
}

static void check_read(struct slice stream, struct slice type, struct slice data)
{
	static uint8_t expected_text[2 * INPUT_SIZE_MAX], told_text[2 * INPUT_SIZE_MAX];
	struct event_source *source = malloc(sizeof(*source));
	struct writer expected, told;

	ASSERT(source != NULL);
	writer_init(&expected, expected_text, sizeof(expected_text));
	writer_init(&told, told_text, sizeof(told_text));
	event_source_init(source, &told);
	event_source_feed(source, stream);
	tell_expected(&expected, type, data);
	ASSERT(!told.overflow && !expected.overflow);
	ASSERT(slice_equal(writer_written(&told), writer_written(&expected)));
	free(source);
}

/* The same data comes out by cutting. */
static void check_cut(struct slice stream, struct slice data)
{
	static uint8_t expected_text[2 * INPUT_SIZE_MAX], told_text[8 * INPUT_SIZE_MAX];
	struct writer expected, told;
	struct slice part = slice_of(stream.bytes, stream.size - 1);
	struct sse_cut cut;

	ASSERT(!sse_cut_event(&part, &cut));
	ASSERT(sse_cut_event(&stream, &cut) && stream.size == 0);
	ASSERT(cut.id.ms == 5 && cut.id.sequence == 6);
	writer_init(&told, told_text, cut.data.size);
	sse_write_data(&told, &cut);
	writer_init(&expected, expected_text, sizeof(expected_text));
	write_normal(&expected, data);
	ASSERT(!told.overflow && !expected.overflow);
	ASSERT(slice_equal(writer_written(&told), writer_written(&expected)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice rest, type;

	if (size < 3 || size > INPUT_SIZE_MAX)
		return 0;
	rest = slice_of(bytes + 3, size - 3);
	type = slice_of(rest.bytes, bytes[0] < rest.size ? bytes[0] : rest.size);
	rest = slice_skip(rest, type.size);

	size_t first = bytes[1] < rest.size ? bytes[1] : rest.size;
	size_t second = bytes[2] < rest.size - first ? bytes[2] : rest.size - first;
	struct sse_event event = {
		.id = {5, 6},
		.type = type,
		.parts = {slice_of(rest.bytes, first), slice_of(rest.bytes + first, second),
			  slice_skip(rest, first + second)},
	};
	size_t written = sse_event_size(&event);
	uint8_t *room = malloc(written);
	struct writer writer;

	ASSERT(room != NULL);
	writer_init(&writer, room, written);
	sse_write_event(&writer, &event);
	ASSERT(!writer.overflow && writer.size == written);
	check_read(writer_written(&writer), type, rest);
	check_cut(writer_written(&writer), rest);
	free(room);
	return 0;
}
