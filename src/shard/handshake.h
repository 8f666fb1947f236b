/* shard/handshake.h - from an upgrade request to an open connection.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the key of the upgrade stays in inbound until the router has answered, then the 101
 * Errors  an HTTP answer; for a client that offers the subprotocol `belfry`, 101 and a close
 *         code instead, because browsers hide the status of a refused upgrade
 */
#ifndef BELFRY_SHARD_HANDSHAKE_H
#define BELFRY_SHARD_HANDSHAKE_H

struct attached;
struct conn;
struct http_head;
struct route_match;
struct shard;

/* A request for a WebSocket path: upgrade, limits, origin, token, route; then asks the router. */
void handshake_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			  const struct route_match *match);

/* A request for /echo: no token, no router. */
void handshake_on_echo(struct shard *shard, struct conn *conn, const struct http_head *head);

/* The router knows the connection: it is open. A replay follows, then LIVE (shard/recovery.h). */
void handshake_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached);

/* The router does not take the connection. */
void handshake_on_refused(struct shard *shard, struct conn *conn);

#endif
