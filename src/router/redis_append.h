/* router/redis_append.h - publications on their way into the streams of Redis.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  words, while a command is written
 * Errors  told with the item's outcome
 *
 * An item whose channels are in several partitions becomes one entry in each of them, with the
 * channels that are there. It is answered when all are: with the id of the first one, or with
 * what became of the first that was not taken. Then others may have been taken all the same.
 */
#ifndef BELFRY_ROUTER_REDIS_APPEND_H
#define BELFRY_ROUTER_REDIS_APPEND_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"
#include "belfry/event_id.h"

struct router;
struct publication_item;

/* The item is answered later. STATUS_UNAVAILABLE: there is no link; STATUS_AGAIN: too many answers
 * are still to come. */
MUST_CHECK enum status redis_append_item(struct router *router, struct publication_item *item);

/* One answer of the writer for it. */
void redis_append_on_answer(struct router *router, struct publication_item *item,
			    enum status status, struct event_id id, struct slice error);

#endif
