/* wire/signature.h - the signatures of tokens (RFC 7518 section 3); a door to BearSSL.
 *
 * Layer   wire (may include: base, libc, BearSSL)
 * Threads any
 * Memory  the caller's
 * Errors  false: not signed with this key
 */
#ifndef BELFRY_WIRE_SIGNATURE_H
#define BELFRY_WIRE_SIGNATURE_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/keyring.h"

#define RSA_BITS_MIN 2048       /* RFC 7518 section 3.3 */
#define RSA_BITS_MAX 4096       /* what BearSSL has room for */
#define RSA_EXPONENT_SIZE_MAX 8 /* bytes; 65537 has 3. A larger one only costs time */

/* NULL: the key can be used; else why not: a modulus that is too small, too large or even, an
 * exponent that is 1, even or too large, a point that is not on its curve, an empty secret, an
 * algorithm of another type. */
MUST_CHECK const char *signature_check_key(const struct jwt_key *key);

/* `signature` is one of `text` by `key` with `algorithm`, an enum jwt_algorithm. HS: HMAC, compared
 * in constant time. RS: RSASSA-PKCS1-v1_5, exactly as long as the modulus. ES: r and s one after
 * the other, each as long as the curve's order, neither 0 nor beyond it; no DER. */
MUST_CHECK bool signature_verify(const struct jwt_key *key, unsigned algorithm, struct slice text,
				 struct slice signature);

/* What a verification costs, in units of TURN_VERIFY_UNITS (belfry/limits.h); 0 for a secret. */
uint32_t signature_cost(const struct jwt_key *key);

/* All algorithms that a key of this type may be used with. */
unsigned signature_algorithms(enum jwt_key_type type);

#endif
