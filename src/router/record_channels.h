/* router/record_channels.h - what the history knows of each channel beside its records.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  48 bytes a channel in blocks that never move, 4 to 8 in the heads of the hash chains;
 *         what is freed is used again, blocks go with the table
 * Errors  false or RECORD_CHANNEL_NONE when memory is out
 */
#ifndef BELFRY_ROUTER_RECORD_CHANNELS_H
#define BELFRY_ROUTER_RECORD_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define RECORD_CHANNEL_BITS 28 /* of an index: as many as a record has room for */
#define RECORD_CHANNEL_NONE ((1u << RECORD_CHANNEL_BITS) - 1)
#define RECORD_PARTITION_NONE UINT16_MAX

struct record_channel {
	uint64_t hash;
	uint64_t newest;       /* number of its newest record; 0: it has none */
	uint64_t read_from;    /* records before this number are read */
	uint64_t counted_from; /* records before this number are not in `unread` */
	uint32_t unread;       /* records of the window that are */
	uint32_t base;         /* unread beside them, as a backend said */
	uint32_t next;         /* in the hash chain, or in the list of free ones */
	uint16_t partition;    /* of the log; RECORD_PARTITION_NONE: it never had a record */
	bool is_used;
	bool has_expiring; /* some record of it had an end */
};

_Static_assert(sizeof(struct record_channel) == 48, "a channel is 48 bytes");

struct record_channels {
	struct record_channel **blocks;
	uint32_t blocks_count;
	uint32_t *heads;
	uint32_t heads_count; /* a power of two; 0: nothing was made yet */
	uint32_t free;
	uint32_t count;
};

void record_channels_init(struct record_channels *channels);
void record_channels_deinit(struct record_channels *channels);

/* `index` is one that find or need gave; below record_channels_end others are not is_used. */
struct record_channel *record_channels_at(const struct record_channels *channels, uint32_t index);

/* RECORD_CHANNEL_NONE: there is none. */
uint32_t record_channels_find(const struct record_channels *channels, uint64_t hash);

/* Likewise, made when there is none. RECORD_CHANNEL_NONE: out of memory, or too many. */
MUST_CHECK uint32_t record_channels_need(struct record_channels *channels, uint64_t hash);

/* All indexes are below it. */
uint32_t record_channels_end(const struct record_channels *channels);

/* Frees the channel when it has neither records nor a base. */
void record_channels_drop_unused(struct record_channels *channels, uint32_t index);

size_t record_channels_size(const struct record_channels *channels); /* bytes */

#endif
