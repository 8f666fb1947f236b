/* shard/receipts.h - telling the router what happens here.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  long texts and what is asked for on the heap; receipts that find the lane full wait in a
 *         growing array, bounded by what the connections of this shard hold
 * Errors  none: without memory for a receipt the process cannot keep its promises and aborts
 */
#ifndef BELFRY_SHARD_RECEIPTS_H
#define BELFRY_SHARD_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"

struct conn;
struct receipt;
struct recovery;
struct shard;
struct upstream;

void receipts_interest(struct shard *shard, struct slice channel);
void receipts_disinterest(struct shard *shard, struct slice channel);
void receipts_detach(struct shard *shard, const struct conn *conn);

/* These take `recovery`, a heap block. `ref`: heap, comes back with the answer; NULL for none. */
void receipts_attach(struct shard *shard, const struct conn *conn, struct recovery *recovery);
void receipts_subscribe(struct shard *shard, const struct conn *conn, struct recovery *recovery,
			uint32_t channel, char *ref);
void receipts_catch_up(struct shard *shard, const struct conn *conn, struct recovery *recovery);

void receipts_more(struct shard *shard, const struct conn *conn);
void receipts_confirm(struct shard *shard, const struct conn *conn, struct event_id id);

/* `jti` absent, issued_s INT64_MIN: its token has none. */
void receipts_token(struct shard *shard, const struct conn *conn, struct slice jti,
		    int64_t issued_s);

/* Takes `upstream`, a heap block, with its ref. */
void receipts_upstream(struct shard *shard, const struct conn *conn, struct upstream *upstream);

/* End of turn: what waits goes to the lane, and the router is woken when it sleeps. */
void receipts_flush(struct shard *shard);

/* Receipts wait because the router is behind: take no new clients for the moment. */
bool receipts_are_stuck(const struct shard *shard);

/* At the end of the shard: frees what still waits. */
void receipts_drop_waiting(struct shard *shard);

/* Frees what a receipt brings, when nobody is there to take it. */
void receipts_free(const struct receipt *receipt);

#endif
