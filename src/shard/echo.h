/* shard/echo.h - the debug route /echo: what comes goes back, and nothing else.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a message in pieces is collected on the heap, up to ECHO_MESSAGE_MAX
 * Errors  the connection is closed with 1011 when memory is out
 */
#ifndef BELFRY_SHARD_ECHO_H
#define BELFRY_SHARD_ECHO_H

struct conn;
struct shard;
struct ws_inbound_event;

void echo_on_piece(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event);

#endif
