/* router/fold.h - what an entry of the log changes on this node, once, in the log's order.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  grows history and bodies, within their bounds
 * Errors  without memory the process aborts: a node that has missed an entry is not to go on
 */
#ifndef BELFRY_ROUTER_FOLD_H
#define BELFRY_ROUTER_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/entry.h"

struct history;
struct router;

/* The backend wants all connections of these users closed: the type of an entry. */
#define FOLD_DISCONNECT "belfry.disconnect"

enum fold_mode {
	FOLD_INDEX,   /* of the past: nobody is told */
	FOLD_DELIVER, /* new: goes to whoever is there. Needs FOLD_ROOM on every delivery lane */
};

#define FOLD_ROOM 2u /* the entry, and what it changes in an inbox */

/* Where an entry comes from, and where it goes. */
struct fold_place {
	struct history *history; /* the index: the router's, or one that is being made */
	uint32_t partition;      /* the stream it was in */
	enum fold_mode mode;
	bool is_late;  /* of several streams: it came after later ones and is not indexed */
	bool is_aside; /* it is of a partition that is not live here yet (router/join.h): nobody is
			* told, but to disconnect in mode DELIVER; its body stays in Redis */
};

/* `entry` has passed appending_check; `id` is after router->last, which becomes `id` unless it is
 * late or aside. */
void fold_entry(struct router *router, const struct entry *entry, struct event_id id,
		const struct fold_place *place);

/* May this channel be replayed; is it an inbox: the namespace's options. */
bool fold_keeps_history(const struct router *router, struct slice name);
bool fold_is_inbox(const struct router *router, struct slice name);

#endif
