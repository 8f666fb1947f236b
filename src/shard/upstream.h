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
#include "belfry/upstream.h"

struct command;
struct conn;
struct shard;

/* mark_read, mark_all_read, delete, typing, publish. */
void upstream_on_command(struct shard *shard, struct conn *conn, const struct command *command);

/* A command of type BAD. True: its type is unknown, and the connection's route hands such messages
 * on to the backends. */
MUST_CHECK bool upstream_on_unknown(struct shard *shard, struct conn *conn,
				    const struct command *command);

/* What a client is told when the answer is not OK. */
const char *upstream_answer_code(enum upstream_answer answer);
const char *upstream_answer_text(enum upstream_answer answer);

/* The command, packed: see belfry/upstream.h. NULL: out of memory. */
MUST_CHECK struct upstream *upstream_pack(struct shard *shard, struct conn *conn,
					  const struct command *command);

#endif
