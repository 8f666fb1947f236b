/* router/revoking.h - tokens that are not taken any more: asked, kept, and closed for.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the table of router/revocations.h; one heap block for each change on its way to Redis
 * Errors  HTTP answers
 *
 * With Redis the truth is there, and every node has a copy:
 *
 *     belfry:revoked           sorted set: id (wire/revocation.h), by the Unix milliseconds at
 *                              which it ends
 *     belfry:revoked:version   string: random, another one after each change by a node
 *
 * Twice a second the version and the number of members are asked for; when either has changed,
 * the set is read. So a backend may ZADD and ZREM by itself. While Redis is away what is known
 * goes on to count. Without Redis they are marks `r:{id}` in the log's file, if there is one.
 *
 * An attach with a revoked token is refused. What is new is compared with the sessions of the user
 * that it names, at once; else, or when that is much in a turn, with all sessions, some in a turn.
 * Those that it means are closed.
 */
#ifndef BELFRY_ROUTER_REVOKING_H
#define BELFRY_ROUTER_REVOKING_H

#include <stdbool.h>
#include <stdint.h>

#include "log/redis_client.h"
#include "router/revocations.h"

#define REVOKING_TURN_MAX 8192u   /* sessions compared in a turn: below a millisecond */
#define REVOKING_REREAD_MS 30000u /* the set is read so often whatever its version says */
#define REVOKING_CLEAN_MS 60000u  /* what has ended so long ago leaves Redis: clocks differ */

struct query;
struct receipt;
struct recovery;
struct router;
struct session;

struct revoking {
	struct revocations known;
	struct router *router;
	bool is_walking, must_walk; /* sessions are compared; and then once more */
	uint32_t walk_shard, walk_slot;
	uint32_t compared; /* users and their sessions, at once, since the last turn */

	/* Redis */
	struct redis_call call_version, call_count, call_members;
	uint32_t pending;      /* of these calls */
	bool is_read;          /* the set was read, of this Redis or another */
	bool must_read;        /* nobody knows whether what is known is the newest */
	bool told_error;       /* that it cannot be read */
	bool told_bad;         /* that there are others than ids, or too many */
	uint64_t version;      /* hash of its text */
	uint64_t members;      /* in the set, ended ones included */
	uint64_t next_read_ms; /* monotonic */
};

/* False: out of memory. */
MUST_CHECK bool revoking_init(struct router *router);
void revoking_deinit(struct router *router);

/* Notes the token of an attach in its session. True: it is revoked. */
MUST_CHECK bool revoking_on_attach(struct router *router, struct session *session,
				   const struct recovery *recovery);

/* Takes a receipt of type TOKEN: closes the connection if the new token is revoked. `session`
 * NULL: it is gone. */
void revoking_on_token(struct router *router, uint32_t shard, struct session *session,
		       const struct receipt *receipt);

/* Once per turn. True: there are sessions left to compare. */
bool revoking_turn(struct router *router);

/* Asks Redis what has changed, or, after the link was lost, for everything. */
void revoking_look(struct router *router);
void revoking_forget(struct router *router);

/* Answer queries of these types, now or when Redis has replied. */
void revoking_answer_revoke(struct router *router, struct query *query);
void revoking_answer_list(struct router *router, struct query *query);
void revoking_answer_restore(struct router *router, struct query *query);

/* A mark of the log's file. False: it is none of a revocation. */
bool revoking_on_mark(struct router *router, struct slice key, struct slice value);

/* ---- between revoking.c and revoking_redis.c ---- */

/* Puts one into the table; what is new is compared with the sessions that it may mean. */
enum revocations_put revoking_put(struct router *router, struct slice id, uint64_t until_ms);

/* Adds or, with until_ms 0, removes query->subject in Redis, then answers. */
void revoking_change(struct router *router, struct query *query, uint64_t until_ms);

/* It was done: says so. */
void revoking_done(struct router *router, struct query *query, uint64_t until_ms);

#endif
