/* wire/jwt.h - verifies a JSON Web Token (RFC 7519, RFC 7515, RFC 7518 section 3).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  enum jwt_result; the first failing check decides; tokens are never echoed
 */
#ifndef BELFRY_WIRE_JWT_H
#define BELFRY_WIRE_JWT_H

#include "wire/jwt_claims.h"

/* Verifies `token` at time `now_s` (Unix seconds). Fills *ret_claims only with JWT_OK. Order:
 * shape and size, header, key, signature, claims. Of the header are read `alg` and `kid`; with
 * `crit`, or a second one of these, the token is MALFORMED; a key that it brings along (`jwk`,
 * `jku`, `x5c`, `x5u`) is not looked at.
 *
 * Keys that are configured for `alg` are tried: with a `kid` those of that name, and only when no
 * key at all has the name those without one; without a `kid` all of them, at most JWT_TRIES_MAX.
 *
 * *cost grows by what the signature has cost (signature_cost() of each key that was tried). */
MUST_CHECK enum jwt_result jwt_verify(struct slice token, const struct jwt_rules *rules,
				      int64_t now_s, uint32_t *cost, struct jwt_claims *ret_claims);

/* What the signature would cost at most: 0 for one with a secret, and for a token that is refused
 * before its signature is looked at. */
uint32_t jwt_cost(struct slice token, const struct jwt_rules *rules);

/* The claim for channels allows `channel`: equal to an element, or an element is "prefix*" and the
 * channel starts with the prefix. */
MUST_CHECK bool jwt_allows_channel(const struct jwt_claims *claims, struct slice channel);

/* The bit of an algorithm's name, in capital letters; 0: it is none that is verified here. */
unsigned jwt_algorithm_named(struct slice name);

const char *jwt_result_code(enum jwt_result result);
const char *jwt_result_text(enum jwt_result result);

#endif
