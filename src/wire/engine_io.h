/* wire/engine_io.h - packets of Engine.IO protocol 4, which carries Socket.IO.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  parsed packets point into the text; writers write into the caller's memory
 * Errors  false for what is no packet; the writer's overflow
 *
 * A packet is a digit and a payload. A WebSocket text frame is one packet; the body of a poll or
 * of a POST is packets with ENGINE_IO_SEPARATOR between them, where `b` and base64 stand for a
 * binary frame. Source: the protocol's own page, github.com/socketio/engine.io-protocol.
 */
#ifndef BELFRY_WIRE_ENGINE_IO_H
#define BELFRY_WIRE_ENGINE_IO_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"

#define ENGINE_IO_SEPARATOR 0x1e    /* between the packets of a body */
#define ENGINE_IO_OPEN_SIZE_MAX 256 /* bytes of an open packet whose sid is at most 64 */

/* The value is the packet's first character. */
enum engine_io_type {
	ENGINE_IO_OPEN = '0',    /* server: JSON, see below */
	ENGINE_IO_CLOSE = '1',   /* either side */
	ENGINE_IO_PING = '2',    /* server; the client's only as `2probe` before an upgrade */
	ENGINE_IO_PONG = '3',    /* client; the server's only as `3probe` */
	ENGINE_IO_MESSAGE = '4', /* a packet of Socket.IO */
	ENGINE_IO_UPGRADE = '5', /* client: from now on here and no longer by polling */
	ENGINE_IO_NOOP = '6',    /* server: ends a poll that has nothing to say */
	ENGINE_IO_BINARY = 'b',  /* in a body only: payload is base64 */
};

struct engine_io_packet {
	enum engine_io_type type;
	struct slice payload; /* what follows the first character; may be empty */
};

/* One packet: a text frame, or a piece of a body. False: empty, or an unknown type. */
MUST_CHECK bool engine_io_parse(struct slice text, struct engine_io_packet *ret_packet);

/* The next packet's text of a body, cut off *body. False: no more. A body that begins or ends
 * with a separator has an empty piece there, which engine_io_parse refuses. Begin with the whole
 * body, which is not absent. */
MUST_CHECK bool engine_io_next(struct slice *body, struct slice *ret_text);

/* How many bytes a `b` packet stands for, decoded into `bytes`. False: not base64, or more than
 * `capacity`. */
MUST_CHECK bool engine_io_read_binary(struct slice payload, uint8_t *bytes, size_t capacity,
				      size_t *ret_size);

struct engine_io_open {
	struct slice sid; /* plain ASCII without quote and backslash */
	bool can_upgrade; /* "upgrades":["websocket"], else [] */
	uint32_t ping_interval_ms;
	uint32_t ping_timeout_ms;
	uint64_t max_payload; /* bytes of a body that the client may POST */
};

/* 0{"sid":..,"upgrades":..,"pingInterval":..,"pingTimeout":..,"maxPayload":..} */
void engine_io_write_open(struct writer *writer, const struct engine_io_open *open);

/* The packet's first character, `payload` behind it; absent: nothing. */
void engine_io_write(struct writer *writer, enum engine_io_type type, struct slice payload);

/* Adds one packet's text to a body: with a separator before it unless the body is empty. */
void engine_io_add(struct writer *body, struct slice text);

/* Why a request is refused; the value is the `code` of the answer. */
#define ENGINE_IO_ERROR_TABLE(X)               \
	X(TRANSPORT, 400, "Transport unknown") \
	X(SESSION, 400, "Session ID unknown")  \
	X(METHOD, 400, "Bad handshake method") \
	X(REQUEST, 400, "Bad request")         \
	X(FORBIDDEN, 403, "Forbidden")         \
	X(VERSION, 400, "Unsupported protocol version")

enum engine_io_error {
#define X(name, status, text) ENGINE_IO_ERROR_##name,
	ENGINE_IO_ERROR_TABLE(X)
#undef X
};

/* 400 or 403. */
uint16_t engine_io_error_status(enum engine_io_error error);

/* The body of that answer: {"code":1,"message":"Session ID unknown"} */
void engine_io_write_error(struct writer *writer, enum engine_io_error error);

#endif
