/* router/saying.h - what clients say: into the log, to others, and up to the backends.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block for each append under way
 * Errors  enum upstream_answer, told to the connection
 *
 * Marks (read, deleted) and publications become entries of the log, so that every node folds
 * them; typing is ephemeral and goes over Pub/Sub. All of it is also appended to the stream
 * `belfry:up` (fields user, connection_id, type, data, ts), when there is Redis and the key
 * `upstream` is on.
 */
#ifndef BELFRY_ROUTER_SAYING_H
#define BELFRY_ROUTER_SAYING_H

#include <stdint.h>

#include "base/slice.h"

#define UP_STREAM "belfry:up"
#define UP_LENGTH_MAX "100000" /* about so many stay */

struct receipt;
struct router;
struct upstream;

/* Takes a receipt of type UPSTREAM and frees what it brings. */
void saying_take(struct router *router, uint32_t shard, const struct receipt *receipt);

/* What goes into the log on behalf of somebody. */
struct saying_entry {
	struct slice channel, type, event, data; /* event: absent without */
};

/* Appends `entry`; `on_done` is called once, perhaps at once, with enum upstream_answer. */
void saying_append(struct router *router, const struct saying_entry *entry,
		   void (*on_done)(void *owner, unsigned answer), void *owner);

#endif
