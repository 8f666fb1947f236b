/* shard/conn.h - one client connection: its record, its states, its end.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard that owns it, for life
 * Memory  one record in the shard's slab, found by the slot of its direct descriptor; heap only
 *         while bytes are half in (inbound) or wait to go out (outbox)
 * Errors  a connection that cannot go on is closed with a reason
 *
 * FREE -> HEAD -> ATTACHING -> OPEN -> CLOSING -> FINISHING -> FREE. HEAD reads HTTP requests
 * and may go to CLOSING at once, or to ECHO instead of ATTACHING; OPEN may go back to HEAD when
 * it was a poll that is answered (conn_reuse). Closing has three steps: ask
 * (conn_close: the client is told), wait for the kernel (conn_close_join), finish
 * (conn_close_finish: the slot may be used again).
 *
 * A Socket.IO session that polls is a connection without a socket (SOCKETLESS, see
 * shard/engine_session.h): it goes through the same states, and requests on other connections
 * carry what it has to say. When it is upgraded one of those lends it its socket for good (LENT):
 * from there on what happens on that socket happens to the session.
 *
 * An OPEN connection is live (in its channels, every notice reaches it) unless a flag says
 * otherwise: RECOVERING, the router is replaying to it and will say LIVE; FALLING, something had
 * no room; BEHIND, it left its channels for that and has yet to catch up. See shard/recovery.h.
 */
#ifndef BELFRY_SHARD_CONN_H
#define BELFRY_SHARD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "belfry/close_reason.h"
#include "shard/channels.h"
#include "shard/outbox.h"
#include "shard/wheel.h"
#include "wire/ws_extension.h"
#include "wire/ws_inbound.h"

struct move;
struct shard;

enum conn_state {
	CONN_FREE,
	CONN_HEAD,      /* reads an HTTP request */
	CONN_ATTACHING, /* the router was asked; what the client sends waits in its socket */
	CONN_OPEN,      /* speaks its protocol, see shard/protocol.h */
	CONN_ECHO,      /* on the debug route */
	CONN_MOVING,    /* its socket goes to another shard, see shard/move.h */
	CONN_SERVING, /* its request is for a session, whose slot is `partner`: being read, or held
			 * until there is an answer */
	CONN_PROBE,   /* a WebSocket that the session in `partner` may go over to */
	CONN_LENT,    /* it did: the socket is the session's */
	CONN_CLOSING, /* all was said; reads and drops until the client ends or time is up */
	CONN_FINISHING, /* the kernel closes the descriptor */
};

