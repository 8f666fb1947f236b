/* shard/sse.h - Server-Sent Events: a stream for an EventSource, in shard/protocol.h's terms.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  conn->own: some tens of bytes, and until the router has answered some header lines
 * Errors  what a client may come back from is answered 200 with `retry:` and an end, since every
 *         other status is final for an EventSource (HTML Living Standard section 9.2.2); what is
 *         wrong with the request itself gets its status
 *
 * The answer ends with the connection: no Content-Length and no chunks, so it is the same for
 * HTTP/1.0 and 1.1. What the client sends behind its request is read and dropped.
 */
#ifndef BELFRY_SHARD_SSE_H
#define BELFRY_SHARD_SSE_H

struct conn;
struct http_head;
struct route_match;
struct shard;

/* A request for a path below /sse. */
void sse_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
		    const struct route_match *match);

#endif
