/* router/presence_redis.h - carries out the actions of presence over a link to Redis.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  a heap block for each put, offline and question until its reply is there, of about 100
 *         bytes and the names; the link's PRESENCE_PENDING_MAX bounds them
 * Errors  what cannot be written is written with the next refresh, or ends by itself; `failures`
 *         counts, and `error` is the last refusal of Redis
 *
 * Without a link actions are thrown away; when it is back everything is written again.
 */
#ifndef BELFRY_ROUTER_PRESENCE_REDIS_H
#define BELFRY_ROUTER_PRESENCE_REDIS_H

#include "log/redis_client.h"
#include "router/presence_store.h"

#define PRESENCE_TURN_MAX 128     /* actions of one turn, four commands each: about 0.5 ms */
#define PRESENCE_PENDING_MAX 8192 /* with so many replies to come on the link, none is begun */

struct presence_redis_listener {
	/* 200 with the body, which is valid during the call; 404, or 503 when Redis did not
	 * answer, without. */
	void (*on_answer)(void *owner, void *asker, int status, struct slice body);
	void *owner;
};

struct presence_redis {
	struct presence *presence;
	struct redis_client *client;
	struct presence_redis_listener listener;
	struct presence_store store;
	bool was_ready;        /* the link, in the last turn */
	bool has_more;         /* the last sweep did not find all */
	bool is_sweeping;      /* a claim or a sweep waits for its reply */
	uint64_t claim_ms;     /* monotonic: when to claim the sweep next */
	uint64_t now_ms;       /* of the last turn */
	uint64_t unix_ms;      /* likewise, wall clock */
	uint64_t calls_count;  /* heap blocks that wait for a reply */
	uint32_t checks_count; /* of them: users on their way to offline */
	uint64_t failures;     /* commands that were refused or not taken */
	char error[REDIS_ERROR_SIZE];
	struct redis_call claim_call;
	struct redis_call sweep_call;
	struct presence_batch batch; /* for one call */
};

struct presence_redis_options {
	struct presence *presence;
	struct redis_client *client; /* others may use it, too */
	struct presence_redis_listener listener;
	struct presence_store store;
};

void presence_redis_init(struct presence_redis *redis,
			 const struct presence_redis_options *options);

/* After redis_client_close, which ends all calls. */
void presence_redis_deinit(struct presence_redis *redis);

/* Once per turn: takes what is due in presence, PRESENCE_TURN_MAX at most, and sweeps. A node that
 * ends calls presence_detach_all, this until presence_wait_ms is not 0, then presence_redis_end. */
void presence_redis_turn(struct presence_redis *redis, uint64_t now_ms, uint64_t unix_ms);

/* The node ends: its users still linger, and when that is over the sweep of another node finds
 * those who did not come back. */
void presence_redis_end(struct presence_redis *redis);

/* Milliseconds until presence_redis_turn has something to do; replies may bring it earlier. */
uint64_t presence_redis_wait_ms(const struct presence_redis *redis, uint64_t now_ms);

#endif
