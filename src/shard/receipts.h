/* shard/receipts.h - telling the router what happens here.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  long texts on the heap; receipts that find the lane full wait in a growing array,
 *         bounded by what the connections of this shard hold
 * Errors  none: without memory for a receipt the process cannot keep its promises and aborts
 */
#ifndef BELFRY_SHARD_RECEIPTS_H
#define BELFRY_SHARD_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct conn;
struct shard;

void receipts_interest(struct shard *shard, struct slice channel);
void receipts_disinterest(struct shard *shard, struct slice channel);
void receipts_attach(struct shard *shard, const struct conn *conn);
void receipts_detach(struct shard *shard, const struct conn *conn);

/* `ref`: heap, comes back with the answer; NULL for none. */
void receipts_subscribe(struct shard *shard, const struct conn *conn, uint32_t channel, char *ref);

/* End of turn: what waits goes to the lane, and the router is woken when it sleeps. */
void receipts_flush(struct shard *shard);

/* Receipts wait because the router is behind: take no new clients for the moment. */
bool receipts_are_stuck(const struct shard *shard);

/* At the end of the shard: frees what still waits. */
void receipts_drop_waiting(struct shard *shard);

#endif
