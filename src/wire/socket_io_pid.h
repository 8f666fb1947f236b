/* wire/socket_io_pid.h - the private id of a Socket.IO session: all that its recovery needs.
 *
 * Layer   wire (may include: base, libc, BearSSL)
 * Threads any
 * Memory  the caller's
 * Errors  false for what no node with this key wrote for this user and namespace
 *
 * Version, position, session id and 12 bytes of an HMAC, in base64url. Nothing is stored, so every
 * node that has the same key can take the session up, as often as the client comes, and after a
 * restart. The HMAC keeps a pid from being taken for another user's; it guards no secret, for who
 * has a token may name any position anyway.
 */
#ifndef BELFRY_WIRE_SOCKET_IO_PID_H
#define BELFRY_WIRE_SOCKET_IO_PID_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"

#define SOCKET_IO_PID_SIZE 71 /* characters */

struct socket_io_pid {
	bool by_cursor;           /* the session began with what the user's cursor says */
	struct event_id position; /* else: it has everything up to there */
	char sid[CONNECTION_ID_SIZE];
};

/* What a pid is bound to, beside its contents. */
struct socket_io_pid_key {
	struct slice secret; /* the same on all nodes; may be empty */
	struct slice user;
	struct slice name_space;
};

/* Writes SOCKET_IO_PID_SIZE characters, no final zero. */
void socket_io_pid_write(const struct socket_io_pid *pid, const struct socket_io_pid_key *key,
			 char ret_text[SOCKET_IO_PID_SIZE]);

MUST_CHECK bool socket_io_pid_read(struct slice text, const struct socket_io_pid_key *key,
				   struct socket_io_pid *ret_pid);

#endif
