/* wire/digest.h - hashes and message authentication; a door to BearSSL.
 *
 * Layer   wire (may include: base, libc, BearSSL)
 * Threads any
 * Memory  the caller's
 * Errors  none
 */
#ifndef BELFRY_WIRE_DIGEST_H
#define BELFRY_WIRE_DIGEST_H

#include "base/compiler.h"
#include "base/slice.h"

#define SHA1_SIZE 20
#define SHA256_SIZE 32
#define HMAC_SIZE_MAX 64

enum hmac_hash { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512 };

/* SHA-1 of the two parts one after the other (RFC 6455 section 4.2.2 asks for it). */
void digest_sha1(struct slice first, struct slice second, uint8_t ret_hash[SHA1_SIZE]);

void digest_sha256(struct slice bytes, uint8_t ret_hash[SHA256_SIZE]);

/* A SHA-256 as text: 64 hexadecimal digits of any case. False, *ret_hash untouched: it is not. */
MUST_CHECK bool digest_read_sha256(struct slice text, uint8_t ret_hash[SHA256_SIZE]);

/* HMAC (RFC 2104) of `bytes`. Returns the size of the result: 32, 48 or 64 bytes. */
size_t digest_hmac(enum hmac_hash hash, struct slice key, struct slice bytes,
		   uint8_t ret_mac[HMAC_SIZE_MAX]);

/* Equal; the time taken depends on the sizes only, not on the bytes. */
MUST_CHECK bool digest_equal(struct slice a, struct slice b);

#endif
