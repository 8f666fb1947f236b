/* wsbench/inbound.c - reading what a WebSocket server sends. */
#include "wsbench/inbound.h"

#include <string.h>

#define FIN_BIT 0x80
#define RESERVED_BITS 0x70
#define MASK_BIT 0x80

static uint64_t read_big_endian(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

enum inbound inbound_read_frame(struct slice bytes, struct inbound_frame *ret_frame)
{
	if (bytes.size < 2)
		return INBOUND_MORE;
	uint8_t first = bytes.bytes[0], second = bytes.bytes[1];
	uint64_t payload_size = second & 0x7F;
	size_t length_size = payload_size == 126 ? 2 : payload_size == 127 ? 8 : 0;
	if (!(first & FIN_BIT) || (first & RESERVED_BITS) || (second & MASK_BIT) ||
	    (first & 0x0F) == WS_CONTINUATION)
		return INBOUND_BROKEN;
	if (bytes.size < 2 + length_size)
		return INBOUND_MORE;
	if (length_size > 0)
		payload_size = read_big_endian(bytes.bytes + 2, length_size);
	if (payload_size > INBOUND_FRAME_MAX)
		return INBOUND_BROKEN;
	size_t header_size = 2 + length_size;
	if (bytes.size - header_size < payload_size)
		return INBOUND_MORE;
	*ret_frame = (struct inbound_frame){
		.opcode = (enum ws_opcode)(first & 0x0F),
		.payload = slice_of(bytes.bytes + header_size, payload_size),
		.size = header_size + payload_size,
	};
	return INBOUND_WHOLE;
}

struct slice inbound_header(struct slice head, const char *name)
{
	struct slice wanted = slice_of_text(name);

	slice_cut(&head, '\n');
	while (!slice_is_absent(head)) {
		struct slice line = slice_cut(&head, '\n');
		struct slice key = slice_cut(&line, ':');

		if (slice_equal_fold(key, wanted) && !slice_is_absent(line)) {
			if (line.size > 0 && line.bytes[line.size - 1] == '\r')
				line.size--;
			return slice_trim(line);
		}
	}
	return (struct slice){NULL, 0};
}

enum inbound inbound_read_answer(struct slice bytes, struct inbound_answer *ret_answer)
{
	static const char version[] = "HTTP/1.1 ";
	const size_t version_size = sizeof(version) - 1;
	uint64_t status;

	const uint8_t *end = memmem(bytes.bytes, bytes.size, "\r\n\r\n", 4);
	if (!end)
		return bytes.size > INBOUND_ANSWER_MAX ? INBOUND_BROKEN : INBOUND_MORE;
	struct slice head = slice_of(bytes.bytes, (size_t)(end - bytes.bytes) + 4);
	if (head.size < version_size + 3 || memcmp(head.bytes, version, version_size) != 0 ||
	    !slice_to_u64(slice_of(head.bytes + version_size, 3), &status))
		return INBOUND_BROKEN;
	*ret_answer = (struct inbound_answer){
		.status = (unsigned)status,
		.accept = inbound_header(head, "Sec-WebSocket-Accept"),
		.size = head.size,
	};
	return INBOUND_WHOLE;
}
