/* router/replay.h - what a connection has missed, sent in parts, until it is live.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block a replay, 8 bytes for each record that it has yet to send, at most
 *         replay_limit of them; one part (REPLAY_CHUNK_SIZE) under way for each connection
 * Errors  a receiver that cannot be given all it was promised is closed with 4410
 *
 * A replay finds its place (the named position, or the cursor), collects the records after it
 * from the history, answers how many there are, and sends their frames part by part. When none
 * is left it pushes LIVE. Router and log are serial: between the last look at the history and
 * LIVE nothing is folded, so what comes later is delivered live, and nothing twice.
 *
 * It waits for: the log (not loaded yet, a partition of it that is not read yet, or a position that
 * this node has not read yet), the cursor, a body that is only in Redis, the shard's MORE, or room
 * on the lane.
 */
#ifndef BELFRY_ROUTER_REPLAY_H
#define BELFRY_ROUTER_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/event_id.h"
#include "belfry/receipt.h"
#include "log/redis_client.h"
#include "router/fetch.h"

#define REPLAY_CHUNK_SIZE (16u << 10) /* a part ends with the frame that passes this */
#define REPLAY_CHUNK_MESSAGES 128u
#define REPLAY_PARK_MS 20u         /* what waits for the log is looked at so often */
#define REPLAY_PATIENCE_MS 1000u   /* for a log that is away, or a position from the future */
#define REPLAY_REFUSED_MS 5000u    /* so long a body may be refused before its receiver goes */
#define REPLAY_TURN_MESSAGES 1024u /* of all replays, so that new entries get their turn */
#define REPLAY_RECORDS_COST 64u    /* records found cost as much time as one message framed */

struct router;
struct session;
struct cursor;

enum replay_phase {
	REPLAY_PLACE,   /* finds out after which positions */
	REPLAY_COLLECT, /* finds the records */
	REPLAY_CHECK,   /* makes sure that the log still has the first body */
	REPLAY_ANSWER,  /* tells the shard what will come */
	REPLAY_SEND,
};

/* Where a replay is while it waits; it is in one place at a time. */
enum replay_place {
	REPLAY_AT_SESSION, /* only its session knows it: waits for MORE, or for the one before it */
	REPLAY_AT_QUEUE,   /* ready or parked */
	REPLAY_AT_CALL,    /* a reply of Redis will bring it back */
};

struct replay {
	struct replay *next;        /* of the same session */
	struct replay *next_queued; /* ready, parked, or waiting for the same body */
	struct recovery *recovery;
	struct router *router;
	char *ref;
	uint8_t type; /* enum receipt_type: ATTACH, SUBSCRIBE, CATCH_UP */
	uint8_t shard;
	uint16_t slot;
	uint32_t generation;
	uint32_t channel;
	enum replay_phase phase;
	enum replay_place place;
	bool must_ask_identity; /* ATTACH: Redis decides: see router/takeover.h */
	bool is_void;           /* its connection is gone: whoever has it frees it */
	bool is_recovered;      /* so far */
	bool is_new_user;       /* the cursor was never moved */
	bool has_asked;         /* the cursor's answer has come, or is on its way */
	bool is_answered;       /* the shard was told what comes */
	bool had_position;      /* SUBSCRIBE: the client named one */
	uint64_t began_ms;
	uint64_t refused_ms; /* since when Redis refuses the body at hand; 0: it does not */
	uint64_t reached;    /* records before this number were collected */
	uint64_t *records;   /* number x REPLAY_CHANNELS + index of the channel, ascending */
	uint32_t records_count, records_capacity;
	uint32_t at; /* next of them to send */
	uint32_t sent;
	struct event_id sent_id;          /* of the last entry that was sent */
	struct event_id sent_body;        /* likewise, told apart from those of other streams */
	struct event_id fetched;          /* the body it waited for, and ... */
	enum fetch_result fetched_result; /* ... what became of it */
	struct redis_call call;           /* for identity and cursor */
	struct cursor *cursor;            /* held while the call is under way */
};

#define REPLAY_CHANNELS 1024u /* more than a connection may have (max_subscriptions) */

/* Takes a receipt that asks for a recovery; the replay owns recovery and ref from here on. */
void replay_ask(struct router *router, uint32_t shard, const struct receipt *receipt);

/* The shard has put the last part on its way. */
void replay_more(struct router *router, struct session *session);

/* The connection is gone. */
void replay_drop_all(struct router *router, struct session *session);

/* Goes on where it waits; `replay` is in no queue. */
void replay_wake(struct replay *replay);

/* Once per turn. True: some were left for want of room or time. */
bool replay_turn(struct router *router);

/* All records are about to get new numbers, or to go: what is under way finds its place again in
 * the log that is read then, or ends when something was lost. */
void replay_again_all(struct router *router);

/* At the end: frees what is queued. */
void replay_free_queued(struct router *router);

/* Nothing after this position is missing here. */
bool replay_reaches(const struct router *router, struct event_id after);

#endif
