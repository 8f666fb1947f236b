/* shard/route.h - which path gives which channels.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads any; a constant table
 * Memory  the caller's
 * Errors  false: no such path
 */
#ifndef BELFRY_SHARD_ROUTE_H
#define BELFRY_SHARD_ROUTE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"

#define ROUTE_CHANNELS_MAX 2

enum route_owner {
	ROUTE_NO_PARAMETER,
	ROUTE_OF_USER,    /* the last part of the path must be the user itself, or he an admin */
	ROUTE_OF_ANYBODY, /* the last part of the path may be anything */
};

/* The same routes are below each of these. */
enum route_tree {
	ROUTE_WS,   /* /ws: the native WebSocket */
	ROUTE_SSE,  /* /sse: Server-Sent Events */
	ROUTE_POLL, /* /poll: long polling */
};

struct route {
	const char *path; /* below the tree's own; with a parameter: up to and including the '/'
			   * before it */
	enum route_owner owner;
	/* channels at connect; "%s" at the end stands for the user ({sub}) without a parameter,
	 * else for the parameter */
	const char *channels[ROUTE_CHANNELS_MAX];
};

struct route_match {
	enum route_tree tree;
	const struct route *route;
	uint8_t parameter[CHANNEL_SIZE_MAX]; /* percent-decoded */
	size_t parameter_size;               /* 0: the route has none */
};

/* `path` as in the request. */
MUST_CHECK bool route_find(struct slice path, struct route_match *ret_match);

/* Writes the name of the route's channel number `index` for `user` into `name`, of
 * CHANNEL_SIZE_MAX bytes. Absent: there is no such channel, or its name is not allowed. */
struct slice route_channel(const struct route_match *match, uint32_t index, struct slice user,
			   uint8_t *name);

#endif
