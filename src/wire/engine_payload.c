/* wire/engine_payload.c - from frames to packets. */
#include "wire/engine_payload.h"

#include "base/assert.h"
#include "wire/engine_io.h"
#include "wire/ws_frame.h"

/* The frame's payload; *ret_size is that of the frame. */
static struct slice payload_of(struct slice frames, size_t *ret_size)
{
	size_t header = 2;
	uint64_t size = 0;

	ASSERT(frames.size >= 2 && (frames.bytes[1] & 0x80) == 0);
	if (frames.bytes[1] >= 126)
		header = frames.bytes[1] == 126 ? 4 : 10;
	ASSERT(frames.size >= header);
	if (header == 2)
		size = frames.bytes[1];
	for (size_t i = 2; i < header; i++)
		size = size << 8 | frames.bytes[i];
	ASSERT(size <= frames.size - header);
	*ret_size = header + (size_t)size;
	return slice_of(frames.bytes + header, (size_t)size);
}

size_t engine_payload_write(struct writer *writer, struct slice frames, size_t size_max)
{
	size_t done = 0;

	while (done < frames.size) {
		size_t frame_size;
		struct slice packet = payload_of(slice_skip(frames, done), &frame_size);
		bool is_text = (frames.bytes[done] & 0x0F) == WS_TEXT;

		if (is_text && writer->size > 0 && writer->size + 1 + packet.size > size_max)
			break;
		if (is_text)
			engine_io_add(writer, packet);
		done += frame_size;
	}
	ASSERT(!writer->overflow);
	return done;
}
