/* router/presence_link.h - circles of connections and of users.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  inside of what is linked
 * Errors  none
 */
#ifndef BELFRY_ROUTER_PRESENCE_LINK_H
#define BELFRY_ROUTER_PRESENCE_LINK_H

#include <stdbool.h>

#include "base/assert.h"

/* A link in a circle of connections or users. */
struct presence_link {
	struct presence_link *next, *previous;
};

static inline void presence_link_init(struct presence_link *link)
{
	link->next = link->previous = link;
}

static inline bool presence_link_is_alone(const struct presence_link *link)
{
	return link->next == link;
}

static inline void presence_link_take(struct presence_link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	presence_link_init(link);
}

/* Behind all others in the circle of `head`. */
static inline void presence_link_put(struct presence_link *head, struct presence_link *link)
{
	ASSERT(presence_link_is_alone(link));
	link->next = head;
	link->previous = head->previous;
	head->previous->next = link;
	head->previous = link;
}

/* All of `from` goes behind all of `head`. */
static inline void presence_link_splice(struct presence_link *head, struct presence_link *from)
{
	if (presence_link_is_alone(from))
		return;
	from->next->previous = head->previous;
	head->previous->next = from->next;
	from->previous->next = head;
	head->previous = from->previous;
	presence_link_init(from);
}

#endif
