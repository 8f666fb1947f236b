/* shard/encode.h - a notice as the bytes that the receivers of one channel get.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the notice's own, or the arena's: valid until the end of the turn
 * Errors  none; without memory the process ends, since going on would be silent loss
 */
#ifndef BELFRY_SHARD_ENCODE_H
#define BELFRY_SHARD_ENCODE_H

#include <stdint.h>

#include "base/slice.h"
#include "belfry/encoding.h"

struct notice;
struct shard;

/* Whole frames, or an event, for channels[index] of the notice. */
struct slice encode_notice(struct shard *shard, const struct notice *notice, uint32_t index,
			   enum encoding encoding);

#endif
