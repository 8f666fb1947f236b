/* shard/move.h - a socket goes to the shard where the session lives that its request is for.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard; a parcel goes to another one through the tag of its ring
 * Memory  one heap block for each socket on its way; who reads the tag frees it
 * Errors  503 when the other shard's table is full, when it has ended, or for want of memory
 *
 * A request that names a session of another shard is not answered here. The connection waits
 * until what was answered before is on its socket (MOVING), then its descriptor and the bytes of
 * the request go to the other shard (HANDED: only that operation's completion may end it). There
 * it is a new connection that begins with these bytes, so the request is looked at once more,
 * where it belongs. Here its slot is closed; the acceptor hears of its end once, from whoever has
 * it then.
 */
#ifndef BELFRY_SHARD_MOVE_H
#define BELFRY_SHARD_MOVE_H

#include <stdint.h>

#include "base/slice.h"

struct conn;
struct shard;
struct uring_event;

/* State HEAD, in front of a request: `bytes` are that and all behind it, and are copied. */
void move_begin(struct shard *shard, struct conn *conn, uint32_t to_shard, struct slice bytes);

/* MOVING, and all that waited is on the socket: it is handed over. */
void move_on_drained(struct shard *shard, struct conn *conn);

/* Completion of the handing over. */
void move_on_handed(struct shard *shard, struct conn *conn, const struct uring_event *event);

/* Completion RING_OP_MOVE: keeps the new socket until move_take. */
void move_on_arrival(struct shard *shard, const struct uring_event *event);

/* Once per turn, when the last turn's sends are settled: the new sockets are connections. */
void move_take(struct shard *shard);

/* At the end of the shard: frees what has come too late. */
void move_drop(struct shard *shard);

#endif
