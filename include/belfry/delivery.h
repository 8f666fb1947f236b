/* belfry/delivery.h - what the router sends to a shard.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads pushed by the router, popped by one shard
 * Memory  24 bytes, copied; a notice comes with one reference, a `ref` with its ownership
 * Errors  none
 *
 * The lane's order is the guarantee: what a shard asked for (attach, subscribe) is answered on
 * the same lane that carries the notices, so everything after the answer is new to the asker.
 */
#ifndef BELFRY_DELIVERY_H
#define BELFRY_DELIVERY_H

#include "belfry/event_id.h"
#include "belfry/notice.h"

enum delivery_type {
	DELIVERY_NOTICE,     /* `notice` for the channels it names */
	DELIVERY_ATTACHED,   /* the connection is known; `last` is the log's position */
	DELIVERY_REFUSED,    /* the user has as many connections as allowed */
	DELIVERY_SUBSCRIBED, /* interest in `channel` is registered */
};

struct delivery {
	uint8_t type;        /* enum delivery_type */
	uint16_t slot;       /* ATTACHED, REFUSED, SUBSCRIBED: which connection */
	uint32_t generation; /* likewise: and which use of the slot */
	union {
		struct notice *notice;
		struct event_id last;
		struct {
			uint32_t channel; /* the shard's own index, as it came in the receipt */
			char *ref; /* the client's `ref`, heap, owned by the receiver; NULL */
		};
	};
};

#endif
