/* shard/token_cache.h - tokens that were verified, by name, so that a client that comes again costs
 * no second verification.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  at most TOKENS_CACHED_MAX of them, 24 bytes each and a table, both made with the first;
 *         and TOKEN_CACHE_SIZE_MAX bytes of what they say, shared with other shards. The oldest
 *         goes first
 * Errors  none: what is not kept is verified again
 *
 * The name of a token is 128 bits: its SipHash under two independent keys of the process. Whoever
 * found a token that is not signed with the name of one that is would be taken for its user. That
 * cannot be worked out at home: the keys are random, secret and as old as the process, no answer
 * shows a name or a part of it, and SipHash is built so that without its key its values cannot be
 * told from random ones, however the input is chosen. What is left is to guess online: each attempt
 * meets one of the 65,536 names with a chance of 2^-112. Two tokens of one's own with the same name
 * would not help: each is signed. So a hash without a key, which would have to be slower and
 * stronger (SHA-256), is not needed, and the token itself is not kept in memory.
 */
#ifndef BELFRY_SHARD_TOKEN_CACHE_H
#define BELFRY_SHARD_TOKEN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "belfry/verified.h"

/* The same for all shards of a node. */
struct token_cache_keys {
	struct hash_key first, second;
};

struct token_cache_slot {
	struct verified *verified;
	uint32_t next; /* of the same list, plus 1; 0: the last */
};

struct token_cache {
	struct token_cache_keys keys;
	uint32_t *heads;                /* index of a slot plus 1; NULL: nothing was ever kept */
	struct token_cache_slot *slots; /* a ring */
	uint32_t first, count;
	size_t size; /* bytes of what they say */
};

void token_cache_init(struct token_cache *cache, struct token_cache_keys keys);
void token_cache_deinit(struct token_cache *cache);

struct token_name token_cache_name(const struct token_cache *cache, struct slice token);

/* What the token with this name says; NULL: not known. Valid until the next call. */
const struct verified *token_cache_find(const struct token_cache *cache, struct token_name name);

/* Keeps it, with the reference that comes along, unless there is one of this name. */
void token_cache_add(struct token_cache *cache, struct verified *verified);

/* Forgets all. */
void token_cache_clear(struct token_cache *cache);

#endif