/* Each flag states when it is true. */
enum conn_flag {
	CONN_BLOCKED = 1 << 0,       /* the socket took fewer bytes than given; a poll for
				      * writability is armed */
	CONN_LAGGING = 1 << 1,       /* a tape it follows has, or had, more for it */
	CONN_QUEUED_READ = 1 << 2,   /* is on the shard's list of readable connections */
	CONN_QUEUED_SEND = 1 << 3,   /* is on the shard's list of those with bytes to send */
	CONN_QUEUED_TOKEN = 1 << 4,  /* is on the shard's list of those that wait for a token */
	CONN_LISTED = 1 << 5,        /* is on the shard's list of lagging connections */
	CONN_UNREAD = 1 << 6,        /* its socket may have bytes nobody has asked for yet */
	CONN_END_WHEN_SENT = 1 << 7, /* goes to the kernel's close when its outbox is empty */
	CONN_PEER_CLOSED = 1 << 8,   /* the client's close frame has come */
	CONN_HUNG_UP = 1 << 9,       /* the client's end has come: it is read up to there */
	CONN_ATTACHED = 1 << 10,     /* the router was asked and counts it: it must hear the end */
	CONN_SUBPROTOCOL = 1 << 11,  /* the client offered the subprotocol belfry */
	CONN_UPGRADED = 1 << 12,     /* the 101 answer was given: frames may follow */
	CONN_DEFLATE = 1 << 13,      /* permessage-deflate was agreed on: it may send RSV1 */
	CONN_ADMIN = 1 << 14,        /* its token says admin */
	CONN_EXPIRING = 1 << 15,     /* the token is over; its grace period runs */
	CONN_PROXIED = 1 << 16,      /* it came to an address of listen_proxy */
	CONN_HEADER_DUE = 1 << 17,   /* its PROXY header has yet to come */
	CONN_SLOWED = 1 << 18,       /* it sent too much: not read until its pause is over */
	CONN_SPENT = 1 << 19,        /* a turn's share of inflating is spent: read on in the next */
	CONN_POSTPONED = 1 << 20,    /* bytes of it wait in its inbound for a turn that may verify
				      * their token: see shard/postponed.h */
	CONN_FALLING = 1 << 21,      /* a durable frame for it found no room: it leaves its
				      * channels at the next look at its outbox, outside of any
				      * walk over members */
	CONN_BEHIND = 1 << 22,       /* it left its channels; until it has caught up */
	CONN_RECOVERING = 1 << 23,   /* an attach or a catch-up of it is at the router */
	CONN_OVERRUN = 1 << 24,      /* not even an answer to it found room: it is closed with 4410
				      * at the next look at its outbox */
	CONN_UNCONFIRMED = 1 << 25,  /* something was delivered since the last ping with a
				      * position */
	CONN_HELD = 1 << 26,         /* what it is to get stays in its outbox: see
				      * shard/protocol.h */
	CONN_WARNED = 1 << 27,       /* was told that its token ends soon */
	CONN_PROBED = 1 << 28,       /* PROBE: it has asked, and was told that it works */
	CONN_SOCKETLESS = 1 << 29,   /* a session: it has no socket, or `partner` lends it one */
	CONN_HANDED = 1 << 30,       /* MOVING: nothing but that operation's completion ends it;
				      * FINISHING: another shard has it, and tells its end */
	CONN_UPSTREAM = 1u << 31,    /* its route hands on what is unknown: upstream_unknown */
};

#define PARTNER_NONE SLOTS_MAX

#define SUBSCRIPTIONS_INLINE 3 /* all, user:{sub}, announcements */

/* `member` of a subscription that is held and not joined: MEMBER_NONE, the router was asked and
 * has not answered; or one of these. */
#define MEMBER_REPLAYING (MEMBER_NONE - 1)  /* a subscribe was answered; its own LIVE will come */
#define MEMBER_RECOVERING (MEMBER_NONE - 2) /* is part of the attach or catch-up at the router */
#define MEMBER_LEFT (MEMBER_NONE - 3)       /* the next catch-up has to name it */

struct subscription {
	uint32_t channel; /* index in the shard's channels */
	uint32_t member;  /* index among its members, or see above */
};

static inline bool subscription_is_joined(const struct subscription *subscription)
{
	return subscription->member < MEMBER_LEFT;
}

/* What of a request or a message is here while the rest is not; heap. */
struct inbound {
	struct ws_inbound ws;      /* OPEN, ECHO: the reader in the middle of a message */
	uint8_t key[24];           /* ATTACHING: of the upgrade, in base64 (RFC 6455 section 4.1) */
	struct ws_deflate deflate; /* ATTACHING: what was agreed on */
	uint8_t *bytes; /* HEAD, MOVING: of the request; SERVING: of its body; OPEN, ECHO, PROBE:
			 * payload of the message so far */
	size_t size;
	size_t capacity;
	size_t body_size;    /* SERVING: of the body; what follows belongs to the next request */
	size_t body_taken;   /* SERVING: bytes of it that the session has */
	bool is_last;        /* SERVING: no request follows the answer */
	char *answer_lines;  /* SERVING: header lines of the answer; heap, NULL: none */
	struct move *parcel; /* MOVING: on its way, no longer ours */
	uint8_t *rest; /* SLOWED, SPENT: what was received and not yet looked at; NULL: nothing */
	size_t rest_size;
};

