/* wire/jwt_claims.h - what a verified token says, and whether that is enough (RFC 7519 section 4).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's; claims point into a buffer inside their own struct
 * Errors  enum jwt_result; the first failing check decides
 */
#ifndef BELFRY_WIRE_JWT_CLAIMS_H
#define BELFRY_WIRE_JWT_CLAIMS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/keyring.h"
#include "belfry/limits.h"

/* name, code for clients, text for people */
#define JWT_RESULT_TABLE(X)                                                                  \
	X(OK, "ok", "ok")                                                                    \
	X(MISSING, "token_missing", "a token is required")                                   \
	X(MALFORMED, "token_malformed", "the token is not a JWT")                            \
	X(ALGORITHM, "token_algorithm", "the token's algorithm is not one that is accepted") \
	X(KEY, "token_key", "the token is signed with a key that is not known here")         \
	X(SIGNATURE, "token_signature", "the token's signature is wrong")                    \
	X(EXPIRED, "token_expired", "the token has expired")                                 \
	X(NOT_YET, "token_not_yet_valid", "the token is not valid yet")                      \
	X(ISSUER, "token_issuer", "the token's issuer is not one that is accepted")          \
	X(AUDIENCE, "token_audience", "the token is meant for somebody else")                \
	X(SUBJECT, "token_subject", "the token names no user")

enum jwt_result {
#define X(name, code, text) JWT_##name,
	JWT_RESULT_TABLE(X)
#undef X
};

#define JWT_PAYLOAD_MAX (TOKEN_SIZE_MAX / 4 * 3)

struct jwt_claims {
	uint8_t user[USER_SIZE_MAX]; /* decoded; a number is taken as its digits; never empty, no
				      * control chars, space or comma: "user:" + it is a channel
				      * name */
	size_t user_size;
	uint8_t jti[JTI_SIZE_MAX]; /* decoded `jti`; a number is taken as its digits */
	size_t jti_size;           /* 0: there is none */
	int64_t expires_s;         /* Unix time of exp; INT64_MAX without */
	int64_t not_before_s;      /* Unix time of nbf; INT64_MIN without */
	int64_t issued_s;          /* Unix time of iat; INT64_MIN without */
	bool admin;                /* the claim for it is true */
	struct slice channels;     /* the claim for it: JSON text of an array of strings in payload,
				    * which is why claims must not be copied; absent without, or
				    * when it is anything else */
	uint8_t payload[JWT_PAYLOAD_MAX]; /* decoded payload */
};

/* Reads the second part of a token whose signature is right. Fills *ret_claims only with JWT_OK.
 * Order: JSON (a second one of any claim that is read is refused), exp, nbf, iat (a number,
 * whatever it says), iss, aud (a string or an array of them), user, jti (one that is too long, or
 * neither string nor digits, is MALFORMED: it could not be revoked). The first claim for the user
 * that is there names it; a bad one is not passed over. */
MUST_CHECK enum jwt_result jwt_claims_read(struct slice part, const struct jwt_rules *rules,
					   int64_t now_s, struct jwt_claims *ret_claims);

/* JWT_OK, JWT_EXPIRED or JWT_NOT_YET at `now_s`: all that time changes. */
MUST_CHECK enum jwt_result jwt_claims_times(int64_t expires_s, int64_t not_before_s,
					    int64_t leeway_s, int64_t now_s);

#endif
