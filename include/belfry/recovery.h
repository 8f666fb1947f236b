/* belfry/recovery.h - what a connection has yet to get, asked of the router by its shard.
 *
 * Layer   nouns (may include: libc, base, belfry/)
 * Threads made by a shard, pushed with a receipt, freed by the router
 * Memory  one heap block: struct, channels, then the bytes that all slices point into
 * Errors  none
 *
 * Attach, subscribe and catch-up are one case: somebody is at a position of some channels and
 * the log is further on. The answer is what lies between, in the order of the log, then
 * DELIVERY_LIVE, and from there on every new notice.
 */
#ifndef BELFRY_RECOVERY_H
#define BELFRY_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"
#include "belfry/ip.h"

enum recovery_from {
	RECOVERY_NOW,    /* nothing old is wanted */
	RECOVERY_AFTER,  /* what came after each channel's `after` */
	RECOVERY_CURSOR, /* what the user, or its device, has not confirmed yet */
};

struct recovery_channel {
	struct slice name;
	struct event_id after; /* RECOVERY_AFTER */
};

struct recovery {
	enum recovery_from from;
	uint8_t encoding;      /* enum encoding: ATTACH: how the connection wants its messages */
	struct slice user;     /* ATTACH: never absent */
	struct slice device;   /* ATTACH: absent: the user's own cursor */
	struct slice identity; /* ATTACH: connection id that the client wants to take up; absent */
	struct slice jti;      /* ATTACH: of the token; absent without */
	int64_t issued_s;      /* ATTACH: Unix time of the token's iat; INT64_MIN without */
	struct ip address;     /* ATTACH: of the client; all zero: not known */
	bool counts_address;   /* ATTACH: it is to be counted, for max_connections_per_ip */
	uint64_t since_ms;     /* ATTACH: Unix time of the connection's beginning */
	uint32_t channels_count;
	struct recovery_channel channels[];
};

/* The answer to an attach: one heap block, freed by the shard. */
struct attached {
	struct event_id last; /* the log's position: what is not replayed after it comes live */
	uint64_t epoch;       /* another one than before: the log has lost something */
	uint32_t replayed;    /* messages that follow before LIVE, as far as is known now */
	uint32_t unread;      /* when has_unread */
	bool has_unread;      /* the user's channel is an inbox */
	bool recovered;       /* nothing that lies after the named position is missing */
	bool has_identity;    /* the identity asked for was granted: conn:{identity} is its own */
};

#endif
