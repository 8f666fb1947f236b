/* router/watch.h - is it still the same log? Asked at each new link and twice a second.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  three calls, embedded; with several streams a call and its facts for each
 * Errors  none: without answers nothing is known, and reading does not begin
 *
 *     belfry:epoch   string "{epoch}:{from}:{until}": ids after `from` and not after `until` are
 *                    of a log that is gone; written by the node that proves a loss, read by all
 */
#ifndef BELFRY_ROUTER_WATCH_H
#define BELFRY_ROUTER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "log/redis_client.h"
#include "log/redis_facts.h"
#include "router/partition_set.h"

#define WATCH_INTERVAL_MS 500u
#define WATCH_NUMBER_SIZE 16 /* an epoch as text: hexadecimal digits */
#define WATCH_NUMBER_FORMAT "%016lx"

struct redis_log;

/* A lower bound of how many entries were ever added to a stream: what facts said, and the entries
 * behind those facts that were read since. */
struct watch_added {
	uint64_t count;
	struct event_id upto; /* the newest id when the facts were made */
};

/* One of several streams. */
struct watch_part {
	struct redis_call call;
	struct watch *watch;
	struct redis_facts facts;
	struct event_id told; /* newest entry of it that was read, when this was asked */
	uint64_t asked_added; /* `added`, likewise */
	struct watch_added added;
};

struct watch {
	struct redis_call call_info, call_stream, call_epoch, call_write;
	struct redis_log *redis;
	bool is_fresh; /* the facts were seen since a link came up */
	bool is_asking;
	bool must_break; /* this Redis is not the master: all links go */
	uint32_t pending;
	uint64_t asks; /* so many times */
	uint64_t next_ms;
	struct redis_facts facts; /* with several streams: what they come to */
	struct watch_part *parts; /* NULL: there is one stream */
	struct event_id floor;    /* of several streams: up to it some have been trimmed */
	bool part_failed;
	uint64_t refused_ms; /* when it was logged that Redis has no facts about one of them */
	struct partition_set asking, asked; /* of several streams: facts that come, that are here */
	bool must_ask_all;                  /* also of those that nobody needs: next time */
	struct event_id newest; /* of several streams: no entry after it was seen in any */
	bool must_write_epoch;  /* ours is not in Redis yet: what is read there is old */
	bool is_writing_epoch;  /* its SET is on its way */
	bool has_epoch;         /* the key is there */
	bool told_eviction;     /* the warnings were given */
	bool told_replica;
	char replid[41];      /* of the log that was read; empty: none yet */
	struct event_id told; /* newest entry that was read, when the facts were asked for */
	uint64_t asked_added; /* `added`, likewise */
	struct watch_added added;
};

MUST_CHECK enum status watch_init(struct watch *watch, struct redis_log *redis);
void watch_deinit(struct watch *watch);

/* Of several streams: look at all of them soon, so that `newest` is what there is. */
void watch_all(struct watch *watch);

/* Once per turn. */
void watch_turn(struct watch *watch);

/* The log of these facts is read from here on, of several streams these; later facts are of the
 * same one; a new entry of it was read. So many entries have been added to it, at least. */
void watch_adopt(struct watch *watch, const struct partition_set *parts);
void watch_follow(struct watch *watch);
void watch_count(struct watch *watch, uint32_t partition, struct event_id id);

/* What the facts of several streams come to: the oldest and the newest id there is, sums, and the
 * id up to which some have been trimmed. */
struct redis_facts watch_sum(const struct watch *watch, const struct partition_set *parts,
			     struct event_id *ret_floor);

/* A link has broken: what is known may be of another Redis by now. */
void watch_forget(struct watch *watch);

/* A loss is proven: makes a new epoch and writes it. */
void watch_new_epoch(struct watch *watch, struct event_id from, struct event_id until);

/* The number of an epoch from its text. False, *ret_epoch untouched: it is none. */
MUST_CHECK bool watch_read_number(struct slice text, uint64_t *ret_epoch);

#endif
