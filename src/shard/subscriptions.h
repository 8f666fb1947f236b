/* shard/subscriptions.h - which channels a connection holds, and is a member of.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  three inside the connection's record, more on the heap
 * Errors  false when memory is out; nothing has changed then
 *
 * First a channel is held and the router is told of new interest; membership begins when the
 * router has answered, so that a member has missed nothing and gets nothing twice.
 */
#ifndef BELFRY_SHARD_SUBSCRIPTIONS_H
#define BELFRY_SHARD_SUBSCRIPTIONS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "shard/conn.h"

/* Holds `name` for the connection, without joining. */
MUST_CHECK bool subscriptions_add(struct shard *shard, struct conn *conn, struct slice name,
				  uint32_t *ret_channel);

/* Joins every channel that is held and not joined. */
MUST_CHECK bool subscriptions_join(struct shard *shard, struct conn *conn);

/* Joins the channel of this one subscription, which is held and not joined. */
MUST_CHECK bool subscriptions_join_one(struct shard *shard, struct conn *conn,
				       struct subscription *held);

/* The connection's subscription to the channel with this index; NULL: none. */
struct subscription *subscriptions_find(struct conn *conn, uint32_t channel);

struct subscription *subscriptions_of(struct conn *conn);

/* Copies to the outbox what tapes still have for the connection. */
void subscriptions_catch_up(struct shard *shard, struct conn *conn);

void subscriptions_remove(struct shard *shard, struct conn *conn, struct subscription *gone);
void subscriptions_remove_all(struct shard *shard, struct conn *conn);

/* Holds user:{user} as the connection's user, joined or not. */
MUST_CHECK bool subscriptions_hold_user(struct shard *shard, struct conn *conn, struct slice user);
void subscriptions_release_user(struct shard *shard, struct conn *conn);

/* The user's id; absent for a connection without one. */
struct slice subscriptions_user(struct shard *shard, const struct conn *conn);

#endif