struct conn {
	struct inbound *inbound; /* NULL: nothing is half in */
	struct outbox *outbox;   /* NULL: nothing waits */
	void *own;               /* of its protocol, one block of the heap; NULL: nothing */
	char *claims;            /* the token's claim `channels` as JSON text; NULL: none */
	union {
		struct subscription few[SUBSCRIPTIONS_INLINE];
		struct subscription *many; /* subscriptions_capacity > SUBSCRIPTIONS_INLINE */
	} subscriptions;
	uint16_t subscriptions_count;
	uint16_t subscriptions_capacity;
	uint32_t flags;       /* enum conn_flag */
	uint8_t state;        /* enum conn_state */
	uint8_t reason;       /* enum close_reason, from CLOSING on, or when the router refuses */
	uint8_t verdict;      /* enum handoff_verdict */
	uint8_t replays_owed; /* parts of a replay whose MORE the router has yet to hear */
	uint8_t protocol;     /* enum conn_protocol */
	uint8_t encoding;     /* enum encoding: set before the first subscription */
	uint8_t placed;       /* the shard that the acceptor gave the socket to */
	uint8_t pauses;       /* how often it was slowed, see shard/rate.h */
	uint16_t partner;     /* SERVING, PROBE, LENT: the session's slot; of a session: the slot of
			       * whom lends it a socket; MOVING: to which shard; PARTNER_NONE */
	uint16_t sent_turn;   /* the turn of its last send, low 16 bits: one send per turn */
	struct rate rate;     /* of its messages */
	struct wheel_timer timer;
	uint32_t generation;  /* grows with each use of the slot */
	uint32_t arrival;     /* index of its struct arrival, or ARRIVAL_NONE */
	uint32_t user;        /* index of the channel user:{sub}, held; CHANNEL_NONE */
	uint32_t last_notice; /* number of the last notice for many channels it got */
	uint32_t heard_ms;    /* shard time, low 32 bits: its last frame */
	uint32_t active_ms;   /* likewise: the last message in either direction */
	uint32_t deadline_ms; /* likewise: next ping (OPEN), else when patience ends */
	uint32_t expires_s;   /* Unix time at which the token ends; UINT32_MAX: never */
};

/* The end of a connection, in three steps. conn_close sends what waits and a close frame (or
 * nothing, for a code 0 reason), then waits for the client at most close_timeout. */
void conn_close(struct shard *shard, struct conn *conn, enum close_reason reason);

/* Cuts: cancels what is armed and has the kernel close the descriptor. */
void conn_close_join(struct shard *shard, struct conn *conn, enum close_reason reason);

/* The kernel has closed it: the slot is free. */
void conn_close_finish(struct shard *shard, struct conn *conn);

/* Another shard has its socket: only the slot here is closed. */
void conn_close_moved(struct shard *shard, struct conn *conn);

/* Once per turn: departures that found the lane full. */
void conn_tell_departures(struct shard *shard);

/* The code that tells a client of this reason; 0: none does. */
uint16_t conn_close_code(enum close_reason reason);

/* OPEN and HELD: nothing more is for it, and the router counts it no longer; its outbox is dropped
 * and the socket stays, in HEAD, for the next request. */
void conn_reuse(struct shard *shard, struct conn *conn);

/* A new socket in a free slot. */
void conn_open(struct shard *shard, uint32_t slot, uint64_t handoff);

/* A session in a free slot above the ring's table, which has no socket. */
struct conn *conn_open_socketless(struct shard *shard, uint32_t slot);

/* Its inbound, made when there is none. NULL: out of memory. */
struct inbound *conn_need_inbound(struct conn *conn);

/* Adds bytes to inbound->bytes; `size_max` bounds them all. */
MUST_CHECK enum status conn_store(struct conn *conn, struct slice bytes, size_t size_max);

void conn_drop_inbound(struct conn *conn);

#endif
