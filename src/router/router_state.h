/* router/router_state.h - what the router is made of; for the files of this folder only.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/router.h
 * Errors  none
 */
#ifndef BELFRY_ROUTER_ROUTER_STATE_H
#define BELFRY_ROUTER_ROUTER_STATE_H

#include "base/assert.h"
#include "base/random.h"
#include "belfry/limits.h"
#include "belfry/notice.h"
#include "belfry/ring_tag.h"
#include "log/embedded_log.h"
#include "router/interests.h"
#include "router/router.h"
#include "uring/uring.h"
#include "wire/entry.h"

enum router_op {
	ROUTER_OP_CONNECT = RING_OP_OWN, /* rest of all: which link */
	ROUTER_OP_RECEIVE,
	ROUTER_OP_SEND,
};

/* Places on each delivery lane that answers to receipts leave free: the entries of a read that is
 * under way find room whenever they come. */
#define FANOUT_RESERVE 256u

struct redis_log;

struct router {
	const struct config *config;
	struct router_options options;
	struct router_counters *counters;
	struct uring *uring;
	struct interests interests;
	struct random random;
	uint64_t now_ms;         /* monotonic, of this turn */
	uint64_t unix_ms;        /* wall clock, of this turn */
	struct event_id last;    /* of the newest entry that was read */
	uint64_t shards_to_wake; /* bit per shard that got a delivery in this turn */
	bool must_wake_admin;
	bool is_stopping;
	struct embedded_log embedded;
	struct redis_log *redis;         /* NULL: the log is the embedded one */
	struct publication *publication; /* embedded: not every item could be appended yet */
	struct notice_channel *targets;  /* ENTRY_CHANNELS_MAX of them: of the entry at hand */
	uint64_t dead_logged_ms[ENTRY_MANY_FIELDS + 1]; /* last log line, by reason */
};

/* ---- fanout.c ---- */

/* Brings a checked entry to the shards that want it. Needs room on every delivery lane. */
void fanout_entry(struct router *router, const struct entry *entry, struct event_id id);

/* How many entries every delivery lane takes for sure. */
uint32_t fanout_room(struct router *router);

/* Wakes the shards that got something. */
void fanout_wake(struct router *router);

/* ---- attend.c ---- */

/* Takes receipts from all shards, as long as answers find room. True: some were left. */
bool attend_receipts(struct router *router);

/* ---- appending.c ---- */

/* Takes publications from admin and gives their items to the log. True: some were left. */
bool appending_drain(struct router *router);

/* An item has its outcome; with the last one the publication goes back to admin. */
struct publication_item;
void appending_answer(struct router *router, struct publication_item *item);

/* Checks an entry, counting and logging a dead one once per reason and second. */
enum entry_reason appending_check(struct router *router, const struct entry_field *fields,
				  uint32_t fields_count, struct entry *ret_entry);

/* ---- redis_log.c ---- */

MUST_CHECK enum status redis_log_create(struct router *router);
void redis_log_destroy(struct redis_log *redis);

/* Once per turn: links, timeouts, reading. */
void redis_log_turn(struct router *router);
void redis_log_on_event(struct router *router, const struct uring_event *event);

/* Appends to the stream of the log; the item is answered later. STATUS_UNAVAILABLE: there is no
 * link; STATUS_AGAIN: too many answers are still to come. */
MUST_CHECK enum status redis_log_append(struct router *router, struct publication_item *item);

/* Milliseconds until redis_log_turn has something to do. */
uint64_t redis_log_wait_ms(const struct router *router);

/* Closes the links. */
void redis_log_stop(struct router *router);

#endif
