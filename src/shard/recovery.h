/* shard/recovery.h - what a connection has yet to get from the log: asked for, and received.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a recovery is one heap block that goes to the router; a record for each slot in
 *         reserved address space, touched by connections that do not keep up
 * Errors  false when memory is out; a connection that cannot go on is closed
 *
 * Attach, subscribe and catch-up are one case: the router is asked for what lies after some
 * position of some channels, it sends that as parts of a replay, then LIVE, and with LIVE the
 * connection becomes a member of those channels. For each part it hears MORE, once, when the
 * part is on its way: the outbox is empty and the socket takes bytes.
 *
 * Falling behind. When a durable frame finds no room, the connection has everything up to some
 * position P of the log and nothing after it. It leaves its channels, its outbox drains, then it
 * asks for all that came after P and is live again at the LIVE of that: nothing is missing,
 * nothing comes twice. P is
 * - the shard's position, when the frame at hand goes to this connection alone: all before it
 *   was delivered;
 * - the position before the first frame that it lacks of a tape, when that is what has no room or
 *   what the tape has dropped: shard/order.h lets nothing later reach it any other way. A tape
 *   drops only what a sweep has been at, and there P is noted.
 * A subscribe that is at the router goes on meanwhile; its channel is live from its own LIVE on,
 * which the catch-up, asked for afterwards, then names.
 *
 * A frame without an event id is ephemeral: nobody falls for it.
 */
#ifndef BELFRY_SHARD_RECOVERY_H
#define BELFRY_SHARD_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/event_id.h"

struct conn;
struct delivery;
struct shard;
struct subscription;
struct tape;

/* A channel of a connection that is to be treated in its own way. */
struct fall_channel {
	uint32_t channel;
	bool is_going;         /* to be left at its LIVE: the client has unsubscribed */
	struct event_id after; /* BEHIND: it was live up to there, not to `at` */
	char *ref;             /* is_going: of the answer, heap; NULL: none */
};

/* By slot: what only a connection needs that does not keep up, or sends too much. */
struct fall {
	struct event_id at;      /* LAGGING: what it has, up to `position` of `tape`; FALLING,
				  * BEHIND: what it has of the log */
	const struct tape *tape; /* LAGGING */
	uint32_t position;
	uint32_t ephemerals; /* LAGGING: the tape's, before `position` */
	uint32_t since_ms;   /* BEHIND: shard time, low 32 bits */
	uint32_t blocked_ms; /* BLOCKED: likewise */
	uint32_t slowed_ms;  /* its last pause began (shard/rate.h): likewise */
	struct fall_channel *channels;
	uint16_t channels_count;
	uint16_t channels_capacity;
};

/* What an attach asks for, beside all channels that the connection holds. */
struct recovery_wish {
	bool has_after; /* false: what the cursor says */
	struct event_id after;
	struct slice device;   /* absent: the user's own cursor */
	struct slice identity; /* absent: none */
	struct slice jti;      /* absent: the token has none */
	int64_t issued_s;      /* INT64_MIN: likewise */
};

/* ATTACH, for every channel that is held, and conn:{id}. */
MUST_CHECK bool recovery_attach(struct shard *shard, struct conn *conn,
				const struct recovery_wish *wish);

/* SUBSCRIBE, for a channel that is held; `after` NULL: from now on. Takes `ref`, heap or NULL, if
 * the answer is true. */
MUST_CHECK bool recovery_subscribe(struct shard *shard, struct conn *conn, uint32_t channel,
				   const struct event_id *after, char *ref);

/* The connection cannot have what is after `at`. May be called in a walk over members: it leaves
 * its channels in recovery_leave. Nothing when it is on its way down already. */
void recovery_fall(struct shard *shard, struct conn *conn, struct event_id at);

/* FALLING and outside of any walk over members: leaves its channels. */
void recovery_leave(struct shard *shard, struct conn *conn);

/* A sweep passes over the connection, which lacks what is after `position` of the tape. */
void recovery_note_lagging(struct shard *shard, struct conn *conn, const struct tape *tape,
			   uint32_t position);

/* How many frames that are in no log the tape has, or had, from `position` on, where a member is;
 * of what it has lost those that are known because the member lagged. */
uint32_t recovery_missed_ephemerals(const struct shard *shard, const struct conn *conn,
				    const struct tape *tape, uint32_t position);

/* Falls for what the tape no longer has. */
void recovery_fall_lost(struct shard *shard, struct conn *conn, const struct tape *tape,
			uint32_t position);

/* Its outbox is empty and its socket takes bytes: says MORE, asks to catch up. */
void recovery_on_drained(struct shard *shard, struct conn *conn);

/* DELIVERY_SUBSCRIBED, DELIVERY_REPLAY, DELIVERY_LIVE. */
void recovery_on_subscribed(struct shard *shard, struct conn *conn,
			    const struct delivery *delivery);
void recovery_on_replay(struct shard *shard, struct conn *conn, const struct delivery *delivery);
void recovery_on_live(struct shard *shard, struct conn *conn, const struct delivery *delivery);

/* The client leaves a channel that is not MEMBER_NONE: at once, or, when a replay may still bring
 * something of it, at its LIVE. `unsubscribed` is the answer; nothing of the channel follows it,
 * and what other channels still have for the connection stays. `ref`: JSON text or absent. */
void recovery_unsubscribe(struct shard *shard, struct conn *conn, struct subscription *held,
			  struct slice ref);

/* It is to be left at its LIVE. */
bool recovery_is_leaving(const struct shard *shard, const struct conn *conn, uint32_t channel);

/* A subscribe of the connection is at the router. */
bool recovery_has_pending(struct conn *conn);

/* The connection is closed: all that was asked for is void. */
void recovery_forget(struct shard *shard, struct conn *conn);

#endif
