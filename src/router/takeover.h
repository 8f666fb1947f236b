/* router/takeover.h - a client that comes back takes up the connection id that it had.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block for each write under way; without Redis see router/departed.h
 * Errors  what cannot be kept in Redis is kept here: then only this node can give it
 *
 * Whose connection has ended may take up its id within resume_window, once, as the same user, at
 * any node. The node at which it ended says so in Redis, under a key that names both; who deletes
 * the key has the id. On the node where it has not ended yet, because nobody has noticed, the id
 * is given as well; on another one it is not, and neither is that of a node that was killed.
 *
 *     belfry:gone:{connection id}:{user}   string, expires with resume_window
 *
 * Rights: SET, GETDEL. Redis 6.2.
 */
#ifndef BELFRY_ROUTER_TAKEOVER_H
#define BELFRY_ROUTER_TAKEOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/connection_id.h"

struct recovery;
struct replay;
struct router;
struct session;

/* The id under which its client knows the connection. */
void takeover_id(const struct router *router, const struct session *session,
		 struct connection_id own, char ret_id[CONNECTION_ID_SIZE]);

/* The connection ends: its id may be taken up. */
void takeover_leave(struct router *router, const struct session *session, struct connection_id own);

/* The session of a slot asks for an id, or for none: false if Redis has to say, else it is decided:
 * its identity, and what recovery->channels has of it. */
bool takeover_decide(struct router *router, uint32_t shard, uint32_t slot,
		     struct recovery *recovery);

/* Asks Redis on behalf of the session that is attaching. The replay is woken when it is decided.
 * False: Redis is away, and so it is decided. */
bool takeover_ask(struct replay *replay);

#endif
