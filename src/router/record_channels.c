/* router/record_channels.c - a chained hash table over blocks of channels. */
#include "router/record_channels.h"

#include <stdlib.h>

#include "base/assert.h"

#define BLOCK_SIZE 1024 /* channels: 48 KiB */
#define HEADS_MIN 1024

void record_channels_init(struct record_channels *channels)
{
	*channels = (struct record_channels){.free = RECORD_CHANNEL_NONE};
}

void record_channels_deinit(struct record_channels *channels)
{
	for (uint32_t i = 0; i < channels->blocks_count; i++)
		free(channels->blocks[i]);
	free(channels->blocks);
	free(channels->heads);
	record_channels_init(channels);
}

struct record_channel *record_channels_at(const struct record_channels *channels, uint32_t index)
{
	ASSERT(index / BLOCK_SIZE < channels->blocks_count);
	return &channels->blocks[index / BLOCK_SIZE][index % BLOCK_SIZE];
}

static uint32_t *head_of(const struct record_channels *channels, uint64_t hash)
{
	return &channels->heads[hash & (channels->heads_count - 1)];
}

uint32_t record_channels_find(const struct record_channels *channels, uint64_t hash)
{
	uint32_t index = channels->heads ? *head_of(channels, hash) : RECORD_CHANNEL_NONE;

	while (index != RECORD_CHANNEL_NONE) {
		const struct record_channel *channel = record_channels_at(channels, index);

		if (channel->hash == hash)
			return index;
		index = channel->next;
	}
	return RECORD_CHANNEL_NONE;
}

static bool add_block(struct record_channels *channels)
{
	uint32_t count = channels->blocks_count;

	if (count == (RECORD_CHANNEL_NONE + 1) / BLOCK_SIZE - 1)
		return false;
	struct record_channel **blocks = realloc(channels->blocks, (count + 1) * sizeof(*blocks));

	if (!blocks)
		return false;
	channels->blocks = blocks;
	blocks[count] = calloc(BLOCK_SIZE, sizeof(**blocks));
	if (!blocks[count])
		return false;
	for (uint32_t i = 0; i < BLOCK_SIZE; i++)
		blocks[count][i].next = count * BLOCK_SIZE + i + 1;
	blocks[count][BLOCK_SIZE - 1].next = channels->free;
	channels->free = count * BLOCK_SIZE;
	channels->blocks_count++;
	return true;
}

static void link_channel(struct record_channels *channels, uint32_t index)
{
	struct record_channel *channel = record_channels_at(channels, index);
	uint32_t *head = head_of(channels, channel->hash);

	channel->next = *head;
	*head = index;
}

static bool grow_heads(struct record_channels *channels)
{
	uint32_t count = channels->heads ? channels->heads_count * 2 : HEADS_MIN;
	uint32_t *heads = malloc(count * sizeof(*heads));

	if (!heads)
		return channels->heads != NULL; /* the chains get longer, that is all */
	for (uint32_t i = 0; i < count; i++)
		heads[i] = RECORD_CHANNEL_NONE;
	free(channels->heads);
	channels->heads = heads;
	channels->heads_count = count;
	for (uint32_t i = 0; i < record_channels_end(channels); i++)
		if (record_channels_at(channels, i)->is_used)
			link_channel(channels, i);
	return true;
}

uint32_t record_channels_need(struct record_channels *channels, uint64_t hash)
{
	uint32_t index = record_channels_find(channels, hash);

	if (index != RECORD_CHANNEL_NONE)
		return index;
	if (channels->count >= channels->heads_count && !grow_heads(channels))
		return RECORD_CHANNEL_NONE;
	if (channels->free == RECORD_CHANNEL_NONE && !add_block(channels))
		return RECORD_CHANNEL_NONE;
	index = channels->free;
	struct record_channel *channel = record_channels_at(channels, index);

	channels->free = channel->next;
	*channel = (struct record_channel){
		.hash = hash, .partition = RECORD_PARTITION_NONE, .is_used = true};
	link_channel(channels, index);
	channels->count++;
	return index;
}

uint32_t record_channels_end(const struct record_channels *channels)
{
	return channels->blocks_count * BLOCK_SIZE;
}

void record_channels_drop_unused(struct record_channels *channels, uint32_t index)
{
	struct record_channel *channel = record_channels_at(channels, index);
	uint32_t *link = head_of(channels, channel->hash);

	if (channel->newest != 0 || channel->base > 0)
		return;
	ASSERT(channel->is_used && channel->unread == 0);
	while (*link != index)
		link = &record_channels_at(channels, *link)->next;
	*link = channel->next;
	*channel = (struct record_channel){.next = channels->free};
	channels->free = index;
	channels->count--;
}

size_t record_channels_size(const struct record_channels *channels)
{
	return channels->blocks_count *
		       (BLOCK_SIZE * sizeof(struct record_channel) + sizeof(*channels->blocks)) +
	       channels->heads_count * sizeof(*channels->heads);
}
