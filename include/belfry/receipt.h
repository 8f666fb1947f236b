/* belfry/receipt.h - what a shard tells the router.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads pushed by one shard, popped by the router
 * Memory  56 bytes, copied; text over RECEIPT_INLINE_MAX bytes, `recovery` and `upstream` are
 *         heap blocks that the router frees; a `ref` goes to the router and comes back in the
 *         answer
 * Errors  none
 *
 * Receipts of one shard are in order: an interest that precedes an attach is registered when
 * the attach is answered.
 *
 * A connection asks for a recovery with ATTACH (once), SUBSCRIBE (one channel) or CATCH_UP (all
 * channels that it left when it fell behind). The router works on one at a time for each
 * connection, in order. Of a long one it sends a part (DELIVERY_REPLAY), and the next part only
 * when the shard has said MORE: one MORE for each REPLAY.
 */
#ifndef BELFRY_RECEIPT_H
#define BELFRY_RECEIPT_H

#include <stdint.h>

#include "belfry/event_id.h"
#include "belfry/recovery.h"
#include "belfry/upstream.h"

#define RECEIPT_INLINE_MAX 32           /* bytes: most channel names are shorter */
#define RECEIPT_ALL_CHANNELS UINT32_MAX /* LIVE is for all that were asked for, not for one */

enum receipt_type {
	RECEIPT_INTEREST,    /* text: a channel that this shard now has a holder of */
	RECEIPT_DISINTEREST, /* text: a channel whose last holder here is gone */
	RECEIPT_ATTACH,      /* recovery; a connection wants to be known: ATTACHED or REFUSED */
	RECEIPT_DETACH,      /* an attached connection is gone; all that it asked for is void */
	RECEIPT_SUBSCRIBE,   /* recovery of one channel, channel, ref: SUBSCRIBED */
	RECEIPT_CATCH_UP,    /* recovery of the channels that an overflow made it leave */
	RECEIPT_MORE,        /* the last REPLAY is out: the next one may come */
	RECEIPT_CONFIRM,     /* id: the client has everything up to there */
	RECEIPT_TOKEN,       /* text, channel: jti and time of issue of its token from now on */
	RECEIPT_UPSTREAM,    /* upstream: ANSWER, if it has a ref or went wrong */
};

struct receipt {
	uint8_t type; /* enum receipt_type */
	uint8_t text_size;
	uint16_t slot;
	uint32_t generation;
	uint32_t channel; /* SUBSCRIBE: the shard's own index, comes back in the answer;
			   * TOKEN: Unix seconds of its iat, 0 without, UINT32_MAX at most */
	char *ref;        /* SUBSCRIBE: NULL, or the client's `ref`, heap */
	union {
		char text_inline[RECEIPT_INLINE_MAX];
		char *text_heap; /* when text_size > RECEIPT_INLINE_MAX */
		struct recovery *recovery;
		struct upstream *upstream;
		struct event_id id;
	};
};

#endif
