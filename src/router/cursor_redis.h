/* router/cursor_redis.h - cursors in Redis: asked for, and moved forward there.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block for each CURSOR_BATCH_MAX cursors that are being written
 * Errors  what cannot be written stays dirty and is tried again
 *
 *     belfry:cursor:{user}   hash: device ("" for the user's own) -> event id
 *
 * A user may confirm at several nodes at once, so it is Redis that compares: a script writes a
 * position unless a later one is there, and tells that one. It goes with each call (EVAL): a cache
 * of scripts could be lost, and needs a right more.
 *
 * A Redis that refuses scripts is asked for them again a minute later. Until then a position is
 * read, and written if it is behind: two nodes that do so within one round trip can leave the
 * older one. The next confirmation mends it, and what it costs is a double.
 */
#ifndef BELFRY_ROUTER_CURSOR_REDIS_H
#define BELFRY_ROUTER_CURSOR_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "belfry/event_id.h"
#include "log/redis_client.h"

#define CURSOR_BATCH_MAX 64u          /* of one call: Redis does nothing else for 0.2 ms */
#define CURSOR_SCRIPT_RETRY_MS 60000u /* after a refusal */

struct cursor;
struct router;

/* Asks for the position of `cursor`: what `call` hears is for cursor_redis_read. */
MUST_CHECK enum status cursor_redis_ask(struct router *router, const struct cursor *cursor,
					struct redis_call *call);

/* What the reply says; 0-0: there is none. False: it is an error. */
MUST_CHECK bool cursor_redis_read(enum status status, const struct redis_reply *reply,
				  struct event_id *ret_id);

/* Writes what is dirty, at most `writes_max` and what is left of the last batch. */
void cursor_redis_flush(struct router *router, uint32_t writes_max);

#endif
