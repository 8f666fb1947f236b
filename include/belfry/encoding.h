/* belfry/encoding.h - the ways in which a message is written for a connection.
 *
 * Layer   nouns (may include: libc)
 * Threads any; values
 * Memory  none
 * Errors  none
 *
 * A connection has one encoding for life. In a shard a channel is known once for each encoding
 * that its members have, so a message is written once for each, whatever their number.
 */
#ifndef BELFRY_ENCODING_H
#define BELFRY_ENCODING_H

#define NAMESPACES_MAX 4 /* of Socket.IO: "/" and those that are configured */

enum encoding {
	ENCODING_WS,        /* WebSocket text frame of the envelope */
	ENCODING_DEFLATE,   /* likewise, compressed (RFC 7692) when that makes it smaller */
	ENCODING_SSE,       /* event of an event stream */
	ENCODING_SOCKET_IO, /* WebSocket text frame of a Socket.IO event; + index of namespace */
	ENCODING_COUNT = ENCODING_SOCKET_IO + NAMESPACES_MAX
};

#endif
