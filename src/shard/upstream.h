/* shard/upstream.h - what clients send on purpose: packed for the router, answered by it.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one heap block for each message, freed by the router; its size is bounded by
 *         max_client_message
 * Errors  an `error` message; the connection stays
 */
#ifndef BELFRY_SHARD_UPSTREAM_H
#define BELFRY_SHARD_UPSTREAM_H

#include "base/compiler.h"

struct command;
struct conn;
struct delivery;
struct shard;
struct upstream;

/* mark_read, mark_all_read, delete, typing, publish. */
void upstream_on_command(struct shard *shard, struct conn *conn, const struct command *command);

/* DELIVERY_ANSWER: an `ack`, or an `error` with the code of the answer. */
void upstream_on_answer(struct shard *shard, struct conn *conn, const struct delivery *delivery);

/* The command, packed: see belfry/upstream.h. NULL: out of memory. */
MUST_CHECK struct upstream *upstream_pack(struct shard *shard, struct conn *conn,
					  const struct command *command);

#endif
