/* wire/deflate.c - whole messages compressed and inflated. */
#include "wire/deflate.h"

#include <stdalign.h>
#include <stdint.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#include "base/assert.h"

/* memLevel 5: 4,096 hash heads and blocks of 2,048 symbols, as much as fits to the window. */
#define MEMORY_LEVEL 5
#define CLIENT_WINDOW_BITS 15

/* Bits of z_stream.data_type after inflate(), from zlib.h. */
#define UNUSED_BITS 0x3F
#define BETWEEN_BLOCKS 0x80

struct deflate {
	z_stream compressor;
	z_stream inflater;
	uint8_t *memory; /* what zlib gets, from the front; never given back */
	size_t memory_size, memory_used;
	bool is_tail_fed; /* all of the message being inflated was fed, and the tail after it */
	bool is_over;     /* its end was reached */
	uLong size_before_tail;
};

static const uint8_t tail[DEFLATE_TAIL_SIZE] = {0x00, 0x00, 0xFF, 0xFF};

static void *take_memory(void *opaque, unsigned count, unsigned each)
{
	struct deflate *codec = opaque;
	size_t size =
		((size_t)count * each + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	uint8_t *bytes = codec->memory + codec->memory_used;

	if (size > codec->memory_size - codec->memory_used)
		return NULL;
	codec->memory_used += size;
	return bytes;
}

static void keep_memory(void *opaque, void *bytes)
{
	(void)opaque;
	(void)bytes;
}

struct deflate *deflate_init(void *memory, size_t size, int level)
{
	struct deflate *codec = memory;
	z_stream stream = {.zalloc = take_memory, .zfree = keep_memory, .opaque = codec};

	ASSERT(size > sizeof(*codec) && (uintptr_t)memory % alignof(max_align_t) == 0);
	*codec = (struct deflate){
		.compressor = stream,
		.inflater = stream,
		.memory = memory,
		.memory_size = size,
		.memory_used = sizeof(*codec) + alignof(max_align_t) - 1,
	};
	codec->memory_used -= codec->memory_used % alignof(max_align_t);
	if (deflateInit2(&codec->compressor, level, Z_DEFLATED, -DEFLATE_WINDOW_BITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK ||
	    inflateInit2(&codec->inflater, -CLIENT_WINDOW_BITS) != Z_OK)
		return NULL;
	return codec;
}

size_t deflate_memory_used(const struct deflate *codec)
{
	return codec->memory_used;
}

enum status deflate_compress(struct deflate *codec, struct slice text, struct writer *writer)
{
	z_stream *stream = &codec->compressor;
	size_t room = writer->capacity - writer->size;
	int result = deflateReset(stream);

	ASSERT(result == Z_OK && text.size > 0 && text.size <= UINT32_MAX);
	stream->next_in = text.bytes;
	stream->avail_in = (unsigned)text.size;
	stream->next_out = writer->bytes + writer->size;
	stream->avail_out = room < UINT32_MAX ? (unsigned)room : UINT32_MAX;
	/* A full output shows in avail_out, whatever deflate() says to it. */
	(void)deflate(stream, Z_SYNC_FLUSH);
	if (stream->avail_out == 0)
		return STATUS_TOO_LARGE;

	size_t size = (size_t)(stream->next_out - writer->bytes) - writer->size;

	ASSERT(stream->avail_in == 0 && size > sizeof(tail));
	ASSERT(memcmp(stream->next_out - sizeof(tail), tail, sizeof(tail)) == 0);
	writer->size += size - sizeof(tail);
	return STATUS_OK;
}

void deflate_write_stored_head(struct writer *writer, size_t size)
{
	uint8_t low = (uint8_t)size;
	uint8_t high = (uint8_t)(size >> 8);
	const uint8_t head[DEFLATE_STORED_HEAD_SIZE] = {0, low, high, (uint8_t)~low,
							(uint8_t)~high};

	ASSERT(size <= DEFLATE_STORED_MAX);
	writer_bytes(writer, head, sizeof(head));
}

void deflate_begin(struct deflate *codec, struct slice message)
{
	int result = inflateReset(&codec->inflater);

	ASSERT(result == Z_OK && message.size <= UINT32_MAX);
	codec->inflater.next_in = message.bytes;
	codec->inflater.avail_in = (unsigned)message.size;
	codec->is_tail_fed = false;
	codec->is_over = message.size == 0; /* some clients send an empty message so */
}

static void feed_tail(struct deflate *codec)
{
	codec->inflater.next_in = tail;
	codec->inflater.avail_in = sizeof(tail);
	codec->is_tail_fed = true;
	codec->size_before_tail = codec->inflater.total_out;
}

/* All was fed: the tail must have ended a block, at a byte, and added nothing. Else the message
 * was cut off somewhere before it. */
static enum status check_end(const struct deflate *codec)
{
	unsigned where = (unsigned)codec->inflater.data_type;

	return (where & BETWEEN_BLOCKS) != 0 && (where & UNUSED_BITS) == 0 &&
			       codec->inflater.total_out == codec->size_before_tail
		       ? STATUS_OK
		       : STATUS_INVALID;
}

/* One step of zlib. A block with BFINAL ends its stream: what follows is a new one. It should be
 * an empty byte, which the tail completes (RFC 7692 section 7.2.3.4); without it the end is as
 * clear. */
static enum status step(struct deflate *codec)
{
	int result = inflate(&codec->inflater, Z_SYNC_FLUSH);

	if (result == Z_STREAM_END) {
		if (codec->is_tail_fed)
			return STATUS_INVALID;
		codec->is_over = codec->inflater.avail_in == 0;
		result = inflateReset(&codec->inflater);
	}
	if (result == Z_MEM_ERROR)
		return STATUS_NO_MEMORY;
	return result == Z_OK || result == Z_BUF_ERROR ? STATUS_OK : STATUS_INVALID;
}

enum status deflate_inflate(struct deflate *codec, uint8_t *bytes, size_t capacity,
			    size_t *ret_size)
{
	z_stream *stream = &codec->inflater;
	unsigned room = capacity < UINT32_MAX ? (unsigned)capacity : UINT32_MAX;
	enum status status = STATUS_OK;

	stream->next_out = bytes;
	stream->avail_out = room;
	while (status == STATUS_OK && !codec->is_over) {
		status = step(codec);
		if (status != STATUS_OK || codec->is_over)
			break;
		if (stream->avail_out == 0)
			status = STATUS_AGAIN;
		else if (stream->avail_in > 0)
			continue;
		else if (!codec->is_tail_fed)
			feed_tail(codec);
		else {
			status = check_end(codec);
			codec->is_over = true;
		}
	}
	*ret_size = room - stream->avail_out;
	return status;
}
