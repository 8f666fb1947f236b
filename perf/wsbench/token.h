/* wsbench/token.h - mints the HS256 tokens that the clients connect with (RFC 7519, RFC 7515).
 *
 * Layer   wsbench (may include: base, wire/base64, wire/digest)
 * Threads any
 * Memory  the caller's
 * Errors  the writer's overflow
 */
#ifndef BELFRY_WSBENCH_TOKEN_H
#define BELFRY_WSBENCH_TOKEN_H

#include "base/writer.h"

#define TOKEN_USER_MAX 64 /* bytes of a user name; only letters, digits, '-' and '_' */

/* Writes header.payload.signature with the claims "sub" (at most TOKEN_USER_MAX bytes) and "exp"
 * (seconds since the Unix epoch), signed with `secret`. */
void token_write(struct writer *writer, struct slice user, uint64_t expires_s,
		 struct slice secret);

#endif
