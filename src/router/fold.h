/* router/fold.h - what an entry of the log changes on this node, once, in the log's order.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  grows history and bodies, within their bounds
 * Errors  without memory the process aborts: a node that has missed an entry is not to go on
 */
#ifndef BELFRY_ROUTER_FOLD_H
#define BELFRY_ROUTER_FOLD_H

#include "wire/entry.h"

struct router;

/* The backend wants all connections of these users closed: the type of an entry. */
#define FOLD_DISCONNECT "belfry.disconnect"

enum fold_mode {
	FOLD_INDEX,   /* of the past: nobody is told */
	FOLD_DELIVER, /* new: goes to whoever is there. Needs FOLD_ROOM on every delivery lane */
};

#define FOLD_ROOM 2u /* the entry, and what it changes in an inbox */

/* `entry` has passed appending_check; `id` is after router->last, which becomes `id`. */
void fold_entry(struct router *router, const struct entry *entry, struct event_id id,
		enum fold_mode mode);

/* May this channel be replayed; is it an inbox: the namespace's options. */
bool fold_keeps_history(const struct router *router, struct slice name);
bool fold_is_inbox(const struct router *router, struct slice name);

#endif
