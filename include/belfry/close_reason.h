/* belfry/close_reason.h - every way in which a connection ends.
 *
 * Layer   nouns (may include: libc)
 * Threads any; a table
 * Memory  static
 * Errors  none
 *
 * One row makes the enum, the close code and text that the client sees, and the label of the
 * counter. Code 0: no close frame is sent, there is nobody to read it or HTTP is spoken.
 */
#ifndef BELFRY_CLOSE_REASON_H
#define BELFRY_CLOSE_REASON_H

/* name, code, text for the client, label of belfry_closed_total */
#define CLOSE_REASON_TABLE(X)                                                  \
	X(PEER_GONE, 0, "", "peer_gone")                                       \
	X(PEER_CLOSED, 0, "", "peer_closed")                                   \
	X(HTTP_DONE, 0, "", "http_done")                                       \
	X(HTTP_REFUSED, 0, "", "http_refused")                                 \
	X(NO_MEMORY, 1011, "out of memory", "no_memory")                       \
	X(GOING_AWAY, 1001, "server is going away", "going_away")              \
	X(PROTOCOL, 1002, "protocol error", "protocol")                        \
	X(NOT_TEXT, 1003, "only text messages are understood", "not_text")     \
	X(NOT_UTF8, 1007, "text is not UTF-8", "not_utf8")                     \
	X(CORRUPT, 1007, "compressed data are corrupt", "corrupt")             \
	X(TOO_LARGE, 1009, "message too large", "too_large")                   \
	X(OVERLOAD, 1013, "too many connections, try again later", "overload") \
	X(TOKEN, 4401, "token refused", "token")                               \
	X(REVOKED, 4401, "token revoked", "revoked")                           \
	X(NOT_ALLOWED, 4403, "not allowed", "not_allowed")                     \
	X(DISCONNECTED, 4403, "closed by the backend", "disconnected")         \
	X(HEARTBEAT, 4408, "heartbeat timeout", "heartbeat")                   \
	X(IDLE, 1000, "idle for too long", "idle")                             \
	X(USER_LIMIT, 4409, "too many connections of this user", "user_limit") \
	X(SLOW, 4410, "slow consumer", "slow")                                 \
	X(RATE, 4429, "too many messages", "rate")                             \
	X(PROXY_HEADER, 0, "", "proxy_header")                                 \
	X(HANDSHAKE, 0, "", "handshake_timeout")

enum close_reason {
#define X(name, code, text, label) CLOSE_##name,
	CLOSE_REASON_TABLE(X)
#undef X
		CLOSE_REASON_COUNT
};

#endif
