/* shard/poll.h - long polling, in shard/protocol.h's terms: a connection for the length of a
 * request.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  conn->own: some tens of bytes while a poll waits; its answer in the turn's arena
 * Errors  an HTTP answer with a JSON body; nothing is lost by it, since the next poll names the
 *         position that the last answer has told
 *
 * A poll attaches like any connection and is HELD: events collect in its outbox, in the encoding
 * of event streams. At the end of the first turn that brings some, or when its time is over, they
 * become one JSON answer, the router hears that the connection is gone, and the socket is back in
 * HEAD for the next request. What the client sends meanwhile waits in its socket.
 */
#ifndef BELFRY_SHARD_POLL_H
#define BELFRY_SHARD_POLL_H

struct conn;
struct http_head;
struct route_match;
struct shard;

/* A request for a path below /poll. */
void poll_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
		     const struct route_match *match);

#endif
