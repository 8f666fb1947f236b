/* shard/engine_answer.h - what is answered to the requests of sessions that poll.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  header lines of a later answer in the connection's inbound; answers in the turn's arena
 * Errors  Engine.IO's, as JSON: {"code":1,"message":"Session ID unknown"}
 *
 * All answers have what a page of another origin needs (shard/cors.h) and are not to be stored.
 */
#ifndef BELFRY_SHARD_ENGINE_ANSWER_H
#define BELFRY_SHARD_ENGINE_ANSWER_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "wire/engine_io.h"

struct conn;
struct http_answer;
struct http_head;
struct shard;

/* A request that is looked at: its head, and whether the body is here whole. */
struct engine_asked {
	struct shard *shard;
	struct conn *conn; /* in state HEAD */
	const struct http_head *head;
	bool is_whole;
};

/* Answers now, with an error, and ends the connection: at once, or when the client has ended it if
 * it may still be sending. */
void engine_answer_refuse(const struct engine_asked *asked, enum engine_io_error error);

/* 413, likewise. */
void engine_answer_too_large(const struct engine_asked *asked);

/* Keeps for an answer that may come when the request is gone what it needs of that. False: out of
 * memory. */
MUST_CHECK bool engine_answer_prepare(const struct engine_asked *asked);

/* Answers a carrier in the state SERVING: it is none any more, and goes on with what follows its
 * request. `say` has status, type and body. */
void engine_answer_give(struct shard *shard, struct conn *conn, struct http_answer *say);

/* Packets, in answer to a GET. */
void engine_answer_packets(struct shard *shard, struct conn *conn, struct slice packets);

/* An error; the connection ends. */
void engine_answer_fail(struct shard *shard, struct conn *conn, enum engine_io_error error);

#endif
