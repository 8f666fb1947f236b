/* shard/engine_poll.h - Engine.IO over HTTP long-polling: requests, held answers, packets.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a body is collected on the heap, up to max_client_message; an answer is made in the arena
 * Errors  the codes of Engine.IO: 400 {"code":0..3 and 5,"message":..}, 403 with code 4; 413
 *
 * GET without a sid opens a session and brings its first packet. GET with one is held until the
 * session has something to say, and answered with all of it (at most POLL_ANSWER_SIZE, but whole
 * packets). POST brings packets and is answered `ok`.
 */
#ifndef BELFRY_SHARD_ENGINE_POLL_H
#define BELFRY_SHARD_ENGINE_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"

struct conn;
struct http_head;
struct shard;

/* The path is Socket.IO's: engine_poll_on_request answers. */
MUST_CHECK bool engine_poll_is_for(const struct http_head *head);

/* A request in state HEAD; `bytes` begin with its head. Returns how many of them it took: the
 * head, and of the body what is there, or all when the socket goes to another shard. */
MUST_CHECK size_t engine_poll_on_request(struct shard *shard, struct conn *conn,
					 const struct http_head *head, struct slice bytes);

/* Bytes for a connection in state SERVING: of the body, and what follows it. */
void engine_poll_on_bytes(struct shard *shard, struct conn *conn, struct slice bytes);

/* SERVING: more of the request's body has to come. */
bool engine_poll_reads(const struct conn *conn);

/* The session can take packets again. */
void engine_poll_resume(struct shard *shard, struct conn *session);

/* Looks whether there is a GET and something to answer it with. */
void engine_poll_flush(struct shard *shard, struct conn *session);

/* The body does not come. */
void engine_poll_on_timer(struct shard *shard, struct conn *conn);

/* The session has a socket: requests that are under way end. */
void engine_poll_release(struct shard *shard, struct conn *session);

/* The session is at its end: its carriers hear it. */
void engine_poll_let_go(struct shard *shard, struct conn *session);

#endif
