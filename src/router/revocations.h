/* router/revocations.h - the revocations that this node knows, and which token they mean.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  64 bytes and its id each, at most REVOCATIONS_MAX; 32 KiB of hash chains
 * Errors  an answer; nothing has changed then
 *
 * A table and nothing else: where revocations come from is the business of router/revoking.h.
 * Times are Unix milliseconds unless they end in _s.
 */
#ifndef BELFRY_ROUTER_REVOCATIONS_H
#define BELFRY_ROUTER_REVOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "wire/revocation.h"

#define REVOCATIONS_MAX 10000u /* in Redis: about 1 MiB to read after a change */
#define REVOCATIONS_HEADS 4096u

struct revoked {
	struct revoked *chained;       /* next of the same hash chain */
	struct revoked *older, *newer; /* in the order in which they came */
	uint64_t target;               /* hash of what a token is asked for */
	uint64_t until_ms;             /* from then on it does not count */
	uint32_t before_s;             /* REVOCATION_BEFORE: a token issued earlier is meant */
	uint32_t round;                /* of revocations_begin(), in which it was put last */
	uint8_t kind;                  /* enum revocation_kind */
	uint16_t id_size;
	uint8_t id[];
};

struct revocations {
	struct hash_key key;
	struct revoked **heads; /* REVOCATIONS_HEADS of them */
	struct revoked *oldest, *newest;
	uint32_t count;
	uint32_t round;
	uint64_t next_end_ms; /* none ends before; UINT64_MAX: none ends */
};

/* What a token is asked for. `user`: the hash of the channel user:{id} with the same key. */
struct revocations_token {
	uint64_t user;
	uint64_t jti;      /* revocations_jti(); 0: it has none */
	uint32_t issued_s; /* revocation_issued() */
};

enum revocations_put {
	REVOCATIONS_NEW,   /* some token may be revoked by it that was not before */
	REVOCATIONS_KNOWN, /* it was there, and ends earlier or when it did */
	REVOCATIONS_BAD,   /* no id of a revocation */
	REVOCATIONS_FULL,
	REVOCATIONS_NO_MEMORY,
};

MUST_CHECK bool revocations_init(struct revocations *revocations, struct hash_key key);
void revocations_deinit(struct revocations *revocations);

MUST_CHECK enum revocations_put revocations_put(struct revocations *revocations, struct slice id,
						uint64_t until_ms);

/* NULL: there is none. Valid until it is removed. */
const struct revoked *revocations_find(const struct revocations *revocations, struct slice id);

/* False: there was none. */
bool revocations_remove(struct revocations *revocations, struct slice id);

/* Between the two all that count are put once more; the others are gone then. */
void revocations_begin(struct revocations *revocations);
void revocations_end(struct revocations *revocations);

/* Some revocation that counts at `now_ms` means this token. */
MUST_CHECK bool revocations_has(const struct revocations *revocations,
				const struct revocations_token *token, uint64_t now_ms);

/* Removes those that have ended; on_ended is called before each goes. */
void revocations_sweep(struct revocations *revocations, uint64_t now_ms,
		       void (*on_ended)(void *owner, struct slice id), void *owner);

/* How a token's id is remembered. */
uint64_t revocations_jti(const struct revocations *revocations, struct slice jti);

static inline struct slice revoked_id(const struct revoked *revoked)
{
	return slice_of(revoked->id, revoked->id_size);
}

#endif
