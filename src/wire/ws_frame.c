/* wire/ws_frame.c - frames from server to client. */
#include "wire/ws_frame.h"

#include "base/assert.h"

#define FIN 0x80

size_t ws_frame_write_header(uint8_t bytes[FRAME_HEADER_MAX], enum ws_opcode opcode,
			     uint64_t payload_size)
{
	size_t size = ws_frame_header_size(payload_size);

	ASSERT(opcode < WS_CLOSE || payload_size <= CONTROL_PAYLOAD_MAX);
	bytes[0] = (uint8_t)(FIN | opcode);
	bytes[1] = (uint8_t)(size == 2 ? payload_size : size == 4 ? 126 : 127);
	for (size_t i = size; i > 2; i--) {
		bytes[i - 1] = (uint8_t)payload_size;
		payload_size >>= 8;
	}
	return size;
}

void ws_frame_write(struct writer *writer, enum ws_opcode opcode, struct slice payload)
{
	uint8_t header[FRAME_HEADER_MAX];

	writer_bytes(writer, header, ws_frame_write_header(header, opcode, payload.size));
	writer_slice(writer, payload);
}

void ws_frame_write_close(struct writer *writer, uint16_t code, const char *reason)
{
	uint8_t body[CONTROL_PAYLOAD_MAX];
	struct slice text = slice_of_text(reason);

	if (code == 0) {
		ws_frame_write(writer, WS_CLOSE, slice_of(body, 0));
		return;
	}
	ASSERT(text.size <= sizeof(body) - 2);
	body[0] = (uint8_t)(code >> 8);
	body[1] = (uint8_t)code;
	if (text.size > 0)
		memcpy(body + 2, text.bytes, text.size);
	ws_frame_write(writer, WS_CLOSE, slice_of(body, 2 + text.size));
}
