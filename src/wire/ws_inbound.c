/* wire/ws_inbound.c - reads what a client sends on a WebSocket. */
#include "wire/ws_inbound.h"

#define FIN 0x80
#define RSV2_RSV3 0x30
#define OPCODE 0x0F
#define MASKED 0x80
#define LENGTH 0x7F

#define CODE_PROTOCOL 1002
#define CODE_NO_STATUS 1005
#define CODE_NOT_UTF8 1007
#define CODE_TOO_LARGE 1009

_Static_assert(sizeof(struct ws_inbound) < 200, "the header promises it");

void ws_inbound_init(struct ws_inbound *in, uint64_t message_size_max)
{
	*in = (struct ws_inbound){.message_size_max = message_size_max};
}

uint64_t ws_inbound_compressed_max(uint64_t message_size_max)
{
	uint64_t more = message_size_max / 8 + 64;

	return message_size_max < UINT64_MAX - more ? message_size_max + more : UINT64_MAX;
}

bool ws_inbound_is_idle(const struct ws_inbound *in)
{
	return in->header_size == 0 && !in->in_payload && in->message_opcode == 0 && !in->closed;
}

static void violate(struct ws_inbound *in, uint16_t code, const char *reason)
{
	in->closed = true;
	in->violation_code = code;
	in->violation_reason = reason;
}

static bool is_control(const struct ws_inbound *in)
{
	return in->opcode >= WS_CLOSE;
}

/* RFC 7692 section 6.1: RSV1 belongs to the message, so to its first frame. */
static bool may_be_compressed(const struct ws_inbound *in)
{
	return in->takes_compressed && !is_control(in) && in->opcode != WS_CONTINUATION;
}

static void check_first_byte(struct ws_inbound *in, uint8_t byte)
{
	in->opcode = byte & OPCODE;
	in->final = byte & FIN;
	if (byte & RSV2_RSV3 || (byte & WS_RSV1 && !may_be_compressed(in)))
		violate(in, CODE_PROTOCOL, "reserved bits are set");
	else if ((in->opcode > WS_BINARY && in->opcode < WS_CLOSE) || in->opcode > WS_PONG)
		violate(in, CODE_PROTOCOL, "reserved opcode");
	else if (is_control(in) && !in->final)
		violate(in, CODE_PROTOCOL, "fragmented control frame");
	else if (in->opcode == WS_CONTINUATION && in->message_opcode == 0)
		violate(in, CODE_PROTOCOL, "continuation without a message");
	else if (!is_control(in) && in->opcode != WS_CONTINUATION && in->message_opcode != 0)
		violate(in, CODE_PROTOCOL, "new message inside of a message");
	else if (!is_control(in) && in->opcode != WS_CONTINUATION)
		in->compressed = byte & WS_RSV1;
}

/* Bytes of the extended length: 0, 2 or 8. */
static unsigned length_extra(const struct ws_inbound *in)
{
	unsigned length = in->header[1] & LENGTH;

	return length == 126 ? 2 : length == 127 ? 8 : 0;
}

/* Payload size as far as it arrived: what is missing counts as zero bits. *ret_missing is a mask
 * of the missing bits. */
static uint64_t announced_size(const struct ws_inbound *in, uint64_t *ret_missing)
{
	unsigned extra = length_extra(in);
	uint64_t size = 0;
	uint64_t missing = 0;

	*ret_missing = 0;
	if (extra == 0)
		return in->header[1] & LENGTH;
	for (unsigned i = 2; i < 2 + extra; i++) {
		bool arrived = i < in->header_size;

		size = size << 8 | (arrived ? in->header[i] : 0);
		missing = missing << 8 | (arrived ? 0 : 0xFF);
	}
	*ret_missing = missing;
	return size;
}

static uint64_t size_max(const struct ws_inbound *in)
{
	return in->compressed ? ws_inbound_compressed_max(in->message_size_max)
			      : in->message_size_max;
}

