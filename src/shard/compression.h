/* shard/compression.h - permessage-deflate (RFC 7692) for all connections of a shard.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one codec a shard (wire/deflate.h), none a connection: no window outlives a message.
 *         Frames are in the arena until the end of the turn; what a client sent is on the heap
 *         while it is looked at, never more than it may have inflated, and a byte
 * Errors  what cannot be compressed, or is not worth it, goes out as it is
 *
 * Compressed are notices, for the channels of ENCODING_DEFLATE, once for all members. Answers
 * and replays go out as they are: which messages are compressed is free (section 6).
 */
#ifndef BELFRY_SHARD_COMPRESSION_H
#define BELFRY_SHARD_COMPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "wire/ws_frame.h"

struct conn;
struct deflate;
struct notice;
struct shard;
struct ws_deflate;

struct compression {
	struct deflate *codec; /* in memory of its own; NULL: switched off */
	/* Of a notice for many channels, what comes behind the name of the channel. */
	struct slice tail; /* compressed, in the arena; absent: not worth it */
	uint32_t notice;   /* of shard->notices, for which `tail` is */
	uint32_t turn;     /* in which it was made */
	size_t inflated;   /* bytes, in the turn `inflated_turn` */
	uint32_t inflated_turn;
};

/* Makes the codec, if the configuration wants one. False: out of memory. */
MUST_CHECK bool compression_init(struct shard *shard);
void compression_deinit(struct shard *shard);

/* Takes or drops what the upgrade could agree on, and sets the connection's encoding and flag.
 * Before its first subscription. */
void compression_agree(const struct shard *shard, struct conn *conn, struct ws_deflate *terms);

/* The compressed frame for channels[index], or the absent slice. */
struct slice compression_encode(struct shard *shard, const struct notice *notice, uint32_t index);

/* Likewise a frame around any payload. */
struct slice compression_frame(struct shard *shard, enum ws_opcode opcode, struct slice payload);

/* The largest message that the client may send, in bytes before they are inflated. */
size_t compression_bound(const struct shard *shard, const struct conn *conn, bool is_compressed);

/* Inflates a whole message that came as `bytes`; text is checked as UTF-8. Corrupt or not UTF-8:
 * close 1007; over the largest message: 1009. False: the connection was closed for it.
 * *ret_message is for the caller to free. */
MUST_CHECK bool compression_inflate(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
				    struct slice bytes, struct slice *ret_message);

/* Enough was inflated in this turn: a few bytes can be a large message, and others wait. */
MUST_CHECK bool compression_is_spent(const struct shard *shard);

#endif
