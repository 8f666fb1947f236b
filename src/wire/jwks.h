/* wire/jwks.h - public keys as a JSON Web Key Set (RFC 7517, RFC 7518 section 6).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's; a key points into the room that it was read into
 * Errors  a text for people that goes on after the name of a file or of a key in it
 */
#ifndef BELFRY_WIRE_JWKS_H
#define BELFRY_WIRE_JWKS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/keyring.h"
#include "belfry/limits.h"
#include "wire/json.h"

#define JWKS_KEY_ROOM (8192 + KID_SIZE_MAX) /* bytes of one key's numbers, and its name */

struct jwks {
	struct json_walk walk;
};

/* A set: an object with an array `keys`. NULL: *ret_jwks is to be walked over, valid as long as
 * `text`; else what is wrong. */
MUST_CHECK const char *jwks_open(struct slice text, struct jwks *ret_jwks);

enum jwks_answer {
	JWKS_END,    /* there are no more keys */
	JWKS_KEY,    /* *ret_key is one; signature_check_key() has passed */
	JWKS_PASSED, /* a key for something else, which a set may have: *ret_reason */
	JWKS_WRONG,  /* *ret_reason: a key that should be usable and is not */
};

/* The next key. RSA with n and e, EC with crv (P-256, P-384), x and y, oct with k. `alg` says which
 * one algorithm it is for; without it, all of its type. `use` other than sig, `key_ops` without
 * verify, and types, curves and algorithms that are not verified here, are passed over; a private
 * key, a member that is there twice, a damaged one, and a weak key are wrong. */
MUST_CHECK enum jwks_answer jwks_next(struct jwks *jwks, uint8_t room[JWKS_KEY_ROOM],
				      struct jwt_key *ret_key, const char **ret_reason);

#endif
