/* wire/ws_extension.h - what of Sec-WebSocket-Extensions is agreed on (RFC 6455 section 9,
 * RFC 7692 section 7.1).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  a field that breaks the grammar ends the handshake (RFC 6455 section 9.1); an offer that
 *         cannot be taken is declined, which is no error
 *
 * Only permessage-deflate is known. Neither side carries a window from one message to the next:
 * so one compressed frame is good for all receivers, and an idle connection keeps no state.
 */
#ifndef BELFRY_WIRE_WS_EXTENSION_H
#define BELFRY_WIRE_WS_EXTENSION_H

#include "base/writer.h"
#include "wire/http_head.h"

/* What was agreed on; all zero: no extension. */
struct ws_deflate {
	bool on;             /* the client may set RSV1 */
	uint8_t server_bits; /* server_max_window_bits of the offer, 8 to 15; 0: not in it */
};

/* Reads all header lines and all offers in them. Unknown extensions are passed over, and so is
 * an offer with an unknown, repeated or wrong parameter. The first good offer under which the
 * server can compress is taken, else the first good one. False: not the grammar of RFC 6455 section
 * 9.1 (400), *ret untouched. Empty list elements are forgiven. */
MUST_CHECK bool ws_extension_negotiate(const struct http_head *head, struct ws_deflate *ret);

/* Frames made with DEFLATE_WINDOW_BITS may be sent. False although `on`: the client asked for a
 * smaller window, so it gets plain frames; RFC 7692 section 6 leaves that to each message. */
MUST_CHECK bool ws_extension_may_compress(const struct ws_deflate *terms);

/* Value of Sec-WebSocket-Extensions in the answer; `terms->on`. client_max_window_bits is never in
 * it: only the client's window would be smaller, and the server keeps none of it. */
void ws_extension_write(struct writer *writer, const struct ws_deflate *terms);

#endif