/* Called for each byte of the length: refuses it once no continuation could make it good. */
static void check_length(struct ws_inbound *in)
{
	unsigned extra = length_extra(in);
	uint64_t minimum = extra == 2 ? 126 : extra == 8 ? 0x10000 : 0;
	uint64_t missing;
	uint64_t size = announced_size(in, &missing);

	if (size >> 63)
		violate(in, CODE_PROTOCOL, "length over 63 bits");
	else if ((size | missing) < minimum)
		violate(in, CODE_PROTOCOL, "length is not minimal");
	else if (!is_control(in) && size > size_max(in) - in->message_size)
		violate(in, CODE_TOO_LARGE, "message too large");
}

static void check_second_byte(struct ws_inbound *in, uint8_t byte)
{
	unsigned length = byte & LENGTH;

	if (!(byte & MASKED))
		violate(in, CODE_PROTOCOL, "frame is not masked");
	else if (is_control(in) && length > CONTROL_PAYLOAD_MAX)
		violate(in, CODE_PROTOCOL, "control frame over 125 bytes");
	else if (in->opcode == WS_CLOSE && length == 1)
		violate(in, CODE_PROTOCOL, "close payload of one byte");
	else if (length_extra(in) == 0)
		check_length(in);
}

static void begin_payload(struct ws_inbound *in)
{
	uint64_t missing;

	memcpy(in->mask, in->header + in->header_size - sizeof(in->mask), sizeof(in->mask));
	in->mask_offset = 0;
	in->frame_left = announced_size(in, &missing);
	in->header_size = 0;
	in->control_size = 0;
	in->in_payload = true;
	if (is_control(in))
		return;
	in->message_size += in->frame_left;
	if (in->opcode != WS_CONTINUATION)
		in->message_opcode = in->opcode;
}

static void read_header_byte(struct ws_inbound *in, uint8_t byte)
{
	in->header[in->header_size++] = byte;
	if (in->header_size == 1) {
		check_first_byte(in, byte);
		return;
	}

	unsigned length_end = 2 + length_extra(in);

	if (in->header_size == 2)
		check_second_byte(in, byte);
	else if (in->header_size <= length_end)
		check_length(in);
	if (!in->closed && in->header_size == length_end + sizeof(in->mask))
		begin_payload(in);
}

/* Eight bytes at a time: the mask repeats every four, so the key is the same for each word. */
static void unmask(struct ws_inbound *in, uint8_t *bytes, size_t size)
{
	uint8_t key_bytes[8];
	uint64_t key;
	uint64_t word;
	size_t at = 0;

	for (unsigned i = 0; i < sizeof(key_bytes); i++)
		key_bytes[i] = in->mask[(in->mask_offset + i) & 3];
	memcpy(&key, key_bytes, sizeof(key));
	for (; size - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		word ^= key;
		memcpy(bytes + at, &word, sizeof(word));
	}
	for (; at < size; at++)
		bytes[at] ^= key_bytes[at & 7];
	in->mask_offset = (uint8_t)((in->mask_offset + size) & 3);
}

/* RFC 6455 section 7.4 and the registry that it opened. */
static bool is_wire_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static void finish_close(struct ws_inbound *in, struct ws_inbound_event *event)
{
	struct slice body = slice_of(in->control, in->control_size);
	uint16_t code = CODE_NO_STATUS;

	if (body.size > 0) {
		code = (uint16_t)(body.bytes[0] << 8 | body.bytes[1]);
		body = slice_skip(body, 2);
		if (!is_wire_close_code(code)) {
			violate(in, CODE_PROTOCOL, "close code is not allowed");
			return;
		}
	}
	if (!utf8_is_valid(body)) {
		violate(in, CODE_NOT_UTF8, "close reason is not UTF-8");
		return;
	}
	in->closed = true;
	*event = (struct ws_inbound_event){
		.type = WS_EVENT_CLOSE, .opcode = WS_CLOSE, .payload = body, .code = code};
}

