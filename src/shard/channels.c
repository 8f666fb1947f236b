/* shard/channels.c - a chained hash table of channels, and arrays of members. */
#include "shard/channels.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define BLOCK_SIZE 256 /* channels x 56 bytes = 14 KiB */
#define HEADS_MIN 256

bool channels_init(struct channels *channels, struct hash_key key)
{
	*channels = (struct channels){.key = key, .free = CHANNEL_NONE, .heads_count = HEADS_MIN};
	channels->heads = malloc(HEADS_MIN * sizeof(uint32_t));
	if (!channels->heads)
		return false;
	memset(channels->heads, 0xFF, HEADS_MIN * sizeof(uint32_t));
	return true;
}

static void free_contents(struct channel *channel)
{
	tape_destroy(channel->tape);
	if (channel->members_capacity > 1)
		free(channel->members.many);
	free(channel->name);
}

void channels_deinit(struct channels *channels)
{
	for (uint32_t i = 0; i < channels->blocks_count; i++) {
		for (uint32_t j = 0; j < BLOCK_SIZE; j++)
			if (channels->blocks[i][j].name)
				free_contents(&channels->blocks[i][j]);
		free(channels->blocks[i]);
	}
	free(channels->blocks);
	free(channels->heads);
}

struct channel *channels_at(const struct channels *channels, uint32_t index)
{
	ASSERT(index / BLOCK_SIZE < channels->blocks_count);
	return &channels->blocks[index / BLOCK_SIZE][index % BLOCK_SIZE];
}

static uint32_t first_of_chain(const struct channels *channels, uint64_t hash)
{
	return channels->heads[hash & (channels->heads_count - 1)];
}

static bool has_name(const struct channel *channel, struct slice name, uint64_t hash)
{
	return channel->hash == hash && slice_equal(channel_name(channel), name);
}

uint32_t channels_find(const struct channels *channels, const struct channel_key *key)
{
	uint32_t index = first_of_chain(channels, key->hash);

	while (index != CHANNEL_NONE) {
		const struct channel *channel = channels_at(channels, index);

		if (channel->encoding == key->encoding && has_name(channel, key->name, key->hash))
			return index;
		index = channel->next;
	}
	return CHANNEL_NONE;
}

bool channels_has_name(const struct channels *channels, struct slice name, uint64_t hash)
{
	uint32_t index = first_of_chain(channels, hash);

	while (index != CHANNEL_NONE) {
		const struct channel *channel = channels_at(channels, index);

		if (has_name(channel, name, hash))
			return true;
		index = channel->next;
	}
	return false;
}

/* All records of a new block go to the free list. */
static bool add_block(struct channels *channels)
{
	size_t count = channels->blocks_count + 1;
	struct channel **blocks = realloc(channels->blocks, count * sizeof(struct channel *));
	struct channel *block = blocks ? calloc(BLOCK_SIZE, sizeof(*block)) : NULL;

	if (blocks)
		channels->blocks = blocks;
	if (!block)
		return false;
	for (uint32_t i = 0; i < BLOCK_SIZE; i++)
		block[i].next = channels->blocks_count * BLOCK_SIZE + i + 1;
	block[BLOCK_SIZE - 1].next = channels->free;
	channels->free = channels->blocks_count * BLOCK_SIZE;
	channels->blocks[channels->blocks_count++] = block;
	return true;
}

/* Twice as many chains; without memory the old ones only get longer. */
static void grow_heads(struct channels *channels)
{
	uint32_t count = channels->heads_count * 2;
	uint32_t *heads = malloc(count * sizeof(uint32_t));

	if (!heads)
		return;
	memset(heads, 0xFF, count * sizeof(uint32_t));
	for (uint32_t i = 0; i < channels->blocks_count * BLOCK_SIZE; i++) {
		struct channel *channel = channels_at(channels, i);

		if (!channel->name)
			continue;
		channel->next = heads[channel->hash & (count - 1)];
		heads[channel->hash & (count - 1)] = i;
	}
	free(channels->heads);
	channels->heads = heads;
	channels->heads_count = count;
}

