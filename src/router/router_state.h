/* router/router_state.h - what the router is made of; for the files of this folder only.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/router.h
 * Errors  none
 */
#ifndef BELFRY_ROUTER_ROUTER_STATE_H
#define BELFRY_ROUTER_ROUTER_STATE_H

#include "base/addresses.h"
#include "base/assert.h"
#include "base/random.h"
#include "belfry/delivery.h"
#include "belfry/limits.h"
#include "belfry/notice.h"
#include "belfry/receipt.h"
#include "belfry/ring_tag.h"
#include "log/embedded_log.h"
#include "router/bodies.h"
#include "router/cursors.h"
#include "router/departed.h"
#include "router/history.h"
#include "router/interests.h"
#include "router/router.h"
#include "router/sessions.h"
#include "uring/uring.h"
#include "wire/entry.h"

enum router_op {
	ROUTER_OP_CONNECT = RING_OP_OWN, /* rest of all: which link */
	ROUTER_OP_RECEIVE,
	ROUTER_OP_SEND,
};

/* Places on each delivery lane that answers to receipts leave free: the entries of a read that is
 * under way find room whenever they come. */
#define FANOUT_RESERVE 512u

struct listing;
struct online;
struct redis_log;
struct replay;
struct revoking;
struct publication;
struct publication_item;
struct query;

/* Ids after `from` and not after `until` are of a log that is gone (router/reading.h). */
struct lost_range {
	struct event_id from, until;
};

/* Replays in order of arrival. */
struct replay_queue {
	struct replay *first, *last;
	uint32_t count;
};

/* Answers to upstream messages that found no room on their lane yet. */
struct answer {
	struct delivery delivery;
	uint32_t shard;
};

struct answers {
	struct answer *items;
	uint32_t first, count, capacity;
};

struct router {
	const struct config *config;
	struct router_options options;
	struct router_counters *counters;
	struct uring *uring;
	struct interests interests;
	struct sessions sessions;
	struct cursors cursors;
	struct departed departed;
	struct online *online; /* NULL: presence is off */
	struct revoking *revoking;
	struct history *history;
	struct bodies *bodies;
	struct random random;
	uint64_t now_ms;         /* monotonic, of this turn */
	uint64_t unix_ms;        /* wall clock, of this turn */
	struct event_id last;    /* of the newest entry that was read */
	struct lost_range lost;  /* 0-0: nothing is known to be lost */
	uint64_t epoch;          /* 0: not known yet */
	bool is_loaded;          /* the retention window has been read back */
	uint64_t shards_to_wake; /* bit per shard that got a delivery in this turn */
	bool must_wake_admin;
	bool is_stopping;
	struct embedded_log embedded;
	uint64_t cursors_flush_ms;       /* monotonic: the next flush */
	uint64_t cursor_script_ms;       /* monotonic: Redis runs no scripts till then */
	bool has_told_script;            /* that it does not */
	uint64_t trimmed_ms;             /* embedded: when its file was last trimmed */
	struct redis_log *redis;         /* NULL: the log is the embedded one */
	struct publication *publication; /* embedded: not every item could be appended yet */
	struct replay_queue ready;       /* can go on */
	struct replay_queue parked;      /* wait for the log; looked at every REPLAY_PARK_MS */
	uint64_t parked_look_ms;
	struct answers answers;
	struct addresses addresses;     /* of clients behind proxies, with their connections */
	struct listing *listings;       /* histories that wait for bodies */
	struct query *waiting_queries;  /* for a partition that is not read yet */
	uint8_t *chunk;                 /* REPLAY_CHUNK_SIZE and the largest frame */
	struct notice_channel *targets; /* ENTRY_CHANNELS_MAX of them: of the entry at hand */
	uint64_t dead_logged_ms[ENTRY_MANY_FIELDS + 1]; /* last log line, by reason */

	struct event_id position_told; /* to every shard */
	uint64_t position_told_ms;     /* monotonic: when */
};

/* Hash of a channel's name, as history, interests and shards know it. */
static inline uint64_t router_hash(const struct router *router, struct slice name)
{
	return hash_bytes(router->interests.key, name);
}

/* Of the channel user:{id}; the interest keeps only half of it. */
static inline uint64_t session_user_hash(const struct router *router, const struct session *session)
{
	return router_hash(router, slice_of(session->user->name, session->user->name_size));
}

/* An empty index of the configured bounds; NULL: out of memory. router.c. */
MUST_CHECK struct history *router_make_index(const struct router *router);

/* ---- fanout.c ---- */

/* Fills in what a channel means and returns the shards that want it. */
uint64_t fanout_resolve(const struct router *router, struct slice name, uint64_t hash,
			struct notice_channel *ret_target);

/* Brings a checked entry to `shards`; its channels are the first `count` of router->targets.
 * Needs room on every delivery lane. */
void fanout_entry(struct router *router, const struct entry *entry, struct event_id id,
		  uint32_t count, uint64_t shards);

/* Brings a text that is in no log to whoever holds the channel now. False: a lane has not more
 * than `reserve` places left; FANOUT_RESERVE but for what an entry brings with it. */
bool fanout_ephemeral(struct router *router, struct slice channel, struct slice text,
		      uint32_t reserve);

/* How many entries every delivery lane takes for sure. */
uint32_t fanout_room(struct router *router);

/* Places that answers to receipts may take on one shard's lane. */
uint32_t fanout_answer_room(struct router *router, uint32_t shard);

/* Pushes one delivery for one connection; there must be room. */
void fanout_push(struct router *router, uint32_t shard, const struct delivery *delivery);

/* Once a second, when the log has moved on: tells the shards up to where they have all of it, for
 * a shard whose channels are silent hears nothing else of it. */
void fanout_tell_position(struct router *router);

/* Wakes the shards that got something. */
void fanout_wake(struct router *router);

/* ---- attend.c ---- */

/* Takes receipts from all shards, as long as answers find room. True: some were left. */
bool attend_receipts(struct router *router);

/* ---- appending.c ---- */

/* Takes publications from admin and gives their items to the log. True: some were left. */
bool appending_drain(struct router *router);

/* An item has its outcome; with the last one the publication goes back to admin. */
void appending_answer(struct router *router, struct publication_item *item);

/* By which rule, if any, an entry may not be in the log. */
enum entry_reason appending_judge(const struct router *router, const struct entry_field *fields,
				  uint32_t fields_count, struct entry *ret_entry);

/* Likewise of one that the log has: counts a dead one, and logs it once per reason and second. */
enum entry_reason appending_check(struct router *router, const struct entry_field *fields,
				  uint32_t fields_count, struct entry *ret_entry);

/* Appends to the embedded log and delivers. STATUS_AGAIN: a lane is full; STATUS_SYSTEM: the
 * file cannot be written. */
MUST_CHECK enum status appending_embedded(struct router *router, const struct entry *entry,
					  struct event_id *ret_id);

#endif
