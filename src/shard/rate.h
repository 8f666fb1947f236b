/* shard/rate.h - how much a client may send: handshakes and messages, on all transports.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a bucket in each conn; those of addresses and users are the node's (lane/rates.h)
 * Errors  none: the answer says what is to be done
 *
 * A bucket of messages holds RATE_HOLDS_S seconds' worth. A client that finds it empty is slowed:
 * this message is refused with the error rate_limited, and nothing of it is read for
 * RATE_PAUSE_MS. What it has sent already waits, here and in its socket. When that has happened
 * RATE_PAUSES_MAX times, with less than RATE_CALM_MS between each and the next, it is closed.
 */
#ifndef BELFRY_SHARD_RATE_H
#define BELFRY_SHARD_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"

struct conn;
struct peer;
struct shard;

#define RATE_HOLDS_S 10    /* of messages; a reconnect brings up to max_subscriptions at once */
#define RATE_PAUSE_MS 1000 /* not read for so long */
#define RATE_PAUSES_MAX 5  /* the next time it is closed */
#define RATE_CALM_MS 10000 /* so long without a pause, and the pauses before are forgotten */

#define RATE_CODE "rate_limited"
#define RATE_TEXT "too many messages: this one is dropped, the next are read later"

enum rate_verdict {
	RATE_GO_ON,
	RATE_SLOWED, /* refuse this message: error rate_limited, with its ref; read no more */
	RATE_CLOSE,  /* it was told often enough: conn_close with CLOSE_RATE */
};

/* A message, ping or pong of a connection has come: asked once for each. Whoever goes on to
 * read while it is slowed is told SLOWED each time. */
MUST_CHECK enum rate_verdict rate_on_message(struct shard *shard, struct conn *conn);

/* Asks the same, and does what is to be done: the protocol tells the client, with `ref` (as in
 * protocol->say_error), or the connection is closed. False: the message is not to be looked at. */
MUST_CHECK bool rate_allows(struct shard *shard, struct conn *conn, struct slice ref);

/* Milliseconds until the pause of a SLOWED connection is over. */
uint32_t rate_pause_left_ms(const struct shard *shard, const struct conn *conn);

/* The pause is over: what was left unread is read. */
void rate_end_pause(struct shard *shard, struct conn *conn);

enum rate_handshake {
	RATE_HANDSHAKE_OK,
	RATE_HANDSHAKE_NODE,    /* over handshake_rate */
	RATE_HANDSHAKE_ADDRESS, /* over handshake_rate_per_ip */
};

/* A request for admission has come: asked once for each, before its token is looked at. */
MUST_CHECK enum rate_handshake rate_on_handshake(const struct shard *shard,
						 const struct peer *peer);

#endif
