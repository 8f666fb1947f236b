/* shard/subscriptions.h - which channels a connection holds, and is a member of.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  three inside the connection's record, more on the heap
 * Errors  false when memory is out; nothing has changed then
 *
 * First a channel is held and the router is told of new interest; membership begins when the
 * router has said LIVE (shard/recovery.h), so that a member has missed nothing and gets nothing
 * twice.
 */
#ifndef BELFRY_SHARD_SUBSCRIPTIONS_H
#define BELFRY_SHARD_SUBSCRIPTIONS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"
#include "shard/conn.h"

/* The shard itself holds `all` in each encoding: it is always there, as CHANNEL_ALL + encoding. */
MUST_CHECK bool subscriptions_hold_all(struct shard *shard);

/* Holds `name` for the connection, without joining. */
MUST_CHECK bool subscriptions_add(struct shard *shard, struct conn *conn, struct slice name,
				  uint32_t *ret_channel);

/* Joins the channel of a subscription that is held and not joined. */
MUST_CHECK bool subscriptions_join_one(struct shard *shard, struct conn *conn,
				       struct subscription *held);

/* Leaves a channel that was joined; it stays held, as MEMBER_NONE. */
void subscriptions_leave(struct shard *shard, struct subscription *left);

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

#define SUBSCRIPTIONS_CONN_SIZE (5 + CONNECTION_ID_SIZE) /* conn:{id} */

/* Writes the name of the connection's own channel, conn:{id}; nobody holds it, for the id itself
 * says where it leads. */
void subscriptions_conn_name(const struct shard *shard, const struct conn *conn,
			     char ret_name[SUBSCRIPTIONS_CONN_SIZE]);

/* The subscription to conn:{id} of another connection, whose identity this one has taken up or
 * has asked for; NULL: none. */
struct subscription *subscriptions_identity(struct shard *shard, struct conn *conn);

/* Writes the connection id that the client knows: that of its identity, or its own. */
void subscriptions_connection_id(struct shard *shard, struct conn *conn,
				 char ret_text[CONNECTION_ID_SIZE]);

#endif
