/* shard/order.h - each connection gets what it gets in the order of the log.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a list of the connections that lag, at most all of them
 * Errors  a connection whose outbox cannot take what must go first falls (shard/recovery.h)
 *
 * A client resumes from one position, whatever its channels, so a later entry of one channel
 * must not overtake an earlier one of another. The rule: what a connection has yet to get is in
 * its outbox first, and after that on at most one tape. Before something new is put anywhere
 * else for it, the rest of that tape is copied to its outbox. So what it lacks when something
 * finds no room is all of the log after one position, and catching up keeps the order, too: until
 * it is done the connection is in no channel. Only the replay of a subscribe, which the client
 * asked for, is older than what surrounds it.
 */
#ifndef BELFRY_SHARD_ORDER_H
#define BELFRY_SHARD_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct conn;
struct shard;

/* Before a frame is put on the tape of this channel. False: not now, first another tape must be
 * swept, for its members are too many to be looked at one by one. */
MUST_CHECK bool order_before_tape(struct shard *shard, uint32_t channel);

/* Before a frame goes to this connection alone. */
void order_before_frame(struct shard *shard, struct conn *conn);

/* Bytes that tapes have for the connection, also those that they have dropped by now. */
size_t order_rest_size(struct shard *shard, struct conn *conn);

/* The connection is left behind by a sweep: it gets the rest of the tape later. */
void order_note_lagging(struct shard *shard, struct conn *conn);

#endif
