/* wire/socket_io.h - packets of Socket.IO protocol 5, inside messages of Engine.IO.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  parsed packets point into the text; writers write into the caller's memory
 * Errors  false for what is no packet, where the reference ends the connection; the writer's
 *         overflow
 *
 *     <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
 *
 * Neither side's text has the `4` of Engine.IO here: see wire/engine_io.h. The namespace `/` is
 * left out. Source: the protocol's own page, github.com/socketio/socket.io-protocol.
 */
#ifndef BELFRY_WIRE_SOCKET_IO_H
#define BELFRY_WIRE_SOCKET_IO_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"
#include "belfry/limits.h"
#include "wire/json.h"

#define SOCKET_IO_ATTACHMENTS_MAX 10    /* binary frames of one packet */
#define SOCKET_IO_NAMESPACE_SIZE_MAX 64 /* bytes, with its slash */

enum socket_io_type {
	SOCKET_IO_CONNECT,
	SOCKET_IO_DISCONNECT,
	SOCKET_IO_EVENT,
	SOCKET_IO_ACK,
	SOCKET_IO_CONNECT_ERROR,
	SOCKET_IO_BINARY_EVENT, /* as EVENT; `attachments` binary frames follow */
	SOCKET_IO_BINARY_ACK,   /* as ACK, likewise */
};

struct socket_io_packet {
	enum socket_io_type type;
	uint32_t attachments;    /* BINARY_*: 0 to SOCKET_IO_ATTACHMENTS_MAX */
	struct slice name_space; /* with its slash; `/` when it was left out */
	bool has_ack_id;
	uint64_t ack_id;
	struct slice payload;    /* JSON text; absent: none. CONNECT: an object or none; EVENT,
				  * ACK: an array; CONNECT_ERROR: a string or an object */
	struct json_value event; /* EVENT: its name, a string or a number */
};

/* One packet in valid UTF-8. An event whose name is reserved is no packet, as in the reference. */
MUST_CHECK bool socket_io_parse(struct slice text, struct socket_io_packet *ret_packet);

/* Element `index` of what the packet brings: an EVENT's arguments behind its name, an ACK's
 * values. False: it has fewer. */
MUST_CHECK bool socket_io_argument(const struct socket_io_packet *packet, uint32_t index,
				   struct json_value *ret_value);

/* connect, connect_error, disconnect, disconnecting, newListener, removeListener: names that
 * clients make of their own, and refuse from outside. */
MUST_CHECK bool socket_io_is_reserved(struct slice event);

/* `name` may be configured: a slash, then at most 63 of letters, digits, `-`, `_`, `.`, `/`. */
MUST_CHECK bool socket_io_namespace_is_valid(struct slice name);

/* 0{"sid":..,"pid":..}; both are plain ASCII; pid absent: left out. */
void socket_io_write_connect(struct writer *writer, struct slice name_space, struct slice sid,
			     struct slice pid);

/* 1: the client is to stay away. */
void socket_io_write_disconnect(struct writer *writer, struct slice name_space);

/* 4{"message":..,"data":{"code":..}}; code NULL: without data. Both are plain text. */
void socket_io_write_connect_error(struct writer *writer, struct slice name_space,
				   const char *message, const char *code);

struct socket_io_event {
	struct slice name_space;
	struct slice event;   /* plain text; a reserved name goes out as `event:<name>` */
	struct slice payload; /* JSON text: the one argument */
	struct slice offset;  /* plain ASCII: the position behind it, last element; absent: none */
};

/* 2["<event>",<payload>,"<offset>"]. Clients take a string at the end for an offset, so without
 * one a payload that is a string is followed by null. */
void socket_io_write_event(struct writer *writer, const struct socket_io_event *event);

/* Bytes that such an event can take at most. */
size_t socket_io_event_size_max(const struct socket_io_event *event);

/* The same as a WebSocket text frame with the `4` of Engine.IO: a part of `bytes`, which has room
 * for socket_io_frame_size_max(event). */
struct slice socket_io_write_frame(const struct socket_io_event *event, uint8_t *bytes);

static inline size_t socket_io_frame_size_max(const struct socket_io_event *event)
{
	return socket_io_event_size_max(event) + FRAME_HEADER_MAX + 1;
}

/* The name that a message is emitted under: its event, else its type, else `message`. The types
 * of the inbox have names of their own: notification_read is notification:read,
 * notification_deleted is notification:deleted, unread_count is unread:count. */
struct slice socket_io_event_name(struct slice type, struct slice event);

/* 3<id>[<value>]; `value` is JSON text, absent: an empty array. */
void socket_io_write_ack(struct writer *writer, struct slice name_space, uint64_t ack_id,
			 struct slice value);

/* {"ok":false,"error":..,"message":..}: the value of an ack for what was refused. */
void socket_io_write_refusal(struct writer *writer, const char *code, const char *message);

#endif
