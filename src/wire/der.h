/* wire/der.h - public keys in DER (RFC 5280 section 4.1, RFC 8017 appendix A, RFC 5480).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  what is read points into the bytes that were given
 * Errors  NULL: it was read; else a text for people that goes on after the name of a file
 */
#ifndef BELFRY_WIRE_DER_H
#define BELFRY_WIRE_DER_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/keyring.h"

/* SubjectPublicKeyInfo: an RSA key, or a point on P-256 or P-384. Fills type, bytes and exponent of
 * *ret_key. */
MUST_CHECK const char *der_read_public_key(struct slice bytes, struct jwt_key *ret_key);

/* RSAPublicKey. Likewise. */
MUST_CHECK const char *der_read_rsa_key(struct slice bytes, struct jwt_key *ret_key);

#endif
