/* shard/receive.h - bytes from clients.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  receive buffers of the shard, lent for one turn; what is half a message is copied to
 *         the connection's inbound
 * Errors  a connection that breaks the protocol is closed with its code
 *
 * An idle connection has a poll armed and no buffer. When bytes come it gets one receive per
 * turn, so that a client who sends much does not keep the others waiting.
 */
#ifndef BELFRY_SHARD_RECEIVE_H
#define BELFRY_SHARD_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct shard;
struct uring_event;

/* The socket may have bytes: ask it in this turn or the next, unless the connection must wait. */
void receive_queue(struct shard *shard, struct conn *conn);

/* End of turn: submits receives for the connections that are queued. */
void receive_flush(struct shard *shard);

bool receive_has_more(const struct shard *shard);

/* Begin of turn: goes on with what the last one had no share of inflating left for. */
void receive_go_on(struct shard *shard);

/* Completions. */
void receive_on_readable(struct shard *shard, struct conn *conn, const struct uring_event *event);
void receive_on_bytes(struct shard *shard, struct conn *conn, uint32_t buffer,
		      const struct uring_event *event);

/* Bytes for a connection in state HEAD, OPEN, ECHO or CLOSING, wherever they come from. They may
 * be changed in place. */
/* Frames for a connection that is OPEN or ECHO. */
void receive_feed_ws(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

void receive_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

/* What was left when the connection was slowed or its share spent, then its socket. */
void receive_rest(struct shard *shard, struct conn *conn);

#endif