static uint32_t add(struct channels *channels, const struct channel_key *key)
{
	struct slice name = key->name;
	char *copy = malloc(name.size);

	ASSERT(name.size > 0 && name.size <= UINT8_MAX);
	if (!copy || (channels->free == CHANNEL_NONE && !add_block(channels))) {
		free(copy);
		return CHANNEL_NONE;
	}
	if (channels->count >= channels->heads_count)
		grow_heads(channels);
	uint32_t index = channels->free;
	struct channel *channel = channels_at(channels, index);
	uint32_t *head = &channels->heads[key->hash & (channels->heads_count - 1)];

	channels->free = channel->next;
	memcpy(copy, name.bytes, name.size);
	*channel = (struct channel){
		.name = copy,
		.name_size = (uint8_t)name.size,
		.encoding = (uint8_t)key->encoding,
		.hash = key->hash,
		.members_capacity = 1,
		.next = *head,
	};
	*head = index;
	channels->count++;
	return index;
}

uint32_t channels_hold(struct channels *channels, struct slice name, enum encoding encoding,
		       bool *ret_is_new)
{
	struct channel_key key = {name, hash_bytes(channels->key, name), encoding};
	uint32_t index = channels_find(channels, &key);
	bool is_new = index == CHANNEL_NONE && !channels_has_name(channels, name, key.hash);

	if (index == CHANNEL_NONE)
		index = add(channels, &key);
	if (index == CHANNEL_NONE)
		return CHANNEL_NONE;
	channels_at(channels, index)->holders++;
	*ret_is_new = is_new;
	return index;
}

bool channels_release(struct channels *channels, uint32_t index)
{
	struct channel *channel = channels_at(channels, index);

	ASSERT(channel->holders > 0);
	return --channel->holders == 0;
}

void channels_remove(struct channels *channels, uint32_t index)
{
	struct channel *channel = channels_at(channels, index);
	uint32_t *link = &channels->heads[channel->hash & (channels->heads_count - 1)];

	ASSERT(channel->holders == 0 && channel->members_count == 0);
	while (*link != index)
		link = &channels_at(channels, *link)->next;
	*link = channel->next;
	free_contents(channel);
	*channel = (struct channel){.next = channels->free};
	channels->free = index;
	channels->count--;
}

struct member *channel_members(struct channel *channel)
{
	return channel->members_capacity > 1 ? channel->members.many : &channel->members.one;
}

static bool grow_members(struct channel *channel)
{
	uint32_t capacity = channel->members_capacity < 4 ? 4 : channel->members_capacity * 2;
	struct member *old = channel->members_capacity > 1 ? channel->members.many : NULL;
	struct member *many = realloc(old, capacity * sizeof(*many));

	if (!many)
		return false;
	if (!old)
		many[0] = channel->members.one;
	channel->members.many = many;
	channel->members_capacity = capacity;
	return true;
}

uint32_t channel_join(struct channel *channel, uint32_t slot)
{
	if (channel->members_used == channel->members_capacity && !grow_members(channel))
		return MEMBER_NONE;
	channel_members(channel)[channel->members_used] = (struct member){
		.slot = slot,
		.position = channel->tape ? channel->tape->head : 0,
	};
	if (channel->tape)
		channel->tape->circle_left++; /* the circle got one longer */
	channel->members_count++;
	return channel->members_used++;
}

void channel_leave(struct channel *channel, uint32_t member)
{
	struct member *members = channel_members(channel);

	ASSERT(member < channel->members_used && members[member].slot != MEMBER_HOLE);
	members[member].slot = MEMBER_HOLE;
	channel->members_count--;
}

bool channel_has_many_holes(const struct channel *channel)
{
	uint32_t holes = channel->members_used - channel->members_count;

	return holes >= 8 ? holes > channel->members_count / 4 : channel->members_count == 0;
}

/* How many of the `count` places from `first` on, in a circle, are taken. */
static uint32_t count_taken(struct channel *channel, uint32_t first, uint32_t count)
{
	struct member *members = channel_members(channel);
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++)
		taken += members[(first + i) % channel->members_used].slot != MEMBER_HOLE;
	return taken;
}

void channel_compact(struct channel *channel, channel_on_moved *on_moved, void *owner)
{
	struct member *members = channel_members(channel);
	struct tape *tape = channel->tape;
	uint32_t used = 0;

	if (tape && channel->members_used > 0) {
		uint32_t left = count_taken(channel, tape->cursor, tape->circle_left);

		tape->cursor = count_taken(channel, 0, tape->cursor);
		tape->circle_left = left;
	}
	for (uint32_t i = 0; i < channel->members_used; i++) {
		if (members[i].slot == MEMBER_HOLE)
			continue;
		if (i != used) {
			members[used] = members[i];
			on_moved(owner, members[used].slot, used);
		}
		used++;
	}
	ASSERT(used == channel->members_count);
	channel->members_used = used;
	if (tape && tape->cursor >= used)
		tape->cursor = 0;
}
