/* wire/ws_frame.h - frames from server to client (RFC 6455 section 5.2): never masked.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  the writer's overflow
 */
#ifndef BELFRY_WIRE_WS_FRAME_H
#define BELFRY_WIRE_WS_FRAME_H

#include "base/writer.h"
#include "belfry/limits.h"

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xA,
};

#define WS_RSV1 0x40 /* in the first byte of a frame: compressed (RFC 7692 section 6) */

/* Bytes of the header before a payload of this size: 2, 4 or 10. */
static inline size_t ws_frame_header_size(uint64_t payload_size)
{
	return payload_size <= 125 ? 2 : payload_size <= 0xFFFF ? 4 : 10;
}

/* Writes the header of a final frame. Returns its size. */
size_t ws_frame_write_header(uint8_t bytes[FRAME_HEADER_MAX], enum ws_opcode opcode,
			     uint64_t payload_size);

/* Writes a whole final frame. */
void ws_frame_write(struct writer *writer, enum ws_opcode opcode, struct slice payload);

/* Writes a close frame; code 0: without a body. `reason` is at most 123 bytes of UTF-8. */
void ws_frame_write_close(struct writer *writer, uint16_t code, const char *reason);

#endif
