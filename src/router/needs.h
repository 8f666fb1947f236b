/* router/needs.h - which of the log's partitions somebody here needs.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  24 bytes a partition; nothing with one
 * Errors  STATUS_NO_MEMORY at the start
 *
 * The partitions of `all` and `announcements` are needed always; another one as long as a channel
 * of it is held here, or a user of it is here, and for partition_linger after that, or after a
 * question about it. With one partition, or none, everything is there.
 */
#ifndef BELFRY_ROUTER_NEEDS_H
#define BELFRY_ROUTER_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"
#include "router/partition_set.h"

struct router;

struct need {
	uint32_t holders;     /* channels that are held here */
	uint64_t until_ms;    /* monotonic: needed up to then */
	uint64_t promised_ms; /* Unix: connections go on without it, since; 0: none does */
};

struct needs {
	struct need *parts; /* NULL: there is one partition */
	uint32_t count;
	struct partition_set always;
	struct partition_set wanted; /* all that are needed */
	uint64_t sweep_ms;
};

MUST_CHECK enum status needs_init(struct needs *needs, uint32_t count);
void needs_deinit(struct needs *needs);

/* Once per turn: forgets what nobody needs any more. */
void needs_turn(const struct router *router);

/* A channel is held here from now on, and is no longer. */
void needs_hold(const struct router *router, struct slice channel);
void needs_release(const struct router *router, struct slice channel);

/* The channel's partition is read here; false: not yet, or not any more. */
bool needs_has(const struct router *router, struct slice channel);

/* Likewise, and somebody needs it. */
bool needs_ask(const struct router *router, struct slice channel);

/* Redis is away and a connection goes on without the past of a channel that is not read: what
 * comes from now on is for it, whenever the partition is read. */
void needs_promise(const struct router *router, struct slice channel);

/* Such a promise was made for one of these; all of theirs are kept. */
bool needs_is_promised(const struct needs *needs, const struct partition_set *set);
void needs_keep_promises(struct needs *needs, const struct partition_set *set);

#endif
