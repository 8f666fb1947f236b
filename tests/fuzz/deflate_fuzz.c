/* tests/fuzz/deflate_fuzz.c - compressed messages from a client, and any text there and back.
 *
 * Byte 0 chooses the size of each output, byte 1 the level. What comes out must not depend on the
 * sizes of the outputs, nor on the message before; what is compressed must come back.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define INPUT_SIZE_MAX (1u << 16)
#define OUTPUT_SIZE_MAX (1u << 18)

static struct deflate *codec_make(int level)
{
	void *memory = malloc(DEFLATE_MEMORY_SIZE);
	struct deflate *codec;

	ASSERT(memory != NULL);
	codec = deflate_init(memory, DEFLATE_MEMORY_SIZE, level);
	ASSERT(codec != NULL);
	return codec;
}

/* Outputs of `step` bytes, until the end or until OUTPUT_SIZE_MAX is reached. */
static enum status inflate_in_steps(struct deflate *codec, struct slice message, size_t step,
				    struct writer *writer)
{
	enum status status = STATUS_AGAIN;

	deflate_begin(codec, message);
	while (status == STATUS_AGAIN && writer->size < writer->capacity) {
		size_t room = writer->capacity - writer->size;
		size_t size = SIZE_MAX;

		room = step < room ? step : room;
		status = deflate_inflate(codec, writer->bytes + writer->size, room, &size);
		ASSERT(size <= room);
		ASSERT(status != STATUS_AGAIN || size == room);
		ASSERT(status != STATUS_TOO_LARGE && status != STATUS_NO_MEMORY);
		writer->size += size;
	}
	return status;
}

static void check_inflate(struct slice message, size_t step)
{
	static uint8_t whole_bytes[OUTPUT_SIZE_MAX];
	static uint8_t steps_bytes[OUTPUT_SIZE_MAX];
	struct deflate *codec = codec_make(1);
	struct writer whole;
	struct writer steps;

	writer_init(&whole, whole_bytes, sizeof(whole_bytes));
	writer_init(&steps, steps_bytes, sizeof(steps_bytes));
	enum status status = inflate_in_steps(codec, message, OUTPUT_SIZE_MAX, &whole);

	/* the same codec: nothing of the first time is left */
	ASSERT(inflate_in_steps(codec, message, step, &steps) == status);
	ASSERT(slice_equal(writer_written(&whole), writer_written(&steps)));
	free(codec);
}

static void check_round_trip(struct slice text, int level, size_t step)
{
	static uint8_t compressed_bytes[INPUT_SIZE_MAX * 2];
	static uint8_t read_bytes[INPUT_SIZE_MAX + 1];
	struct deflate *codec = codec_make(level);
	size_t stored = text.size / 3;
	struct writer compressed;
	struct writer read;

	writer_init(&compressed, compressed_bytes, sizeof(compressed_bytes));
	writer_init(&read, read_bytes, sizeof(read_bytes));
	deflate_write_stored_head(&compressed, stored);
	writer_bytes(&compressed, text.bytes, stored);
	enum status status = deflate_compress(codec, slice_skip(text, stored), &compressed);

	ASSERT(status == STATUS_OK);
	status = inflate_in_steps(codec, writer_written(&compressed), step, &read);
	ASSERT(status == STATUS_OK && slice_equal(writer_written(&read), text));
	free(codec);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 3 || size > INPUT_SIZE_MAX)
		return 0;

	struct slice rest = slice_of(bytes + 2, size - 2);
	size_t step = 1 + (size_t)bytes[0] * bytes[0];

	check_inflate(rest, step);
	check_round_trip(rest, 1 + bytes[1] % 9, step);
	return 0;
}
