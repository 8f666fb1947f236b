/* belfry/keyring.h - what tokens are verified with: keys, and what a token has to say.
 *
 * Layer   nouns (may include: libc, base/slice.h)
 * Threads made by main; read by every shard it was given to; immutable
 * Memory  one allocation: struct, keys, names, bytes. Freed by whoever drops the last reference
 * Errors  none
 *
 * A key carries the algorithms that it may be used with, and they are all of its own type: what a
 * token's header says only picks among them. So no public key is ever taken for an HMAC secret.
 */
#ifndef BELFRY_KEYRING_H
#define BELFRY_KEYRING_H

#include <stdint.h>

#include "base/slice.h"

/* Bits, in the order of the configuration's `algorithm` (RFC 7518 section 3.1). */
enum jwt_algorithm {
	JWT_HS256 = 1 << 0,
	JWT_HS384 = 1 << 1,
	JWT_HS512 = 1 << 2,
	JWT_RS256 = 1 << 3,
	JWT_RS384 = 1 << 4,
	JWT_RS512 = 1 << 5,
	JWT_ES256 = 1 << 6,
	JWT_ES384 = 1 << 7,
};

#define JWT_ALGORITHMS_HS ((unsigned)(JWT_HS256 | JWT_HS384 | JWT_HS512))
#define JWT_ALGORITHMS_RS ((unsigned)(JWT_RS256 | JWT_RS384 | JWT_RS512))
#define JWT_ALGORITHMS_ALL 0xFFu

enum jwt_key_type { JWT_KEY_SECRET, JWT_KEY_RSA, JWT_KEY_P256, JWT_KEY_P384 };

struct jwt_key {
	enum jwt_key_type type;
	unsigned algorithms;   /* bits of those it may verify, all of its type */
	struct slice kid;      /* absent: it fits a token with any `kid`, and one without */
	struct slice bytes;    /* the secret; the modulus without leading zeros; the point, as 04,
				* x, y */
	struct slice exponent; /* RSA: without leading zeros */
};

struct jwt_names {
	const char *const *items;
	uint32_t count; /* 0: whatever the token says */
};

struct jwt_rules {
	const struct jwt_key *keys;
	uint32_t keys_count;
	struct jwt_names issuers;   /* `iss` is one of them */
	struct jwt_names audiences; /* `aud` is, or has, one of them */
	int64_t leeway_s;           /* for exp and nbf: clocks differ */
	const char *claim_user;     /* "": `sub`, else `user_id`, else `userId` */
	const char *claim_channels;
	const char *claim_admin;
};

struct keyring {
	_Atomic uint32_t refs; /* changed by lane/keyring.c only: one a shard, and main's */
	uint32_t serial;       /* grows with each reading: what was verified with another is void */
	struct jwt_rules rules;
};

#endif
