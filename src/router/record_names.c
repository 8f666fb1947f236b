/* router/record_names.c - hash chains through a queue, newest first. */
#include "router/record_names.h"

#include <stdlib.h>

#include "base/assert.h"

#define HEADS_MIN 1024
#define PREFETCH_AHEAD 16 /* items: to read a head from memory takes as long as to link some */

struct item {
	uint64_t hash;   /* 0: the same name came again */
	uint32_t number; /* lower half */
	uint32_t next;   /* lower half of the item's number; it may be gone */
};

void record_names_init(struct record_names *names)
{
	*names = (struct record_names){.heads = NULL};
	block_queue_init(&names->items, sizeof(struct item));
}

void record_names_deinit(struct record_names *names)
{
	block_queue_deinit(&names->items);
	free(names->heads);
	record_names_init(names);
}

static uint32_t *head_of(const struct record_names *names, uint64_t hash)
{
	return &names->heads[hash & (names->heads_count - 1)];
}

/* The item that a link means, if it is kept and older than number `before`; NULL: the end. A link
 * that is so old that its half number fits again leads to an item of another chain, which does no
 * harm: the hash is compared, and each step leads to an older one. */
static struct item *follow(const struct record_names *names, uint32_t link, uint64_t *before)
{
	uint64_t first = names->items.first;
	uint32_t age = link - (uint32_t)first;

	if (age >= *before - first)
		return NULL;
	*before = first + age;
	return block_queue_at(&names->items, *before);
}

/* The link that leads to the name; NULL: it is not there. */
static uint32_t *find_link(const struct record_names *names, uint64_t hash)
{
	uint64_t before = names->items.end;
	uint32_t *link = names->heads ? head_of(names, hash) : NULL;
	struct item *item;

	while (link && (item = follow(names, *link, &before))) {
		if (item->hash == hash)
			return link;
		link = &item->next;
	}
	return NULL;
}

static void link_item(struct record_names *names, uint64_t number)
{
	struct item *item = block_queue_at(&names->items, number);
	uint32_t *head = head_of(names, item->hash);

	item->next = *head;
	*head = (uint32_t)number;
}

static void prefetch_head(const struct record_names *names, uint64_t number)
{
	if (number >= names->items.end)
		return;
	const struct item *item = block_queue_at(&names->items, number);

	__builtin_prefetch(head_of(names, item->hash), 1);
}

/* Links all items into `count` new chains. */
static bool make_heads(struct record_names *names, uint64_t count)
{
	uint32_t *heads = calloc(count, sizeof(*heads));

	if (!heads)
		return false;
	free(names->heads);
	names->heads = heads;
	names->heads_count = count;
	for (uint64_t number = names->items.first; number < names->items.end; number++) {
		const struct item *item = block_queue_at(&names->items, number);

		prefetch_head(names, number + PREFETCH_AHEAD);
		if (item->hash != 0)
			link_item(names, number);
	}
	return true;
}

static bool grow_heads(struct record_names *names)
{
	if (!names->heads)
		return make_heads(names, HEADS_MIN);
	(void)!make_heads(names,
			  names->heads_count * 2); /* or the chains get longer, that is all */
	return true;
}

bool record_names_reserve(struct record_names *names)
{
	if (block_queue_count(&names->items) >= names->heads_count && !grow_heads(names))
		return false;
	return block_queue_reserve(&names->items);
}

void record_names_push(struct record_names *names, uint64_t hash, uint64_t number)
{
	uint32_t *link = find_link(names, hash);
	uint64_t end = names->items.end;

	ASSERT(hash != 0 && names->heads);
	if (link) { /* or a name that comes often would make its chain long for others */
		struct item *old = follow(names, *link, &end);

		ASSERT(old && old->hash == hash);
		*link = old->next;
		old->hash = 0;
	}
	struct item *item = block_queue_push(&names->items);

	*item = (struct item){.hash = hash, .number = (uint32_t)number};
	link_item(names, names->items.end - 1);
}

bool record_names_append(struct record_names *names, uint64_t hash, uint64_t number)
{
	if (!block_queue_reserve(&names->items))
		return false;
	struct item *item = block_queue_push(&names->items);

	ASSERT(hash != 0);
	*item = (struct item){.hash = hash, .number = (uint32_t)number};
	return true;
}

bool record_names_link(struct record_names *names)
{
	uint64_t count = HEADS_MIN;

	while (count < block_queue_count(&names->items))
		count *= 2;
	return make_heads(names, count);
}

uint64_t record_names_find(const struct record_names *names, uint64_t hash, uint64_t first)
{
	uint32_t *link = find_link(names, hash);
	uint64_t end = names->items.end;

	if (!link)
		return 0;
	const struct item *item = follow(names, *link, &end);

	ASSERT(item && item->hash == hash);
	return first + (uint32_t)(item->number - (uint32_t)first);
}

uint64_t record_names_next(const struct record_names *names, uint64_t *place, uint64_t number)
{
	if (*place < names->items.first)
		*place = names->items.first;
	for (; *place < names->items.end; ++*place) {
		const struct item *item = block_queue_at(&names->items, *place);
		int32_t distance = (int32_t)(item->number - (uint32_t)number);

		if (distance >= 0)
			return distance == 0 ? item->hash : 0;
	}
	return 0;
}

void record_names_trim(struct record_names *names, uint64_t first)
{
	while (block_queue_count(&names->items) > 0) {
		const struct item *item = block_queue_at(&names->items, names->items.first);

		if ((int32_t)(item->number - (uint32_t)first) >= 0)
			return;
		block_queue_pop(&names->items);
	}
}

size_t record_names_size(const struct record_names *names)
{
	return block_queue_size(&names->items) + names->heads_count * sizeof(*names->heads);
}
