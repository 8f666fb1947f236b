/* router/fetch.h - bodies that are no longer in memory, asked of Redis.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  at most FETCHES_MAX under way; what came is kept in bodies
 * Errors  enum fetch_result
 *
 * Single-flight: however many replays need an entry, it is asked for once. Commands are
 * pipelined on the data link.
 */
#ifndef BELFRY_ROUTER_FETCH_H
#define BELFRY_ROUTER_FETCH_H

#include "base/slice.h"
#include "belfry/event_id.h"

#define FETCHES_MAX 1024u

struct replay;
struct router;
struct entry;

enum fetch_result {
	FETCH_READY,   /* *ret_entry, valid until a body is added */
	FETCH_PENDING, /* asked for; the replay is woken when the answer has come */
	FETCH_FULL,    /* too many are under way: try again next turn */
	FETCH_DELETED, /* somebody took this entry out of the log */
	FETCH_TRIMMED, /* the log no longer reaches back so far */
	FETCH_AWAY,    /* Redis cannot be asked */
	FETCH_REFUSED, /* it answered with an error: it may do so for ever */
};

struct fetches;

/* NULL: out of memory. destroy: when the data link is closed and nothing is under way. */
struct fetches *fetches_create(void);
void fetches_destroy(struct fetches *fetches);

/* The entry with this id, of a channel with this name. With PENDING and `replay` not NULL the
 * replay waits for it; with NULL it is only fetched ahead, and
 * who asks again hears DELETED if it was not there. */
enum fetch_result fetch_body(struct router *router, struct event_id id, struct slice channel,
			     struct replay *replay, struct entry *ret_entry);

#endif
