/* shard/deliver.h - what the router sends, brought to the connections here.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a notice is held until the turn's sends are done
 * Errors  none; a delivery for which a tape has no room stays on the lane
 */
#ifndef BELFRY_SHARD_DELIVER_H
#define BELFRY_SHARD_DELIVER_H

struct delivery;
struct shard;

/* Takes what waits on the delivery lane, within the turn's bounds. */
void deliver_drain(struct shard *shard);

/* The lane could not be emptied in this turn. */
_Bool deliver_has_more(struct shard *shard);

/* The turn's sends are done: notices are let go. */
void deliver_release(struct shard *shard);

/* Frees what a delivery brings, when nobody is there to take it, or it was looked at. */
void deliver_free(const struct delivery *delivery);

#endif
