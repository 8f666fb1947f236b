/* shard/socket_io_session.h - what a Socket.IO session knows of itself; for shard/socket_io*.c.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one block, conn->own
 * Errors  none
 */
#ifndef BELFRY_SHARD_SOCKET_IO_SESSION_H
#define BELFRY_SHARD_SOCKET_IO_SESSION_H

#include "base/writer.h"
#include "shard/shard_state.h"
#include "shard/socket_io.h"
#include "wire/socket_io.h"
#include "wire/socket_io_pid.h"

struct attached;
struct envelope_replay;

enum socket_io_phase {
	SOCKET_IO_WAITING, /* for CONNECT; OPEN */
	SOCKET_IO_JOINING, /* the router was asked; ATTACHING */
	SOCKET_IO_JOINED,  /* OPEN */
};

struct socket_io_session {
	char *request; /* WAITING: head of a request with what says who it is; NULL: nothing */
	size_t request_size;
	struct event_id pinged;  /* everything up to there went before the last ping */
	struct event_id after;   /* JOINING, names_position: what the client says that it has */
	uint64_t refused_ack_id; /* has_refused_ack: of the packet whose attachments come */
	uint8_t phase;           /* enum socket_io_phase */
	uint8_t number;          /* of its namespace, from JOINING on */
	uint8_t attachments;     /* frames of a refused packet that are still to come */
	uint8_t pings_out;       /* pings without an answer yet */
	uint8_t refusals;        /* CONNECT_ERRORs so far */
	bool has_refused_ack;
	bool names_position;          /* JOINING: the client comes back with a position */
	bool has_pid;                 /* JOINING: and with a pid that is its own */
	char sid[CONNECTION_ID_SIZE]; /* has_pid: of the session that comes back */
	char pid[SOCKET_IO_PID_SIZE]; /* likewise, as it came */
};

static inline struct socket_io_session *socket_io_session(const struct conn *conn)
{
	ASSERT(conn->own != NULL);
	return conn->own;
}

#define SOCKET_IO_PACKET_SIZE_MAX 2048 /* bytes of what is said to one client */

/* Begins a packet with the `4` of Engine.IO. */
void socket_io_begin(struct writer *writer, uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX]);

/* Sends what was written. */
void socket_io_send(struct shard *shard, struct conn *conn, const struct writer *writer);

/* Name of the session's namespace. */
struct slice socket_io_name_space(const struct shard *shard, const struct conn *conn);

/* shard/socket_io_connect.c: packet CONNECT in phase WAITING, whose text with the `4` before it is
 * `source`, and the router's answer. */
void socket_io_on_connect(struct shard *shard, struct conn *conn,
			  const struct socket_io_packet *packet, struct slice source);
void socket_io_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached);
void socket_io_on_refused(struct shard *shard, struct conn *conn);

/* CONNECT_ERROR; `code` NULL: without data. */
void socket_io_send_connect_error(struct shard *shard, struct conn *conn, struct slice name_space,
				  const char *message, const char *code);

/* shard/socket_io_answer.c: what the router and the commands answer. `ref`: the id of an
 * acknowledgement as text; absent: none was asked for. */
void socket_io_on_subscribed(struct shard *shard, struct conn *conn, struct slice channel,
			     const struct envelope_replay *replay, struct slice ref);
void socket_io_on_unsubscribed(struct shard *shard, struct conn *conn, struct slice channel,
			       struct slice ref);
void socket_io_on_answer(struct shard *shard, struct conn *conn, enum upstream_answer answer,
			 struct slice ref);
void socket_io_say_done(struct shard *shard, struct conn *conn, struct slice ref);
void socket_io_say_error(struct shard *shard, struct conn *conn, const char *code, const char *text,
			 struct slice ref);

/* The acknowledgement, if one was asked for, and an event `error` that says the same. */
void socket_io_warn_rate(struct shard *shard, struct conn *conn, struct slice ref);

/* unread:count, for this connection alone. */
void socket_io_send_count(struct shard *shard, struct conn *conn, uint32_t unread);

#endif
