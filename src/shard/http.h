/* shard/http.h - HTTP requests on the public listener.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a request in pieces is collected on the heap, up to max_header_bytes
 * Errors  an HTTP answer, then the connection ends
 */
#ifndef BELFRY_SHARD_HTTP_H
#define BELFRY_SHARD_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct conn;
struct http_answer;
struct shard;

/* Bytes for a connection in state HEAD. */
void http_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

/* The answers so far are out, or a poll is answered: what the client sent behind its request is
 * read. State HEAD. */
void http_go_on(struct shard *shard, struct conn *conn);

struct http_refusal {
	int status;
	const char *code;
	const char *message;
	const char *extra; /* header lines, each ended by CRLF; NULL: none */
};

/* Answers with an error and ends the connection. 503 gets a Retry-After of 5 to 10 seconds, 429
 * one of 10 to 20: at random, so that not all who were refused come back at once; unless `extra`
 * has one. */
void http_refuse(struct shard *shard, struct conn *conn, const struct http_refusal *refusal);

/* Sends an answer; it stays open unless answer->close. */
void http_send(struct shard *shard, struct conn *conn, const struct http_answer *answer);

#endif
