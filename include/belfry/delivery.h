/* belfry/delivery.h - what the router sends to a shard.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads pushed by the router, popped by one shard
 * Memory  32 bytes, copied; a notice comes with one reference, `ref` and `attached` with their
 *         ownership
 * Errors  none
 *
 * The lane's order is the guarantee: what a shard asked for (attach, subscribe, catch-up) is
 * answered on the same lane that carries the notices: first what the asker has missed, as
 * REPLAY, then LIVE; every notice behind that is new to the asker, and none before it was for
 * him.
 */
#ifndef BELFRY_DELIVERY_H
#define BELFRY_DELIVERY_H

#include "belfry/event_id.h"
#include "belfry/notice.h"
#include "belfry/recovery.h"

enum delivery_type {
	DELIVERY_NOTICE,   /* `notice` for the channels it names */
	DELIVERY_ATTACHED, /* the connection is known: `attached`; REPLAY and LIVE follow */
	DELIVERY_REFUSED,  /* there are as many connections as allowed: `count` is CLOSE_USER_LIMIT
			      * for those of the user, CLOSE_OVERLOAD for those of the address; or
			      * CLOSE_REVOKED: its token is. A CLOSE before ATTACHED is one as well,
			      * for CLOSE_REVOKED or CLOSE_DISCONNECTED */
	DELIVERY_SUBSCRIBED, /* interest in `channel` is registered; REPLAY and LIVE follow */
	DELIVERY_REPLAY,     /* `notice`: its `frame` is `count` whole frames for one connection */
	DELIVERY_LIVE,       /* what was asked for is complete up to `id`; join */
	DELIVERY_POSITION,   /* every notice of the log up to `id` that this shard wants was here */
	DELIVERY_ANSWER, /* to an upstream message with `ref`: `count` is enum upstream_answer */
	DELIVERY_CLOSE,  /* close this connection: `count` is enum close_reason */
};

#define DELIVERY_RECOVERED 1u  /* SUBSCRIBED: nothing after the named position is missing */
#define DELIVERY_HAS_REPLAY 2u /* SUBSCRIBED: a position was named, so say what became of it */

struct delivery {
	uint8_t type;        /* enum delivery_type */
	uint8_t flags;       /* DELIVERY_* */
	uint16_t slot;       /* all but NOTICE and POSITION: which connection */
	uint32_t generation; /* likewise: and which use of the slot */
	uint32_t channel;    /* SUBSCRIBED, LIVE: the shard's own index, as it came in the receipt;
			      * LIVE after attach and catch-up: RECEIPT_ALL_CHANNELS */
	uint32_t count;      /* SUBSCRIBED: messages that follow; others: see above */
	union {
		struct notice *notice;
		struct event_id id;
		struct attached *attached;
		char *ref; /* SUBSCRIBED, ANSWER: the client's `ref`, heap, owned by the receiver;
			    * NULL: none */
	};
};

#endif
