/* shard/postponed.h - requests and messages whose token has to wait for a turn that may verify it.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the bytes wait in the connection's inbound; the queue has room for every slot
 * Errors  a connection without memory for it is cut
 *
 * What is postponed is fed to the connection again, as if it came then; it reads nothing meanwhile,
 * so that its order stays. The first to wait is the first to be served, before anything that comes
 * in the same turn. Everybody else, and every token that costs little, does not wait.
 */
#ifndef BELFRY_SHARD_POSTPONED_H
#define BELFRY_SHARD_POSTPONED_H

#include <stdbool.h>

#include "base/slice.h"

struct conn;
struct shard;

/* HEAD: `bytes` begin with the request. */
void postponed_add_request(struct shard *shard, struct conn *conn, struct slice bytes);

/* OPEN, on a WebSocket: a text message, whole; the caller hands over what follows it. */
void postponed_add_message(struct shard *shard, struct conn *conn, struct slice text);

/* What the client has sent behind it. */
void postponed_add_rest(struct shard *shard, struct conn *conn, struct slice rest);

/* Serves those that wait, as far as this turn may. */
void postponed_serve(struct shard *shard);

bool postponed_has_more(const struct shard *shard);

#endif
