/* router/interests.h - which shards hold which channel, and which connections a user has.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  32 bytes a channel in blocks that never move, its name, 4 bytes in the hash
 * Errors  NULL when memory is out
 *
 * A record lives while some shard holds the channel or, for user:{id}, while the user has
 * connections.
 */
#ifndef BELFRY_ROUTER_INTERESTS_H
#define BELFRY_ROUTER_INTERESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"

#define INTEREST_NONE UINT32_MAX
#define INTEREST_PLACE_BITS 24
#define INTEREST_PLACE_MASK ((1u << INTEREST_PLACE_BITS) - 1)

struct interest {
	char *name;      /* heap, not terminated; NULL: this record is free */
	uint64_t shards; /* bit per shard that holds the channel */
	uint32_t hash;   /* low 32 bits */
	uint32_t conns;  /* user:{id}: connections of the user on this node */
	uint32_t next;   /* in the hash chain, or in the list of free records */
	uint8_t name_size;
	uint32_t first_conn
	    : INTEREST_PLACE_BITS; /* place of one of those (router/sessions.h); 0 */
};

struct interests {
	struct hash_key key;
	struct interest **blocks;
	uint32_t blocks_count;
	uint32_t *heads; /* a power of two */
	uint32_t heads_count;
	uint32_t free;
	uint32_t count;
};

MUST_CHECK bool interests_init(struct interests *interests, struct hash_key key);
void interests_deinit(struct interests *interests);

/* The record of a channel; NULL: nobody holds it. */
struct interest *interests_find(const struct interests *interests, struct slice name,
				uint64_t hash);

/* Likewise, made when there is none. NULL: out of memory. */
struct interest *interests_need(struct interests *interests, struct slice name);

/* Frees the record when no shard and no connection needs it. */
void interests_drop_unused(struct interests *interests, struct interest *interest);

#endif
