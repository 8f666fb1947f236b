/* shard/send.h - putting bytes on sockets.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a send refers to bytes that stay until the end of the turn: of a notice, a tape, the
 *         arena or an outbox; what cannot go out in this turn is copied to the outbox
 * Errors  a connection that has no room for a durable frame, or that lost bytes of a tape, falls
 *         behind and catches up later (shard/recovery.h); an ephemeral frame without room is
 *         dropped; one that has no room even for answers to its own requests is closed with 4410
 *
 * Bounds of an outbox: `outbox_size_max` for notices while the socket is blocked; two tapes more
 * while it takes bytes, only not so many in one turn, and for answers to the client's own
 * requests; one part of a replay more, for there is never a second one.
 */
#ifndef BELFRY_SHARD_SEND_H
#define BELFRY_SHARD_SEND_H

#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"
#include "wire/ws_frame.h"

struct channel;
struct conn;
struct shard;

/* Whole frames or answers, valid until the end of the turn. Keeps the order of calls. */
void send_bytes(struct shard *shard, struct conn *conn, struct slice bytes);

/* The frame of a notice, likewise, for a live connection; with the event id 0-0 it is ephemeral.
 * What tapes have for the connection goes before it. */
void send_notice(struct shard *shard, struct conn *conn, struct slice frame, struct event_id id);

/* Part of a replay, likewise: it is taken whatever waits already. */
void send_replay(struct shard *shard, struct conn *conn, struct slice frames);

/* One frame around `payload`, which is copied. */
void send_frame(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
		struct slice payload);

void send_close_frame(struct shard *shard, struct conn *conn, uint16_t code, const char *text);

/* The channel's tape has new bytes: they go out from the end of this turn on. False: the list of
 * such tapes is full. */
bool send_mark_dirty(struct shard *shard, uint32_t channel);

/* Looks at the connection's outbox and tapes in this turn or the next. */
void send_queue(struct shard *shard, struct conn *conn);

/* End of turn: prepares sends from outboxes and tapes. */
void send_flush(struct shard *shard);

/* Begin of turn, after the completions of the last one: what went out is let go. */
void send_settle(struct shard *shard);

/* More is to be sent than this turn could. */
bool send_has_more(const struct shard *shard);

/* Room for this many more sends in this turn. */
uint32_t send_room(const struct shard *shard);

/* Copies to the outbox what the channel's tape still has for this member, so that later bytes
 * may follow there. Without room the connection falls, and nothing of this is done. */
void send_catch_up(struct shard *shard, struct conn *conn, struct channel *channel,
		   uint32_t member);

/* The connection is cut: its sends of this turn are void. */
void send_forget(struct shard *shard, struct conn *conn);

/* All that waited is out, or taken: the next part of a replay may come, the client is read. */
void send_on_drained(struct shard *shard, struct conn *conn);

/* Completions. */
void send_on_short(struct shard *shard, struct conn *conn, uint32_t index, int32_t result);
void send_on_writable(struct shard *shard, struct conn *conn);

#endif
