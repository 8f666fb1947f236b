/* router/departed.h - connections that ended a short while ago, so that a client may take one up.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  48 bytes each, at most DEPARTED_MAX; the oldest goes when there are more
 * Errors  none: without memory nothing is remembered
 */
#ifndef BELFRY_ROUTER_DEPARTED_H
#define BELFRY_ROUTER_DEPARTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/limits.h"

#define DEPARTED_MAX 65536u

struct departed_conn {
	uint64_t user;     /* hash of user:{id} */
	uint64_t until_ms; /* monotonic: the end of its resume window */
	char id[CONNECTION_ID_SIZE];
	uint32_t next; /* in the hash chain, DEPARTED_MAX: none */
};

struct departed {
	struct departed_conn *conns; /* a ring of DEPARTED_MAX; NULL: nobody departed yet */
	uint32_t *heads;             /* DEPARTED_MAX of them */
	uint32_t first, count;
};

void departed_deinit(struct departed *departed);

/* `id` of CONNECTION_ID_SIZE bytes ended and may be taken up until `until_ms`. */
void departed_add(struct departed *departed, const char *id, uint64_t user, uint64_t until_ms);

/* The connection was this user's, and its window is open. It is forgotten: it may be taken up
 * once. `id` is any text. */
bool departed_take(struct departed *departed, struct slice id, uint64_t user, uint64_t now_ms);

#endif
