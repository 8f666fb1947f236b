/* shard/token_cache.c - lists by name over a ring of slots. */
#include "shard/token_cache.h"

#include <stdlib.h>

#include "base/assert.h"
#include "belfry/limits.h"
#include "lane/verified.h"

_Static_assert((TOKENS_CACHED_MAX & (TOKENS_CACHED_MAX - 1)) == 0, "a mask finds the list");

void token_cache_init(struct token_cache *cache, struct token_cache_keys keys)
{
	*cache = (struct token_cache){.keys = keys};
}

struct token_name token_cache_name(const struct token_cache *cache, struct slice token)
{
	return (struct token_name){hash_bytes(cache->keys.first, token),
				   hash_bytes(cache->keys.second, token)};
}

static uint32_t *head_of(const struct token_cache *cache, struct token_name name)
{
	return &cache->heads[name.first & (TOKENS_CACHED_MAX - 1)];
}

const struct verified *token_cache_find(const struct token_cache *cache, struct token_name name)
{
	if (!cache->heads)
		return NULL;
	for (uint32_t at = *head_of(cache, name); at != 0; at = cache->slots[at - 1].next) {
		const struct verified *verified = cache->slots[at - 1].verified;

		if (verified->name.first == name.first && verified->name.second == name.second)
			return verified;
	}
	return NULL;
}

static void drop_oldest(struct token_cache *cache)
{
	struct token_cache_slot *slot = &cache->slots[cache->first];
	uint32_t *link = head_of(cache, slot->verified->name);

	ASSERT(cache->count > 0);
	while (*link != cache->first + 1)
		link = &cache->slots[*link - 1].next;
	*link = slot->next;
	cache->size -= verified_size(slot->verified);
	verified_unref(slot->verified);
	slot->verified = NULL;
	cache->first = (cache->first + 1) & (TOKENS_CACHED_MAX - 1);
	cache->count--;
}

/* Zeroed memory that the kernel gives as it is used. */
static bool make_room(struct token_cache *cache)
{
	if (cache->heads)
		return true;
	cache->heads = calloc(TOKENS_CACHED_MAX, sizeof(*cache->heads));
	cache->slots = calloc(TOKENS_CACHED_MAX, sizeof(*cache->slots));
	if (cache->heads && cache->slots)
		return true;
	free(cache->heads);
	free(cache->slots);
	cache->heads = NULL;
	cache->slots = NULL;
	return false;
}

void token_cache_add(struct token_cache *cache, struct verified *verified)
{
	if (token_cache_find(cache, verified->name) || !make_room(cache)) {
		verified_unref(verified);
		return;
	}
	while (cache->count == TOKENS_CACHED_MAX ||
	       (cache->count > 0 && cache->size > TOKEN_CACHE_SIZE_MAX))
		drop_oldest(cache);
	uint32_t index = (cache->first + cache->count) & (TOKENS_CACHED_MAX - 1);
	uint32_t *head = head_of(cache, verified->name);

	cache->slots[index] = (struct token_cache_slot){verified, *head};
	*head = index + 1;
	cache->size += verified_size(verified);
	cache->count++;
}

void token_cache_clear(struct token_cache *cache)
{
	while (cache->count > 0)
		drop_oldest(cache);
}

void token_cache_deinit(struct token_cache *cache)
{
	token_cache_clear(cache);
	free(cache->heads);
	free(cache->slots);
	cache->heads = NULL;
	cache->slots = NULL;
}
