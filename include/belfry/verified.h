/* belfry/verified.h - what a token says whose signature has been verified: immutable, shared.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads made by the shard that verified it; read by every shard it was told to
 * Memory  one allocation: struct and texts. Freed by whoever drops the last reference
 * Errors  none
 */
#ifndef BELFRY_VERIFIED_H
#define BELFRY_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Names a token: see shard/token_cache.h. */
struct token_name {
	uint64_t first, second;
};

struct verified {
	_Atomic uint32_t refs; /* changed by lane/verified.c only: one a shard */
	uint32_t serial;       /* of the keyring it was verified with */
	struct token_name name;
	int64_t expires_s, not_before_s, issued_s; /* as in struct jwt_claims */
	struct slice user, jti;                    /* inside of it; jti may be empty */
	struct slice channels;                     /* JSON text; absent without */
	bool admin;
};

#endif
