/* shard/engine_upgrade.h - a session that polls goes over to a WebSocket: Engine.IO's upgrade.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard where the session lives
 * Memory  none of its own
 * Errors  whatever is out of place closes the WebSocket; the session goes on polling
 *
 * The client opens a WebSocket with the session's sid and sends `2probe`; it hears `3probe`, and
 * its GET is answered, with a `6` when there is nothing else, so that it stops polling. It sends
 * `5`: from then on the socket is the session's (state LENT), and what waited in the session's
 * outbox goes out there, so nothing is lost and nothing overtakes. Without a `5` the WebSocket is
 * closed after UPGRADE_TIMEOUT_MS.
 */
#ifndef BELFRY_SHARD_ENGINE_UPGRADE_H
#define BELFRY_SHARD_ENGINE_UPGRADE_H

struct conn;
struct engine_asked;
struct shard;
struct ws_inbound_event;

/* A request in state HEAD for a WebSocket, for a session without a socket. */
void engine_upgrade_on_request(const struct engine_asked *asked, struct conn *session);

/* PROBE: some bytes of a message. */
void engine_upgrade_on_piece(struct shard *shard, struct conn *conn,
			     const struct ws_inbound_event *event);

#endif
