/* shard/confirm.h - up to where a client has what was sent to it.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's
 * Errors  none: a text that is no event id confirms nothing
 *
 * A heartbeat ping carries a position when all notices up to there are on their way before it,
 * so the pong, which repeats the payload (RFC 6455 section 5.5.3), says that the client has them;
 * clients that know nothing of this are confirmed, too.
 */
#ifndef BELFRY_SHARD_CONFIRM_H
#define BELFRY_SHARD_CONFIRM_H

#include <stdbool.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"

struct attached;
struct conn;
struct shard;

/* All that the connection is to have up to the shard's position was sent, or is in its outbox. */
bool confirm_has_all(struct shard *shard, struct conn *conn);

/* The position that a client names when it attaches is one that it has, if it is of this log. */
void confirm_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached,
			 struct event_id after);

/* What a ping that is sent now confirms when it is answered: the shard's position when something
 * was delivered since the last such ping and nothing is still to come behind it. False: nothing,
 * *ret_id is untouched. */
bool confirm_position(struct shard *shard, struct conn *conn, struct event_id *ret_id);

/* The payload of a ping that is sent now: the shard's position when something was delivered
 * since the last one that carried a position and nothing is still to come behind it; else empty. */
struct slice confirm_ping(struct shard *shard, struct conn *conn, uint8_t text[EVENT_ID_TEXT_MAX]);

/* A pong, and the message `ack`. Nothing after the shard's position is ever confirmed. */
void confirm_on_pong(struct shard *shard, struct conn *conn, struct slice payload);
void confirm_on_ack(struct shard *shard, struct conn *conn, struct event_id id);

#endif
