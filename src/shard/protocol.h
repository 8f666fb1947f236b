/* shard/protocol.h - what differs between the protocols that connections speak.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  constant tables, one for each protocol; conn->own is a block of the heap that the
 *         protocol makes and shard/conn.c frees with the connection
 * Errors  none
 *
 * A connection begins as HTTP, in state HEAD. Whoever takes its request (shard/http.c) sets its
 * protocol and encoding, and from then on everything that is said to it or comes from it goes by
 * one of these functions; the router, channels, tapes, replays and timers know no difference.
 *
 * A HELD connection has no socket that takes bytes at any time: what it is to get is collected in
 * its outbox, up to the same bounds, and its protocol is asked at the end of a turn. When the
 * protocol has taken all of the outbox it calls send_on_drained().
 */
#ifndef BELFRY_SHARD_PROTOCOL_H
#define BELFRY_SHARD_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/upstream.h"

struct attached;
struct conn;
struct envelope_replay;
struct shard;

enum conn_protocol {
	PROTOCOL_NATIVE,    /* JSON over WebSocket: shard/handshake.h, shard/message.h */
	PROTOCOL_SSE,       /* Server-Sent Events: shard/sse.h */
	PROTOCOL_POLL,      /* long polling: shard/poll.h */
	PROTOCOL_SOCKET_IO, /* Socket.IO over WebSocket or polling: shard/socket_io.h */
	PROTOCOL_COUNT
};

/* Unless it says so, a function may be NULL: there is nothing to do or say then. The connection
 * is OPEN unless it says otherwise. `ref`: JSON text or absent. */
struct protocol {
	bool has_close_frames; /* the client answers a close frame; else the end is just the end */
	bool is_heard;         /* the client has to be heard of within heartbeat_timeout */

	/* ATTACHING. The router knows the connection, or refuses it. Never NULL. */
	void (*on_attached)(struct shard *shard, struct conn *conn,
			    const struct attached *attached);
	void (*on_refused)(struct shard *shard, struct conn *conn);

	/* Bytes from the client. NULL: its socket is not read while it is open. */
	void (*on_bytes)(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

	/* A message in text frames, whole; some of one in binary frames, or the last of it. Those
	 * of receive_feed_ws. NULL on_binary: it closes the connection. */
	void (*on_text)(struct shard *shard, struct conn *conn, struct slice text);
	void (*on_binary)(struct shard *shard, struct conn *conn, bool is_last);

	/* The client has sent its end: it may be gone, or only have nothing more to say. NULL: it
	 * is taken as gone. */
	void (*on_hung_up)(struct shard *shard, struct conn *conn);

	/* What it asked for; `replay` NULL: it named no position. */
	void (*on_subscribed)(struct shard *shard, struct conn *conn, struct slice channel,
			      const struct envelope_replay *replay, struct slice ref);
	void (*on_unsubscribed)(struct shard *shard, struct conn *conn, struct slice channel,
				struct slice ref);
	void (*on_answer)(struct shard *shard, struct conn *conn, enum upstream_answer answer,
			  struct slice ref);

	/* It is done, or refused: in the words of the protocol. NULL: those of shard/message.h. */
	void (*say_done)(struct shard *shard, struct conn *conn, struct slice ref);
	void (*say_error)(struct shard *shard, struct conn *conn, const char *code,
			  const char *text, struct slice ref);

	/* Everything that it had missed when it attached, or was behind, is on its way. */
	void (*on_live)(struct shard *shard, struct conn *conn);

	/* HELD, and there is something in its outbox. */
	void (*on_held)(struct shard *shard, struct conn *conn);

	/* So many bytes were sent and not acknowledged by the client's TCP; or an error. Between
	 * turns: nothing may be sent. */
	void (*on_unacknowledged)(struct shard *shard, struct conn *conn, int32_t size);

	/* Milliseconds between two beats; 0: none. Never NULL. */
	uint32_t (*beat_interval_ms)(const struct shard *shard, const struct conn *conn);
	void (*beat)(struct shard *shard, struct conn *conn);

	void (*warn_expiring)(struct shard *shard, struct conn *conn); /* its token ends soon */
	void (*warn_token)(struct shard *shard, struct conn *conn);    /* its token has ended */
	void (*warn_rate)(struct shard *shard, struct conn *conn, struct slice ref);
	void (*warn_going_away)(struct shard *shard, struct conn *conn, uint32_t reconnect_in_ms);

	/* The last bytes, put into the outbox beyond any bound; UPGRADED, not yet CLOSING. */
	void (*write_close)(struct shard *shard, struct conn *conn, uint16_t code,
			    const char *text);

	/* The connection is gone, and conn->own, which there is, goes next: frees what that points
	 * to. Any state. */
	void (*on_gone)(struct shard *shard, struct conn *conn);
};

/* The table of the connection's protocol. */
const struct protocol *protocol_of(const struct conn *conn);

extern const struct protocol protocol_native, protocol_sse, protocol_poll, protocol_socket_io;

#endif
