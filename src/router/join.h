/* router/join.h - another partition is read from now on, or one is not any more.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  an index beside the router's while partitions are joined, and both in one at its end
 * Errors  a link that breaks: the reading goes on when it is there again; another log: all begins
 *         anew, with all partitions that are needed then (router/reading.h)
 *
 * What somebody needs (router/needs.h) and is not read is joined. Its window is read aside, over a
 * link of its own, while the rest stays live: up to where the live read is. Then that is called
 * back and held for a moment, the last bit up to there is read, facts show that the streams still
 * have what was read, one index is made of both, and one read goes on with all of them. Nobody is
 * live in a channel of these partitions before: replays wait. So what comes in between is in the
 * index, and after it everything is live.
 *
 * What nobody needs any more is left: an index without it is made.
 */
#ifndef BELFRY_ROUTER_JOIN_H
#define BELFRY_ROUTER_JOIN_H

#include "log/redis_stream.h"
#include "router/history.h"
#include "router/partition_set.h"
#include "router/unkept.h"

struct redis_log;
struct link_user;

enum join_state {
	JOIN_NONE,
	JOIN_ASKS,      /* what the streams have */
	JOIN_LOADING,   /* the window, while the others are live */
	JOIN_CALLING,   /* the live read is to come back */
	JOIN_FINISHING, /* the live read is held, the last bit is read */
	JOIN_PROVING,   /* do the streams still have what was read? It is held until facts say so */
};

struct join {
	enum join_state state;
	struct redis_log *redis;
	struct redis_stream stream;
	struct partition_set parts;
	struct history *history;
	struct unkept unkept;
	struct event_id *until; /* by partition: its newest entry when it was needed */
	uint64_t began_ms;      /* monotonic */
	struct event_id known;  /* the live read was so far when the facts came */
	uint64_t finishing_ms;
	uint64_t held_ms_max;
	uint64_t entries;
	uint64_t asked;    /* number of the question to Redis whose facts are waited for */
	uint64_t begin_ms; /* monotonic: not before */
	uint64_t leave_ms; /* monotonic: not before */
};

/* The link of joins; with one partition there is none. */
extern const struct link_user join_link_user;

MUST_CHECK enum status join_init(struct join *join, struct redis_log *redis);
void join_deinit(struct join *join);

/* Once per turn. */
void join_turn(struct join *join);

/* The newest entry that the partition is known to have had; 0-0: it is not being joined. */
struct event_id join_told(const struct join *join, uint32_t partition);

/* New facts about the streams are there. */
void join_on_facts(struct join *join);

/* The live read is back and may begin again. True: it is held. */
bool join_holds(struct join *join);

/* The log is read again, so everything begins anew. */
void join_cancel(struct join *join);

#endif
