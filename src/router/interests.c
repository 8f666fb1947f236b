/* router/interests.c - a chained hash table. */
#include "router/interests.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define BLOCK_SIZE 256
#define HEADS_MIN 1024

_Static_assert(sizeof(struct interest) == 32, "interests.h says what a channel costs");

bool interests_init(struct interests *interests, struct hash_key key)
{
	*interests = (struct interests){
		.key = key,
		.free = INTEREST_NONE,
		.heads_count = HEADS_MIN,
		.heads = malloc(HEADS_MIN * sizeof(uint32_t)),
	};
	if (interests->heads)
		memset(interests->heads, 0xFF, HEADS_MIN * sizeof(uint32_t));
	return interests->heads != NULL;
}

static struct interest *at(const struct interests *interests, uint32_t index)
{
	ASSERT(index / BLOCK_SIZE < interests->blocks_count);
	return &interests->blocks[index / BLOCK_SIZE][index % BLOCK_SIZE];
}

void interests_deinit(struct interests *interests)
{
	for (uint32_t i = 0; i < interests->blocks_count; i++) {
		for (uint32_t j = 0; j < BLOCK_SIZE; j++)
			free(interests->blocks[i][j].name);
		free(interests->blocks[i]);
	}
	free(interests->blocks);
	free(interests->heads);
}

struct interest *interests_find(const struct interests *interests, struct slice name, uint64_t hash)
{
	uint32_t index = interests->heads[hash & (interests->heads_count - 1)];

	while (index != INTEREST_NONE) {
		struct interest *interest = at(interests, index);

		if (interest->hash == (uint32_t)hash &&
		    slice_equal(slice_of(interest->name, interest->name_size), name))
			return interest;
		index = interest->next;
	}
	return NULL;
}

static bool add_block(struct interests *interests)
{
	size_t count = interests->blocks_count + 1;
	struct interest **blocks = realloc(interests->blocks, count * sizeof(*blocks));
	struct interest *block = blocks ? calloc(BLOCK_SIZE, sizeof(*block)) : NULL;

	if (blocks)
		interests->blocks = blocks;
	if (!block)
		return false;
	for (uint32_t i = 0; i < BLOCK_SIZE; i++)
		block[i].next = interests->blocks_count * BLOCK_SIZE + i + 1;
	block[BLOCK_SIZE - 1].next = interests->free;
	interests->free = interests->blocks_count * BLOCK_SIZE;
	interests->blocks[interests->blocks_count++] = block;
	return true;
}

static void grow_heads(struct interests *interests)
{
	uint32_t count = interests->heads_count * 2;
	uint32_t *heads = malloc(count * sizeof(uint32_t));

	if (!heads)
		return; /* the chains get longer, that is all */
	memset(heads, 0xFF, count * sizeof(uint32_t));
	for (uint32_t i = 0; i < interests->blocks_count * BLOCK_SIZE; i++) {
		struct interest *interest = at(interests, i);

		if (!interest->name)
			continue;
		interest->next = heads[interest->hash & (count - 1)];
		heads[interest->hash & (count - 1)] = i;
	}
	free(interests->heads);
	interests->heads = heads;
	interests->heads_count = count;
}

struct interest *interests_need(struct interests *interests, struct slice name)
{
	uint64_t hash = hash_bytes(interests->key, name);
	struct interest *interest = interests_find(interests, name, hash);
	char *copy;

	ASSERT(name.size > 0 && name.size <= UINT8_MAX);
	if (interest)
		return interest;
	copy = malloc(name.size);
	if (!copy || (interests->free == INTEREST_NONE && !add_block(interests))) {
		free(copy);
		return NULL;
	}
	if (interests->count >= interests->heads_count)
		grow_heads(interests);
	uint32_t index = interests->free;
	uint32_t *head = &interests->heads[hash & (interests->heads_count - 1)];

	interest = at(interests, index);
	interests->free = interest->next;
	memcpy(copy, name.bytes, name.size);
	*interest = (struct interest){
		.name = copy,
		.name_size = (uint8_t)name.size,
		.hash = (uint32_t)hash,
		.next = *head,
	};
	*head = index;
	interests->count++;
	return interest;
}

void interests_drop_unused(struct interests *interests, struct interest *interest)
{
	uint32_t *link = &interests->heads[interest->hash & (interests->heads_count - 1)];
	uint32_t index;

	if (interest->shards != 0 || interest->conns > 0)
		return;
	ASSERT(interest->first_conn == 0);
	while (at(interests, *link) != interest)
		link = &at(interests, *link)->next;
	index = *link;
	*link = interest->next;
	free(interest->name);
	*interest = (struct interest){.next = interests->free};
	interests->free = index;
	interests->count--;
}
