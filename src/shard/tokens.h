/* shard/tokens.h - verifies tokens: with the keyring, from the cache, a few in a turn.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one reference to the keyring; the cache's
 * Errors  enum jwt_result
 *
 * An RSA or ECDSA signature takes from 0.2 to 3.8 ms, so a turn may begin only some
 * (TURN_VERIFY_UNITS): whoever can wait asks first, waits for the next turn, and is then served in
 * the order of coming (shard/postponed.h). What was verified is kept until the keys change, and
 * told to the other shards, because a client that comes again may be placed on any. Tokens signed
 * with a secret are not kept: 2 us are not worth 200 bytes for each client.
 */
#ifndef BELFRY_SHARD_TOKENS_H
#define BELFRY_SHARD_TOKENS_H

#include "base/compiler.h"
#include "belfry/counters.h"
#include "belfry/limits.h"
#include "belfry/keyring.h"
#include "shard/token_cache.h"
#include "wire/jwt.h"

#define TOKENS_FRESH_MAX 8 /* more than a turn may begin */

struct tokens {
	struct keyring *keyring; /* NULL: no token is good */
	struct token_cache cache;
	struct shard_counters *counters;
	int32_t budget; /* what this turn may still spend; below 0 the next ones pay for it */
	/* Verified in this turn, to be told to the other shards; one reference each. */
	struct verified *fresh[TOKENS_FRESH_MAX];
	uint32_t fresh_count;
};

/* The keyring's reference is the shard's from now on. */
void tokens_init(struct tokens *tokens, struct keyring *keyring, struct token_cache_keys keys,
		 struct shard_counters *counters);
void tokens_deinit(struct tokens *tokens);

/* Takes the reference to new keys; the old ones, and what was verified with them, go. */
void tokens_renew(struct tokens *tokens, struct keyring *keyring);

/* A new turn: it may verify again. */
void tokens_begin_turn(struct tokens *tokens);

/* This turn has spent what it may, and the token would cost more than looking it up. */
MUST_CHECK bool tokens_must_wait(const struct tokens *tokens, struct slice token);

/* As jwt_verify(), at once, whatever the budget. */
MUST_CHECK enum jwt_result tokens_verify(struct tokens *tokens, struct slice token, int64_t now_s,
					 struct jwt_claims *ret_claims);

/* What was verified since the last call, one by one, with its reference; NULL: no more. */
struct verified *tokens_take_fresh(struct tokens *tokens);

/* Another shard has verified it; the reference comes along. */
void tokens_learn(struct tokens *tokens, struct verified *verified);

#endif
