/* wire/ws_inbound.h - reads what a client sends on a WebSocket (RFC 6455 sections 5 to 8).
 *
 * Layer   wire (may include: base, libc)
 * Threads any, one at a time per reader
 * Memory  the caller's struct (under 200 bytes); payload is unmasked in place, in the bytes fed
 * Errors  a violation carries the close code and is final: every later call repeats it
 *
 * Feed bytes, take one event at a time, feed the rest again. A message may come in many pieces:
 * the reader does not store it. Text is checked as UTF-8 piece by piece, so that a bad byte is
 * refused when it arrives. Whatever was valid before a violation is reported before it.
 *
 * With permessage-deflate (RFC 7692) the pieces of a compressed message are told as they came: to
 * inflate them, and to check the text then, is the caller's.
 */
#ifndef BELFRY_WIRE_WS_INBOUND_H
#define BELFRY_WIRE_WS_INBOUND_H

#include "belfry/limits.h"
#include "wire/utf8.h"
#include "wire/ws_frame.h"

enum ws_inbound_event_type {
	WS_EVENT_NONE,      /* all bytes are used up, more are needed */
	WS_EVENT_PIECE,     /* some payload of a text or binary message */
	WS_EVENT_PING,      /* a whole ping; payload is up to 125 bytes */
	WS_EVENT_PONG,      /* a whole pong */
	WS_EVENT_CLOSE,     /* a whole close; code is 1005 when it had no body */
	WS_EVENT_VIOLATION, /* close with `code`: 1002 protocol, 1007 UTF-8, 1009 too large */
};

struct ws_inbound_event {
	enum ws_inbound_event_type type;
	enum ws_opcode opcode; /* PIECE: WS_TEXT or WS_BINARY, that of the message */
	bool first;            /* PIECE: nothing of this message came before */
	bool last;             /* PIECE: the message ends with it; the payload may then be empty */
	bool compressed;       /* PIECE: the message has RSV1 */
	struct slice payload;  /* unmasked; valid until the next call (control: in the reader;
				* CLOSE: the reason text without the code) */
	uint16_t code;         /* CLOSE, VIOLATION */
	const char *reason;    /* VIOLATION: static text for the close frame, else NULL */
};

/* All zero but `message_size_max` and `takes_compressed`: at the start of a frame, outside of a
 * message. */
struct ws_inbound {
	uint64_t message_size_max; /* bytes; a larger message is a violation 1009 as soon as a
				    * frame header announces it */
	uint64_t message_size;     /* of the message being read, announced so far */
	uint64_t frame_left;       /* payload bytes of this frame still to come */
	uint8_t header[FRAME_HEADER_MAX];
	uint8_t header_size; /* bytes of the header read so far */
	uint8_t mask[4];
	uint8_t mask_offset;    /* next payload byte's index into mask, 0..3 */
	uint8_t opcode;         /* of this frame */
	uint8_t message_opcode; /* of the open message; 0: none is open */
	bool final;             /* FIN of this frame */
	bool in_payload;        /* the header is whole and was checked */
	bool piece_seen;        /* a PIECE of the open message was reported */
	bool takes_compressed;  /* permessage-deflate was agreed on: RSV1 is allowed on the first
				 * frame of a message */
	bool compressed;        /* RSV1 of the open message, or of the frame that will open one */
	bool closed;            /* a close was reported, or a violation was found */
	uint8_t control_size;
	uint8_t control[CONTROL_PAYLOAD_MAX];
	struct utf8 utf8;
	uint16_t violation_code;
	const char *violation_reason;
};

/* `takes_compressed` is false; whoever has agreed on it sets it before the first byte. */
void ws_inbound_init(struct ws_inbound *in, uint64_t message_size_max);

/* Bytes that a compressed message may have so that one of `message_size_max` is taken however badly
 * it compresses; no more than stored blocks of zlib's smallest memory level need. */
uint64_t ws_inbound_compressed_max(uint64_t message_size_max);

/* Between two messages, nothing pending: the reader may be thrown away and made anew. */
MUST_CHECK bool ws_inbound_is_idle(const struct ws_inbound *in);

/* Reads from `bytes` until something is to be told. Returns how many bytes were used up (they
 * may have been unmasked). A frame whose payload is there whole gives one PIECE; an empty frame
 * gives one only when it ends the message. After CLOSE, further bytes are used up silently (event
 * NONE); a VIOLATION uses up all of them. */
size_t ws_inbound_next(struct ws_inbound *in, uint8_t *bytes, size_t size,
		       struct ws_inbound_event *ret_event);

#endif
