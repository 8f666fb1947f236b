/* wire/revocation.h - which tokens are not to be taken any more, as text and as JSON.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  slices point into what was read, or into the caller's memory
 * Errors  false, or a text that says what is wrong
 *
 * The id of a revocation says all of it but its end:
 *	user:42                  every token of the user
 *	jti:8f14e45f             the token with this id
 *	before:1769337000        tokens issued before this time, Unix seconds, and those without iat
 *	before:1769337000:42     likewise, those of the user
 */
#ifndef BELFRY_WIRE_REVOCATION_H
#define BELFRY_WIRE_REVOCATION_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"
#include "belfry/limits.h"

#define REVOCATION_ID_MAX (sizeof("before:4294967295:") + USER_SIZE_MAX)
#define REVOCATION_JSON_MAX (12 * REVOCATION_ID_MAX + 160) /* bytes of revocation_write_json */
#define REVOCATION_TTL_S 86400u                            /* without a ttl */
#define REVOCATION_TTL_MAX_S (366u * 86400u)

enum revocation_kind { REVOCATION_USER, REVOCATION_JTI, REVOCATION_BEFORE };

struct revocation {
	enum revocation_kind kind;
	struct slice subject; /* user or jti; BEFORE: the user, absent: everybody */
	uint32_t before_s;    /* BEFORE: Unix time */
};

/* Reads an id. */
MUST_CHECK bool revocation_parse(struct slice id, struct revocation *ret);

/* Writes its id, at most REVOCATION_ID_MAX bytes. */
void revocation_write(struct writer *writer, const struct revocation *revocation);

/* Reads {"user":U}, {"jti":J}, {"issued_before":T} or {"user":U,"issued_before":T}, each with or
 * without "ttl":seconds. U and J are strings or whole numbers; T is Unix seconds or an RFC 3339
 * time, rounded up. Whatever else is in it is wrong: a misspelt `user` would revoke everybody.
 * `room` holds a decoded user or jti. NULL, or what to say to whoever asked. */
MUST_CHECK const char *revocation_read(struct slice body, uint8_t room[USER_SIZE_MAX],
				       struct revocation *ret, uint32_t *ret_ttl_s);

/* Writes it as an object with its id and, as RFC 3339, the time at which it ends. */
void revocation_write_json(struct writer *writer, const struct revocation *revocation,
			   uint64_t until_ms);

/* The iat of a token as it is compared with before_s: 0 without one, which is before every time;
 * what is out of range becomes the nearest. */
uint32_t revocation_issued(int64_t issued_s);

#endif
