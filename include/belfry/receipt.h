/* belfry/receipt.h - what a shard tells the router.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads pushed by one shard, popped by the router
 * Memory  64 bytes, copied; text over RECEIPT_INLINE_MAX bytes is a heap block that the router
 *         frees; a `ref` goes to the router and comes back in the answer
 * Errors  none
 *
 * Receipts of one shard are in order: an interest that precedes an attach is registered when
 * the attach is answered.
 */
#ifndef BELFRY_RECEIPT_H
#define BELFRY_RECEIPT_H

#include <stdint.h>

#define RECEIPT_INLINE_MAX 40 /* bytes: most channel names and user ids are shorter */

enum receipt_type {
	RECEIPT_INTEREST,    /* text: a channel that this shard now has a holder of */
	RECEIPT_DISINTEREST, /* text: a channel whose last holder here is gone */
	RECEIPT_ATTACH,      /* text: user; a connection wants to be known; is answered */
	RECEIPT_DETACH,      /* text: user; an attached connection is gone */
	RECEIPT_SUBSCRIBE,   /* channel, ref: is answered after the interest before it */
};

struct receipt {
	uint8_t type; /* enum receipt_type */
	uint8_t text_size;
	uint16_t slot;
	uint32_t generation;
	uint32_t channel; /* SUBSCRIBE: the shard's own index, comes back in the answer */
	char *ref;        /* SUBSCRIBE: NULL, or the client's `ref`, heap */
	union {
		char text_inline[RECEIPT_INLINE_MAX];
		char *text_heap; /* when text_size > RECEIPT_INLINE_MAX */
	};
};

#endif
