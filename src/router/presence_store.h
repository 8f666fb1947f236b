/* router/presence_store.h - presence in Redis: which commands say what, and why in this order.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  a batch is the caller's, its words point into itself and into the arguments
 * Errors  none
 *
 * Keys (END: Unix ms at which it ends unless it is written again; MEMBER, RECORD: see
 * router/presence_answer.h; ttl: `presence_ttl`):
 *
 *   belfry:conn:C       text RECORD, expires with ttl
 *   belfry:presence:U   sorted set: MEMBER -> END. Beside it LINGER: U lingers on node N, which is
 *                       {"node":N,"process":P}: nodes of one machine may have the same name
 *   belfry:online       sorted set: U -> latest END; its members are who counts as online
 *   belfry:sweeper      text N, expires after a second: the node that sweeps in it
 *   belfry:up           stream: fields user, connection_id, type, data, ts
 *
 * A user is online when belfry:presence:U has an END that is not over. belfry:online turns that
 * into events: who adds a user to it tells `presence.online`, who removes him tells
 * `presence.offline`; Redis lets exactly one node do either. Nothing needs EVAL, MULTI or WATCH:
 *
 *   put      SET conn, ZADD presence, PEXPIRE presence, ZADD online GT
 *            The last reply is 1: he was not in it: XADD online.
 *   drop     ZREM presence, DEL conn. If it was his last here: before it ZADD LINGER with the
 *            end of the linger, so that other nodes do not take him for gone; PEXPIRE.
 *   offline  ask    ZREM LINGER, ZREMRANGEBYSCORE presence (what is over), ZCOUNT presence
 *                   (what is not). Not 0: he is online elsewhere: `lift`, done.
 *            leave  ZREM online, ZCOUNT presence. ZREM gave 0: another node was first, done.
 *                   ZCOUNT not 0: he came back between the two: `undo`, done.
 *            tell   XADD offline, ZCOUNT presence. Not 0: he came back before the XADD, and
 *                   his node's XADD online may lie before it: XADD online once more, done.
 *   lift     ZADD online XX GT: only if he is in it: who adds him has to tell
 *   undo     ZADD online GT: who took him out, and told nobody, may put him back
 *   abandon  ZADD online XX LT, the end of the linger: the node ends and nobody will ask for it,
 *            so a sweep is to look then; who is online elsewhere is lifted by it
 *
 * A put writes presence before online, a leave takes online before it counts presence: so of a
 * put and a leave that meet, one sees the other. The last event on a user is therefore always
 * right, although an `online` may come twice, or an `offline` with an `online` right behind.
 *
 * A node that dies takes nobody out. Once a second each node tries `SET sweeper N NX PX`; who
 * gets it walks belfry:online up to now, SWEEP_COUNT users at a time, and does `ask` (without
 * its ZREM), `leave` and `tell` for each: at the latest ttl and a second after his last refresh
 * he is offline. A node whose link was down does not sweep before ttl has passed: the others,
 * whose links were down as well, need that time to write their users again. What is written here
 * compares clocks of different machines: they must agree to well within ttl.
 *
 * Events are told at most once: what a link that breaks swallows is not told again. The state
 * mends itself with the next refresh or the next sweep.
 *
 * Rights: SET, GET, DEL, ZADD, ZREM, ZREMRANGEBYSCORE, ZCOUNT, ZRANGEBYSCORE, PEXPIRE, XADD on
 * belfry:conn:*, belfry:presence:*, belfry:online, belfry:sweeper, belfry:up. Redis 6.2 (ZADD GT).
 * Load: four commands a connection in a third of ttl; 50,000 connections and 60 s: 10,000 a second.
 */
#ifndef BELFRY_ROUTER_PRESENCE_STORE_H
#define BELFRY_ROUTER_PRESENCE_STORE_H

#include "router/presence_answer.h"

#define PRESENCE_UP_LENGTH_MAX 100000u /* about so many entries stay in belfry:up */
#define PRESENCE_SWEEP_MS 1000u
#define PRESENCE_SWEEP_COUNT 128u
#define PRESENCE_LIST_MAX 1000u /* members of a user that an answer shows */
#define PRESENCE_COMMANDS_MAX 4
#define PRESENCE_WORDS_MAX 16

struct presence_store {
	struct slice node; /* 1..PRESENCE_NODE_MAX bytes */
	uint64_t process;  /* random: no two nodes have the same */
	uint64_t ttl_ms;
	uint64_t linger_ms;
};

/* Commands to be added to the link one after the other. */
struct presence_batch {
	struct presence_command {
		struct slice words[PRESENCE_WORDS_MAX];
		uint32_t count;
	} commands[PRESENCE_COMMANDS_MAX];
	uint32_t count;
	struct writer writer; /* into text */
	uint8_t text[PRESENCE_CONN_MAX + PRESENCE_MEMBER_MAX + 1024];
};

/* Four commands; reply to the last: 1: tell online. */
void presence_store_put(const struct presence_store *store, const struct presence_conn *conn,
			uint64_t unix_ms, struct presence_batch *ret_batch);

/* linger_ms as in struct presence_action. Nobody needs the replies. */
void presence_store_drop(const struct presence_store *store, const struct presence_conn *conn,
			 uint64_t linger_ms, uint64_t unix_ms, struct presence_batch *ret_batch);

/* `lingered`: on this node, and that is over. Reply to the last: members that are not over. */
void presence_store_ask(const struct presence_store *store, struct slice user, bool lingered,
			uint64_t unix_ms, struct presence_batch *ret_batch);

/* Two commands: 1: this call took him out; members that are not over. */
void presence_store_leave(struct slice user, uint64_t unix_ms, struct presence_batch *ret_batch);

/* He is online elsewhere, and nobody was told otherwise. */
void presence_store_lift(const struct presence_store *store, struct slice user, uint64_t unix_ms,
			 struct presence_batch *ret_batch);
void presence_store_undo(const struct presence_store *store, struct slice user, uint64_t unix_ms,
			 struct presence_batch *ret_batch);

/* His linger on this node, which ends, is over in linger_ms. */
void presence_store_abandon(struct slice user, uint64_t linger_ms, uint64_t unix_ms,
			    struct presence_batch *ret_batch);

struct presence_event {
	bool is_online;
	bool was_swept; /* offline: nobody refreshed him; his node is gone */
	struct slice user;
	struct slice connection_id; /* absent: not known */
	struct slice device;        /* online; absent: not known */
	uint64_t since_ms;          /* online; 0: not known */
};

/* Online: the XADD. Offline: behind it the ZCOUNT. */
void presence_store_tell(const struct presence_store *store, const struct presence_event *event,
			 uint64_t unix_ms, struct presence_batch *ret_batch);

/* Who may sweep: a reply that is not nil: this node, for PRESENCE_SWEEP_MS. */
void presence_store_claim(const struct presence_store *store, struct presence_batch *ret_batch);

/* Reply: an array of at most PRESENCE_SWEEP_COUNT users whose time is over. */
void presence_store_sweep(uint64_t unix_ms, struct presence_batch *ret_batch);

/* ---- questions ---- */

/* Reply: an array of at most PRESENCE_LIST_MAX stored members; one or more: he is online. `user`
 * is at most USER_SIZE_MAX bytes. */
void presence_store_list(struct slice user, uint64_t unix_ms, struct presence_batch *ret_batch);

/* Reply: a stored record, or nil. `id` is at most CHANNEL_SIZE_MAX bytes. */
void presence_store_find(struct slice id, struct presence_batch *ret_batch);

#endif
