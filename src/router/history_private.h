/* router/history_private.h - the records behind router/history.h.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/history.h
 * Errors  none
 */
#ifndef BELFRY_ROUTER_HISTORY_PRIVATE_H
#define BELFRY_ROUTER_HISTORY_PRIVATE_H

#include "base/assert.h"
#include "router/block_queue.h"
#include "router/history.h"
#include "router/record_channels.h"
#include "router/record_names.h"

enum record_flag {
	RECORD_READ = 1,       /* or it never counted */
	RECORD_DELETED = 2,    /* from its inbox */
	RECORD_SUPERSEDED = 4, /* a newer one of its channel has the same key */
	RECORD_EXPIRES = 8,    /* it is among `expiries` */
};

struct record {
	struct event_id id;
	uint32_t channel : RECORD_CHANNEL_BITS; /* index; NONE: only its id is remembered */
	uint32_t flags : 32 - RECORD_CHANNEL_BITS;
	uint32_t distance; /* to the previous one of its channel; 0: none, or out of reach. Without
			      a channel it is the partition */
};

_Static_assert(sizeof(struct record) == 24, "a record is 24 bytes");

struct expiry {
	uint64_t number;
	uint64_t at_ms;
};

struct history {
	struct history_options options;
	struct block_queue records;
	struct block_queue expiries; /* ascending by number */
	struct record_names ids;
	struct record_names keys;
	struct record_channels channels;
	struct event_id floor;
};

/* `number` is kept. */
static inline struct record *history_record(const struct history *history, uint64_t number)
{
	ASSERT(number >= history->records.first && number < history->records.end);
	return block_queue_at(&history->records, number);
}

/* By count and age. */
void history_trim(struct history *history);

/* Nobody has read or deleted it, nothing has taken its place. */
static inline bool history_is_unread(const struct record_channel *channel,
				     const struct record *record, uint64_t number)
{
	return number >= channel->read_from &&
	       (record->flags & (RECORD_READ | RECORD_DELETED | RECORD_SUPERSEDED)) == 0;
}

/* It is one of channel->unread. */
static inline bool history_is_counted(const struct record_channel *channel,
				      const struct record *record, uint64_t number)
{
	return number >= channel->counted_from && history_is_unread(channel, record, number);
}

/* It was counted and is not from now on. */
static inline void history_uncount(struct record_channel *channel)
{
	ASSERT(channel->unread > 0);
	channel->unread--;
}

#endif
