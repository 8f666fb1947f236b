/* wire/jwt.h - verifies a JSON Web Token (RFC 7519, RFC 7515, RFC 7518 section 3.2).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's; claims point into a buffer inside their own struct
 * Errors  enum jwt_result; the first failing check decides; tokens are never echoed
 */
#ifndef BELFRY_WIRE_JWT_H
#define BELFRY_WIRE_JWT_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"

/* name, code for clients, text for people */
#define JWT_RESULT_TABLE(X)                                                                  \
	X(OK, "ok", "ok")                                                                    \
	X(MISSING, "token_missing", "a token is required")                                   \
	X(MALFORMED, "token_malformed", "the token is not a JWT")                            \
	X(ALGORITHM, "token_algorithm", "the token's algorithm is not one that is accepted") \
	X(SIGNATURE, "token_signature", "the token's signature is wrong")                    \
	X(EXPIRED, "token_expired", "the token has expired")                                 \
	X(NOT_YET, "token_not_yet_valid", "the token is not valid yet")                      \
	X(SUBJECT, "token_subject", "the token names no user")

enum jwt_result {
#define X(name, code, text) JWT_##name,
	JWT_RESULT_TABLE(X)
#undef X
};

/* Bits of jwt_rules.algorithms. */
enum { JWT_HS256 = 1, JWT_HS384 = 2, JWT_HS512 = 4 };

struct jwt_rules {
	unsigned algorithms; /* accepted ones */
	struct slice secret; /* key of the HS algorithms */
	int64_t leeway_s;    /* for exp and nbf */
};

#define JWT_PAYLOAD_MAX (TOKEN_SIZE_MAX / 4 * 3)

struct jwt_claims {
	uint8_t user[USER_SIZE_MAX]; /* decoded `sub`, else `user_id`, else `userId`; a number
				      * is taken as its digits; never empty, no control chars,
				      * space or comma: "user:" + it is a channel name */
	size_t user_size;
	uint8_t jti[JTI_SIZE_MAX]; /* decoded `jti`; a number is taken as its digits */
	size_t jti_size;           /* 0: there is none */
	int64_t expires_s;         /* Unix time of exp; INT64_MAX without */
	int64_t issued_s;          /* Unix time of iat; INT64_MIN without */
	bool admin;                /* claim `admin` is true */
	struct slice channels;     /* claim `channels`: JSON text of an array of strings in payload,
				* which is why claims must not be copied; absent without, or when
				* it is anything else */
	uint8_t payload[JWT_PAYLOAD_MAX]; /* decoded payload */
};

/* Verifies `token` at time `now_s` (Unix seconds). Fills *ret_claims only with JWT_OK. Order:
 * shape and size, header (alg; `crit` or a second alg is refused as MALFORMED), signature in
 * constant time, payload JSON (a second one of any claim that is read is refused), exp, nbf,
 * iat (a number, whatever it says), subject, jti (one that is too long, or neither string nor
 * digits, is MALFORMED: it could not be revoked). Without a secret no algorithm is accepted. The first claim of sub, user_id and userId
 * that is there names the user; a bad one is not passed over. */
MUST_CHECK enum jwt_result jwt_verify(struct slice token, const struct jwt_rules *rules,
				      int64_t now_s, struct jwt_claims *ret_claims);

/* The claim `channels` allows `channel`: equal to an element, or an element is "prefix*" and the
 * channel starts with the prefix. */
MUST_CHECK bool jwt_allows_channel(const struct jwt_claims *claims, struct slice channel);

const char *jwt_result_code(enum jwt_result result);
const char *jwt_result_text(enum jwt_result result);

#endif
