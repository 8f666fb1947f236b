/* shard/shard_state.h - what a shard is made of; for the files of this folder only.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  see shard/shard.h
 * Errors  none
 *
 * A turn takes completions, then deliveries, then timers, and prepares sends; the submit at its
 * end puts them on the sockets. A connection has at most one send in a turn, because only the
 * next look at the completions tells whether it was taken whole.
 */
#ifndef BELFRY_SHARD_SHARD_STATE_H
#define BELFRY_SHARD_SHARD_STATE_H

#include "base/assert.h"
#include "base/random.h"
#include "belfry/delivery.h"
#include "belfry/departure.h"
#include "belfry/limits.h"
#include "belfry/receipt.h"
#include "belfry/ring_tag.h"
#include "shard/channels.h"
#include "shard/compression.h"
#include "shard/conn.h"
#include "shard/recovery.h"
#include "shard/engine_session.h"
#include "shard/shard.h"
#include "shard/tokens.h"
#include "shard/wheel.h"
#include "uring/uring.h"

enum shard_op {
	SHARD_OP_READABLE = RING_OP_OWN, /* the poll for bytes from the client */
	SHARD_OP_RECEIVE,                /* argument: which receive buffer */
	SHARD_OP_SEND,                   /* argument: which send of the turn */
	SHARD_OP_WRITABLE,
	SHARD_OP_CLOSE,
	SHARD_OP_UNACKNOWLEDGED, /* how much its client's TCP has not taken yet */
	SHARD_OP_HANDED,         /* the socket was given to another shard */
};

#define CHANNEL_ALL 0u /* + encoding: index of the channel `all`, held by the shard itself */

/* A send of this turn: needed again only when it was short. */
struct send_record {
	const uint8_t *bytes;
	uint32_t size;
	uint32_t taken; /* bytes that went out, known when the turn is over */
	uint16_t slot;
	bool from_outbox; /* the bytes are the first of the connection's outbox */
	bool is_void;     /* the connection was cut meanwhile */
};

/* Slots of connections that wait for something, in order. */
struct slot_queue {
	uint16_t *slots; /* SLOTS_MAX + 1 of them: a connection is in it at most once */
	uint16_t head, tail;
};

/* Memory that is valid until the end of the turn. */
struct arena_block {
	struct arena_block *next;
	uint8_t bytes[];
};

struct arena {
	uint8_t *bytes;
	size_t size, capacity;
	struct arena_block *blocks; /* what did not fit */
};

struct shard {
	const struct config *config;
	struct counters *all_counters;
	struct shard_counters *counters;
	uint32_t index;
	uint32_t slots; /* connections, with and without a socket */
	uint32_t table; /* of them, slots of the ring; those above have no socket */
	struct hash_key connection_key;
	struct lane *deliveries, *receipts, *departures;
	struct sleeper *sleeper;
	struct node_rates *rates;
	struct arrival *arrivals;
	struct uring *uring;
	struct conn *conns; /* `slots` of them, reserved */
	size_t conns_size;  /* of the reservation, in bytes */
	struct fall *falls; /* by slot, reserved likewise: shard/recovery.h */
	size_t falls_size;
	struct event_id position; /* of the last durable notice that was taken whole, or of a
				   * later LIVE: everything up to there was looked at */
	struct event_id newest;   /* likewise, of this log: goes back with one that was reset. What
				 * clients are told that keep a position themselves */
	struct channels channels;
	struct wheel wheel;
	struct random random;
	uint64_t now_ms;     /* monotonic, of this turn */
	uint64_t unix_ms;    /* wall clock, of this turn */
	uint32_t turn;       /* number of this turn */
	uint32_t notices;    /* notices for many channels so far */
	uint32_t encodings;  /* a bit for each that a connection here has had */
	uint32_t delivering; /* encoding with which the notice at the lane's end goes on */
	uint32_t held_size;  /* bytes of its frame that found no room on a tape; 0: none did */
	uint32_t sockets;    /* slots of the ring in use */
	struct engine_sessions sessions;
	struct move *moved_in, *moved_in_last; /* sockets from other shards, in order */
	struct departure *departed;            /* that found the lane full */
	uint32_t departed_count, departed_capacity;
	bool is_stopping;
	bool is_crowded;        /* an outbox is half full in this turn: no more deliveries */
	uint32_t tape_size_max; /* room for four of the largest frames */
	size_t outbox_size_max; /* max_outbox_bytes, but room for two of the largest frames */
	uint64_t stop_until_ms; /* when stopping: cut what is left then */
	uint32_t stop_sockets;  /* when stopping: sockets there were at its beginning */
	uint32_t stop_closed;   /* and how many of them were closed */
	uint32_t stop_cursor;   /* when stopping: next slot to close */
	uint64_t stop_began_ms;
	uint64_t turn_max_until_ms;    /* the gauge of the longest turn starts anew then */
	uint64_t delivered_ms;         /* when the last notice was taken from the lane */
	uint64_t timers_rest_until_ms; /* no timers are looked at before */
	bool is_older_kernel;          /* it does not say what TCP has acknowledged */
	bool must_wake_router;         /* receipts were pushed in this turn */
	struct tokens tokens;
	const int *shard_ring_fds; /* of all shards; NULL: they are told nothing */
	struct slot_queue readable, sendable;
	struct slot_queue postponed;     /* see shard/postponed.h */
	struct slot_queue spent;         /* connections with CONN_SPENT: receive_go_on() */
	uint32_t dirty[TAPES_DIRTY_MAX]; /* channels whose tapes have bytes to send */
	uint32_t dirty_count;
	uint16_t *lagging; /* slots of connections that a sweep has left behind, `slots` of them */
	uint32_t lagging_count;
	struct receipt *waiting; /* receipts that found the lane full, in order */
	uint32_t waiting_first, waiting_count, waiting_capacity;
	struct notice *held[TURN_DELIVERIES_MAX]; /* notices whose bytes this turn sends */
	uint32_t held_count;
	struct send_record sends[TURN_SENDS_MAX];
	uint32_t sends_count;
	uint32_t receives;                              /* receive buffers in use in this turn */
	struct uring_event received[TURN_RECEIVES_MAX]; /* receives that are done, unread */
	uint32_t received_count;
	uint8_t *receive_bytes; /* TURN_RECEIVES_MAX x RECEIVE_SIZE */
	struct arena arena;
	struct compression compression;
};

