/* shard/cors.h - what a page of another origin may read (the CORS protocol of the Fetch standard).
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's writer; preflights are answered from the turn's arena
 * Errors  the writer's overflow
 *
 * Who may connect at all is identity_allows_origin(). An origin that `allow_origin` names may
 * also read answers that were asked with cookies. With "*" any may read, but without credentials:
 * a browser then keeps from the page whatever was asked with cookies. With an empty list only
 * pages of our own host connect, which need no headers.
 */
#ifndef BELFRY_SHARD_CORS_H
#define BELFRY_SHARD_CORS_H

#include "base/compiler.h"
#include "base/writer.h"
#include "belfry/config.h"
#include "belfry/limits.h"

struct conn;
struct http_head;
struct shard;

/* Bytes of a header that cors_write() writes, at most. */
#define CORS_SIZE_MAX (ORIGIN_SIZE_MAX + 160)

/* Writes the header lines of an answer to `head`, each ended by CRLF: nothing when no page of
 * another origin asks, or one that is not allowed. */
void cors_write(const struct config *config, const struct http_head *head, struct writer *writer);

/* The request asks whether another one would be answered: OPTIONS on a path that other origins
 * may use. */
MUST_CHECK bool cors_is_preflight(const struct http_head *head);

/* Answers it: 204 with what is allowed, or 403. */
void cors_on_preflight(struct shard *shard, struct conn *conn, const struct http_head *head);

#endif
