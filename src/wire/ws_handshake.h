/* wire/ws_handshake.h - the server's side of the opening handshake (RFC 6455 section 4.2).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  an HTTP status code, which is the answer to give
 */
#ifndef BELFRY_WIRE_WS_HANDSHAKE_H
#define BELFRY_WIRE_WS_HANDSHAKE_H

#include "base/writer.h"
#include "wire/http_head.h"
#include "wire/ws_extension.h"

#define WS_ACCEPT_SIZE 28 /* characters of Sec-WebSocket-Accept */

struct ws_handshake {
	struct slice key;          /* Sec-WebSocket-Key */
	struct slice protocols;    /* Sec-WebSocket-Protocol as sent; absent: none offered. Several
				 * header lines: the first one */
	struct ws_deflate deflate; /* what of its extensions could be agreed on */
};

/* Looks at a complete head. 101: *ret is filled. 400: a broken upgrade (also HTTP/1.0, a second key
 * or version, a body, extensions against their grammar); 405: method is not GET; 426: a plain GET,
 * or Sec-WebSocket-Version is not 13 (answer with "Sec-WebSocket-Version: 13" and
 * "Upgrade: websocket"). */
MUST_CHECK int ws_handshake_check(const struct http_head *head, struct ws_handshake *ret);

/* Some protocol in the list `protocols` starts with `prefix` (case counts); *ret_rest gets what
 * follows the prefix of the first such. Use "belfry" for the protocol itself (rest is empty and
 * `exact` true) and "bearer." for the token. */
MUST_CHECK bool ws_handshake_offers(struct slice protocols, const char *prefix, bool exact,
				    struct slice *ret_rest);

/* Sec-WebSocket-Accept for `key`: WS_ACCEPT_SIZE characters, no final zero. */
void ws_handshake_accept(struct slice key, char ret_accept[WS_ACCEPT_SIZE]);

/* Writes the 101 answer. `protocol`: chosen subprotocol, NULL for none; `deflate`: what was agreed
 * on, NULL or not `on` for nothing. */
void ws_handshake_write(struct writer *writer, struct slice key, const char *protocol,
			const struct ws_deflate *deflate);

#endif
