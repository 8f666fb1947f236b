/* tests/fuzz/engine_io_fuzz.c - bodies and packets that a client may send.
 *
 * The pieces of a body are the body; packets lie in it; what is written again is the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/engine_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_binary(struct slice payload)
{
	uint8_t *decoded = malloc(payload.size + 1);
	size_t size = SIZE_MAX;

	ASSERT(decoded != NULL);
	if (engine_io_read_binary(payload, decoded, payload.size, &size))
		ASSERT(size <= payload.size);
	else
		ASSERT(size == SIZE_MAX);
	free(decoded);
}

static void check_packet(struct slice text, struct writer *again)
{
	struct engine_io_packet packet;

	if (!engine_io_parse(text, &packet))
		return;
	ASSERT(packet.payload.size == text.size - 1);
	ASSERT(packet.payload.size == 0 || packet.payload.bytes == text.bytes + 1);
	if (packet.type == ENGINE_IO_BINARY)
		check_binary(packet.payload);
	engine_io_write(again, packet.type, packet.payload);
	ASSERT(slice_equal(writer_written(again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice rest = slice_of(size > 0 ? bytes : (const uint8_t *)"", size);
	uint8_t *body = malloc(size + 1), *room = malloc(size + 1);
	struct writer joined, again;
	size_t pieces_size = 0, pieces = 0;
	struct slice text;

	ASSERT(body != NULL && room != NULL);
	writer_init(&joined, body, size);
	while (engine_io_next(&rest, &text)) {
		writer_init(&again, room, size);
		check_packet(text, &again);
		pieces_size += text.size;
		pieces++;
		/* A body that is empty so far takes no separator: an empty first piece is lost. */
		engine_io_add(&joined, text);
	}
	ASSERT(pieces > 0 && pieces_size + pieces - 1 == size);
	ASSERT(!joined.overflow && joined.size <= size);
	ASSERT((size > 0 && bytes[0] == ENGINE_IO_SEPARATOR) ||
	       slice_equal(writer_written(&joined), slice_of(bytes, size)));
	free(body);
	free(room);
	return 0;
}
