/* router/watch.h - is it still the same log? Asked at each new link and twice a second.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  three calls, embedded
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

#define WATCH_INTERVAL_MS 500u
#define WATCH_NUMBER_SIZE 16 /* an epoch as text: hexadecimal digits */
#define WATCH_NUMBER_FORMAT "%016lx"

struct redis_log;

struct watch {
	struct redis_call call_info, call_stream, call_epoch, call_write;
	struct redis_log *redis;
	bool is_fresh; /* the facts were seen since a link came up */
	bool is_asking;
	bool must_break; /* this Redis is not the master: all links go */
	uint32_t pending;
	uint64_t next_ms;
	struct redis_facts facts;
	bool must_write_epoch; /* ours is not in Redis yet: what is read there is old */
	bool is_writing_epoch; /* its SET is on its way */
	bool has_epoch;        /* the key is there */
	bool told_eviction;    /* the warnings were given */
	bool told_replica;
	char replid[41];        /* of the log that was read; empty: none yet */
	uint64_t asked_added;   /* likewise, when the facts were asked for */
	uint64_t entries_added; /* highest seen of this log */
};

void watch_init(struct watch *watch, struct redis_log *redis);

/* Once per turn. */
void watch_turn(struct watch *watch);

/* A link has broken: what is known may be of another Redis by now. */
void watch_forget(struct watch *watch);

/* A loss is proven: makes a new epoch and writes it. */
void watch_new_epoch(struct watch *watch, struct event_id from, struct event_id until);

/* The number of an epoch from its text. False, *ret_epoch untouched: it is none. */
MUST_CHECK bool watch_read_number(struct slice text, uint64_t *ret_epoch);

#endif
