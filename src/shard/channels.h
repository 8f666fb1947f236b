/* shard/channels.h - the channels that connections of this shard hold, and who is in them.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  56 bytes a channel in blocks that never move, its name, 8 bytes a member
 * Errors  CHANNEL_NONE or MEMBER_NONE when memory is out; nothing has changed then
 *
 * The same name is a channel of its own for each encoding (belfry/encoding.h) that its members
 * have. A channel is known while somebody holds it: a subscription, joined or not yet, or the user
 * of a connection. Members are those who receive. The router is told when the first holder
 * comes and when the last one goes, by the caller.
 */
#ifndef BELFRY_SHARD_CHANNELS_H
#define BELFRY_SHARD_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"
#include "belfry/encoding.h"
#include "shard/tape.h"

#define CHANNEL_NONE UINT32_MAX
#define MEMBER_NONE UINT32_MAX
#define MEMBER_HOLE UINT32_MAX /* slot of a member who left; goes at the next compaction */

struct member {
	uint32_t slot;     /* of the connection, or MEMBER_HOLE */
	uint32_t position; /* on the tape, when the channel has one */
};

struct channel {
	char *name; /* heap, not terminated; NULL: this record is free */
	uint64_t hash;
	struct tape *tape; /* NULL: too few members, or nothing was sent yet */
	union {
		struct member one; /* members_capacity is 1 */
		struct member *many;
	} members;
	uint32_t members_capacity;
	uint32_t members_used;  /* with the holes */
	uint32_t members_count; /* without */
	uint32_t holders;
	uint32_t next; /* in the hash chain, or in the list of free records */
	uint8_t name_size;
	uint8_t encoding; /* enum encoding: how its members get what is sent to it */
	uint16_t behind;  /* holders that fell behind and have yet to catch up */
};

struct channels {
	struct hash_key key;
	struct channel **blocks;
	uint32_t blocks_count;
	uint32_t *heads; /* hash chains, a power of two of them */
	uint32_t heads_count;
	uint32_t free; /* first free record */
	uint32_t count;
};

MUST_CHECK bool channels_init(struct channels *channels, struct hash_key key);
void channels_deinit(struct channels *channels);

struct channel *channels_at(const struct channels *channels, uint32_t index);

static inline struct slice channel_name(const struct channel *channel)
{
	return slice_of(channel->name, channel->name_size);
}

/* A channel as it is looked for. */
struct channel_key {
	struct slice name;
	uint64_t hash;
	enum encoding encoding;
};

/* Index of the channel; CHANNEL_NONE when nobody holds it. */
uint32_t channels_find(const struct channels *channels, const struct channel_key *key);

/* Somebody holds the channel with this name in one encoding or another. */
bool channels_has_name(const struct channels *channels, struct slice name, uint64_t hash);

/* Adds a holder, making the channel when it is new; `*ret_is_new`: no encoding had the name. */
MUST_CHECK uint32_t channels_hold(struct channels *channels, struct slice name,
				  enum encoding encoding, bool *ret_is_new);

/* One holder less. True: it was the last; call channels_remove, then, when no other encoding has
 * the name, tell the router. */
MUST_CHECK bool channels_release(struct channels *channels, uint32_t index);

/* Forgets a channel without holders and members. */
void channels_remove(struct channels *channels, uint32_t index);

struct member *channel_members(struct channel *channel);

/* Adds a member who has everything up to the tape's head. Returns its index. */
MUST_CHECK uint32_t channel_join(struct channel *channel, uint32_t slot);

/* Takes a member out: its place becomes a hole. */
void channel_leave(struct channel *channel, uint32_t member);

/* Enough holes to be worth a compaction. */
bool channel_has_many_holes(const struct channel *channel);

/* Called for each member that gets another index. */
typedef void channel_on_moved(void *owner, uint32_t slot, uint32_t member);

/* Closes the holes; order stays, and so does what the tape's sweep has visited. */
void channel_compact(struct channel *channel, channel_on_moved *on_moved, void *owner);

#endif