static inline uint32_t conn_slot(const struct shard *shard, const struct conn *conn)
{
	return (uint32_t)(conn - shard->conns);
}

static inline struct conn *conn_at(const struct shard *shard, uint32_t slot)
{
	ASSERT(slot < shard->slots);
	return &shard->conns[slot];
}

/* op, low 16 bits of the generation, argument, slot. */
static inline uint64_t conn_tag(const struct shard *shard, const struct conn *conn,
				enum shard_op op, uint32_t argument)
{
	return ring_tag(op, (uint64_t)(conn->generation & 0xFFFF) << 32 |
				    (uint64_t)(argument & 0xFFFF) << 16 | conn_slot(shard, conn));
}

/* Nothing is to be done for it, though a queue may still name its slot. */
static inline bool conn_is_void(const struct conn *conn)
{
	return conn->state == CONN_FREE || conn->state == CONN_FINISHING ||
	       conn->state == CONN_LENT;
}

/* Its own, or one that it was lent. */
static inline bool conn_has_socket(const struct conn *conn)
{
	return (conn->flags & CONN_SOCKETLESS) == 0 || conn->partner != PARTNER_NONE;
}

/* The connection whose slot its socket is in: itself, or who lends it. */
static inline struct conn *conn_socket(struct shard *shard, struct conn *conn)
{
	return conn->flags & CONN_SOCKETLESS ? conn_at(shard, conn->partner) : conn;
}

/* It is in its channels, and every notice for it reaches it. */
static inline bool conn_is_live(const struct conn *conn)
{
	return conn->state == CONN_OPEN &&
	       (conn->flags & (CONN_FALLING | CONN_BEHIND | CONN_RECOVERING)) == 0;
}

static inline bool conn_has(const struct conn *conn, enum conn_flag flag)
{
	return (conn->flags & flag) != 0;
}

/* It had its send in this turn. (After 65,536 turns without one it seems so once more: then it
 * waits a turn.) */
static inline bool conn_is_sending(const struct shard *shard, const struct conn *conn)
{
	return conn->sent_turn == (uint16_t)shard->turn;
}

static inline bool channel_is_all(uint32_t channel)
{
	return channel < CHANNEL_ALL + ENCODING_COUNT;
}

static inline void conn_set(struct conn *conn, enum conn_flag flag)
{
	conn->flags |= flag;
}

static inline void conn_clear(struct conn *conn, enum conn_flag flag)
{
	conn->flags &= ~(uint32_t)flag;
}

/* Bytes until the end of the turn. NULL: out of memory. */
uint8_t *arena_take(struct arena *arena, size_t size);
/* Of what was taken last, only the first `used` bytes are needed. */
void arena_trim(struct arena *arena, const uint8_t *bytes, size_t size, size_t used);
void arena_reset(struct arena *arena);

void slot_queue_push(struct slot_queue *queue, uint32_t slot);
uint32_t slot_queue_pop(struct slot_queue *queue);
uint32_t slot_queue_size(const struct slot_queue *queue);

#endif