static size_t read_control(struct ws_inbound *in, const uint8_t *bytes, size_t size,
			   struct ws_inbound_event *event)
{
	size_t taken = size < in->frame_left ? size : (size_t)in->frame_left;

	memcpy(in->control + in->control_size, bytes, taken);
	in->control_size = (uint8_t)(in->control_size + taken);
	in->frame_left -= taken;
	if (in->frame_left > 0)
		return taken;
	unmask(in, in->control, in->control_size);
	in->in_payload = false;
	if (in->opcode == WS_CLOSE) {
		finish_close(in, event);
		return taken;
	}
	*event = (struct ws_inbound_event){
		.type = in->opcode == WS_PING ? WS_EVENT_PING : WS_EVENT_PONG,
		.opcode = (enum ws_opcode)in->opcode,
		.payload = slice_of(in->control, in->control_size),
	};
	return taken;
}

/* Bytes of `text` that may be told. Fewer than all: a violation was noted. The byte that shows it
 * is left out (and so not used up), so that the caller comes back for the violation. */
static size_t check_text(struct ws_inbound *in, struct slice text, bool last)
{
	struct utf8 before = in->utf8;
	size_t good = 0;

	if (utf8_feed(&in->utf8, text) && (!last || utf8_is_complete(&in->utf8)))
		return text.size;
	violate(in, CODE_NOT_UTF8, "text is not UTF-8");
	while (good < text.size && utf8_feed(&before, slice_of(text.bytes + good, 1)))
		good++;
	/* All of it was good, but it ends inside of a sequence: the last byte shows it. */
	return good == text.size && good > 0 ? good - 1 : good;
}

/* The checker of UTF-8 needs nothing: after a whole text it is as it was at the start. */
static void end_message(struct ws_inbound *in)
{
	in->message_opcode = 0;
	in->message_size = 0;
	in->piece_seen = false;
	in->compressed = false;
}

static size_t read_piece(struct ws_inbound *in, uint8_t *bytes, size_t size,
			 struct ws_inbound_event *event)
{
	size_t taken = size < in->frame_left ? size : (size_t)in->frame_left;

	unmask(in, bytes, taken);
	in->frame_left -= taken;
	in->in_payload = in->frame_left > 0;

	bool last = in->final && !in->in_payload;

	if (in->message_opcode == WS_TEXT && !in->compressed)
		taken = check_text(in, slice_of(bytes, taken), last);
	last = last && !in->closed;
	if (taken == 0 && !last)
		return 0;
	*event = (struct ws_inbound_event){
		.type = WS_EVENT_PIECE,
		.opcode = (enum ws_opcode)in->message_opcode,
		.first = !in->piece_seen,
		.last = last,
		.compressed = in->compressed,
		.payload = slice_of(bytes, taken),
	};
	in->piece_seen = true;
	if (last)
		end_message(in);
	return taken;
}

size_t ws_inbound_next(struct ws_inbound *in, uint8_t *bytes, size_t size,
		       struct ws_inbound_event *ret_event)
{
	size_t used = 0;

	*ret_event = (struct ws_inbound_event){.type = WS_EVENT_NONE};
	while (used < size && ret_event->type == WS_EVENT_NONE && !in->closed) {
		if (!in->in_payload)
			read_header_byte(in, bytes[used++]);
		if (!in->in_payload || in->closed)
			continue;
		if (is_control(in))
			used += read_control(in, bytes + used, size - used, ret_event);
		else
			used += read_piece(in, bytes + used, size - used, ret_event);
	}
	if (ret_event->type != WS_EVENT_NONE || !in->closed)
		return used;
	if (in->violation_code != 0)
		*ret_event = (struct ws_inbound_event){.type = WS_EVENT_VIOLATION,
						       .code = in->violation_code,
						       .reason = in->violation_reason};
	return size;
}
