/* wsbench/inbound.h - what a server sends to a WebSocket client (RFC 6455): answer and frames.
 *
 * Layer   wsbench (may include: base, wire/ws_frame)
 * Threads any
 * Memory  slices into the given bytes
 * Errors  an enum: more bytes are needed, or the server breaks a rule
 *
 * Sans-I/O and without state: bytes that are not a whole answer or frame yet are kept by the
 * caller and given again, with more behind them.
 */
#ifndef BELFRY_WSBENCH_INBOUND_H
#define BELFRY_WSBENCH_INBOUND_H

#include "base/slice.h"
#include "wire/ws_frame.h"

#define INBOUND_FRAME_MAX (16u << 20) /* bytes of payload */
#define INBOUND_ANSWER_MAX 16384      /* bytes of an HTTP answer's head */

enum inbound { INBOUND_WHOLE, INBOUND_MORE, INBOUND_BROKEN };

struct inbound_frame {
	enum ws_opcode opcode;
	struct slice payload;
	size_t size; /* bytes of the frame, header included */
};

/* The frame at the front of `bytes`. BROKEN: masked, reserved bits, too large, or part of a
 * fragmented message (which this reader does not take). */
enum inbound inbound_read_frame(struct slice bytes, struct inbound_frame *ret_frame);

struct inbound_answer {
	unsigned status;     /* HTTP status code */
	struct slice accept; /* Sec-WebSocket-Accept, absent without */
	size_t size;         /* bytes of the head, final empty line included */
};

/* The head of an HTTP/1.1 answer at the front of `bytes`. */
enum inbound inbound_read_answer(struct slice bytes, struct inbound_answer *ret_answer);

/* The value of the header `name` in a head that starts with its status line; absent without. */
struct slice inbound_header(struct slice head, const char *name);

#endif
