/* shard/socket_io.h - sessions of Socket.IO, whatever carries them.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one block for each session, conn->own; before a namespace is joined also what the request
 *         said that a CONNECT may need
 * Errors  CONNECT_ERROR, an acknowledgement that says no, or the end of the transport
 *
 * A session is OPEN from its first packet on, though nobody yet: it waits for CONNECT, at most
 * handshake_timeout, and is ATTACHING and OPEN again as the router answers. Every packet to the
 * client is one WebSocket text frame, given to send_frame() or send_bytes(); what carries the
 * session otherwise takes the packets out of the frames. All ends of a session are ends of its
 * transport, after which an unmodified client comes back by itself; but a client that the backend
 * disconnects is told so with packet 41, and stays away.
 *
 * A session has one namespace, which its encoding names: a client that wants two opens two
 * connections (forceNew); a second CONNECT on one is answered with CONNECT_ERROR.
 */
#ifndef BELFRY_SHARD_SOCKET_IO_H
#define BELFRY_SHARD_SOCKET_IO_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slice.h"

struct conn;
struct http_head;
struct shard;

enum socket_io_transport { SOCKET_IO_POLLING, SOCKET_IO_WEBSOCKET };

/* A request in state HEAD for /socket.io/ with transport=websocket and without a sid. */
void socket_io_on_request(struct shard *shard, struct conn *conn, const struct http_head *head);

/* Begins a session: sends the open packet. The connection is OPEN then, or closed. */
void socket_io_open(struct shard *shard, struct conn *conn, enum socket_io_transport transport);

/* Keeps what of the request says who the client is: for a CONNECT without a token. After
 * socket_io_open. False: out of memory. */
MUST_CHECK bool socket_io_remember(struct conn *conn, const struct http_head *head);

/* One packet of Engine.IO from the client; in a body a `b` packet, too. */
void socket_io_on_packet(struct shard *shard, struct conn *conn, struct slice text);

/* A binary frame: an attachment. */
void socket_io_on_binary(struct shard *shard, struct conn *conn);

#endif
