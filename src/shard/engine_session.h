/* shard/engine_session.h - Socket.IO sessions without a socket of their own.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard where the session was opened, for life
 * Memory  slots of the slab above the ring's table, and a record for each, 8 bytes, in reserved
 *         address space
 * Errors  NULL when there is no free slot
 *
 * A client that polls has many short HTTP requests and one session. The session is a connection
 * like others (channels, replays, falls, timers), only that its frames stay in its outbox (HELD)
 * until a GET fetches them. That GET, a POST that brings packets, and a WebSocket that probes are
 * its carriers: connections in the state SERVING or PROBE whose `partner` is the session's slot.
 * There is at most one of each; a second GET or POST closes the session, as Engine.IO has it.
 *
 * Its sid is its connection id, so a request that comes to another shard finds the way
 * (shard/move.h), and a sid that is forged or of another node is refused without a look.
 *
 * A carrier that is cut in the middle of its request ends the session at once: no client goes on
 * with a session of which it has seen a request fail.
 */
#ifndef BELFRY_SHARD_ENGINE_SESSION_H
#define BELFRY_SHARD_ENGINE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/close_reason.h"
#include "belfry/ip.h"

struct conn;
struct shard;

/* Slots of connections, PARTNER_NONE for none. */
struct engine_session {
	uint16_t get;     /* is held until there is something for the client */
	uint16_t post;    /* its body is being read, or its packets wait */
	uint16_t probe;   /* a WebSocket that may become the session's */
	uint16_t next;    /* FREE: the next free slot; FINISHING: the next that ends */
	bool is_limited;  /* limits per address hold for it */
	struct ip client; /* who has opened it; not known: all zero */
};

struct engine_sessions {
	struct engine_session *records; /* by slot, less the size of the ring's table */
	size_t size;                    /* of the reservation, in bytes */
	uint32_t used;                  /* sessions there are */
	uint32_t touched;               /* slots that were ever used, less the size of the table */
	uint16_t free;                  /* first of the list, PARTNER_NONE: empty */
	uint16_t ended;                 /* likewise */
};

/* A new session, in state HEAD until its protocol says otherwise. */
MUST_CHECK struct conn *engine_session_open(struct shard *shard);

/* Where the session of this sid lives. False: this node did not give it. */
MUST_CHECK bool engine_session_locate(const struct shard *shard, struct slice sid,
				      uint32_t *ret_shard);

/* The session of this sid, if it lives on this shard and is still there. */
struct conn *engine_session_find(struct shard *shard, struct slice sid);

struct engine_session *engine_session_of(const struct shard *shard, const struct conn *conn);

/* A connection in state HEAD becomes a carrier; *ret_place is a place of the session's record. */
void engine_session_bind(struct shard *shard, struct conn *session, struct conn *conn,
			 uint16_t *ret_place);

/* The carrier's request is over: it is in state HEAD again. */
void engine_session_unbind(struct shard *shard, struct conn *conn);

/* The carrier that probes lends the session its socket, for good: LENT. */
void engine_session_lend(struct shard *shard, struct conn *session, struct conn *conn);

/* The carrier was cut; it is no longer one. */
void engine_session_on_carrier_gone(struct shard *shard, struct conn *conn,
				    enum close_reason reason);

/* Called by conn_close of a session without a socket: tells the client at its next GET. */
void engine_session_close(struct shard *shard, struct conn *session);

/* Called by conn_close_join: the carriers go; at the end of the turn the slot is free. */
void engine_session_finish(struct shard *shard, struct conn *session);

/* Called by conn_close_finish. */
void engine_session_free(struct shard *shard, struct conn *session);

/* Once per turn: sessions that ended in it. */
void engine_session_sweep(struct shard *shard);

#endif
