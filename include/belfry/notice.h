/* belfry/notice.h - one entry of the log on its way to connections: immutable, shared, counted.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads made by the router; read by every shard it was delivered to
 * Memory  one allocation: struct, channels, bytes. Freed by whoever drops the last reference
 * Errors  none
 *
 * An entry for one channel is framed once, by the router: `frame` is the WebSocket frame as it
 * goes out. An entry for many channels has one payload: `head` and `tail` of its envelope are
 * shared, and a receiver's envelope is head + channel name as JSON + tail. What other encodings
 * need beside the envelope is there as plain text and as JSON: shard/encode.h writes them.
 */
#ifndef BELFRY_NOTICE_H
#define BELFRY_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"

enum notice_target {
	TARGET_ALL,   /* the channel `all`: every connection */
	TARGET_CONN,  /* conn:{id} of a connection of this node */
	TARGET_NAMED, /* any other channel */
};

struct notice_channel {
	struct slice name;   /* inside the notice */
	uint64_t hash;       /* NAMED: of the name, with the node's key */
	uint32_t generation; /* CONN: which connection of the slot */
	uint16_t slot;       /* CONN: index of the connection in its shard */
	uint8_t shard;       /* CONN: index of the shard */
	uint8_t target;      /* enum notice_target */
	bool has_unread;     /* the channel is an inbox and the entry a message in it */
	uint32_t unread;     /* has_unread: with this entry */
};

struct notice {
	_Atomic uint32_t refs; /* changed by lane/notice.c only: once per shard, not per receiver */
	uint32_t channels_count;
	struct event_id event_id;
	struct slice frame;    /* whole frame of channels[0]; absent when there are more channels */
	struct slice envelope; /* its payload, inside frame; absent likewise */
	struct slice head;     /* envelope before the channel's name */
	struct slice tail;     /* envelope after it */
	struct slice type;     /* plain text; absent: the message has none */
	struct slice event;    /* plain text; absent: the message has none */
	struct slice data;     /* JSON text, inside frame or tail */
	struct notice_channel channels[];
};

#endif
