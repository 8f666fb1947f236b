/* router/bodies.c - two queues of packed entries: the newest by id, the fetched by hash. */
#include "router/bodies.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/assert.h"
#include "router/block_queue.h"
#include "router/record_names.h"
#include "wire/entry_pack.h"

#define HEAP_HEADER_SIZE 8 /* bytes that an allocator may have before a block */

struct packed {
	size_t size;
	uint8_t bytes[];
};

struct body {
	struct event_id id;
	struct packed *packed;
};

struct shelf {
	struct block_queue bodies;
	size_t size; /* bytes */
	size_t size_max;
};

struct bodies {
	struct shelf hot; /* ascending by id */
	struct shelf fetched;
	struct record_names names; /* hash of an id: number in fetched.bodies */
};

static void shelf_init(struct shelf *shelf, size_t size_max)
{
	*shelf = (struct shelf){.size_max = size_max};
	block_queue_init(&shelf->bodies, sizeof(struct body));
}

static struct body *body_at(const struct shelf *shelf, uint64_t number)
{
	return block_queue_at(&shelf->bodies, number);
}

static size_t size_of(struct packed *packed)
{
	return malloc_usable_size(packed) + HEAP_HEADER_SIZE + sizeof(struct body);
}

static void shelf_pop(struct shelf *shelf)
{
	struct packed *packed = body_at(shelf, shelf->bodies.first)->packed;

	shelf->size -= size_of(packed);
	free(packed);
	block_queue_pop(&shelf->bodies);
}

static void shelf_deinit(struct shelf *shelf)
{
	while (block_queue_count(&shelf->bodies) > 0)
		shelf_pop(shelf);
	block_queue_deinit(&shelf->bodies);
}

/* The newest one stays in any case. */
static bool shelf_push(struct shelf *shelf, struct event_id id, const struct entry *entry)
{
	size_t size = entry_pack_size(entry);
	struct packed *packed = NULL;

	if (block_queue_reserve(&shelf->bodies))
		packed = malloc(sizeof(*packed) + size);
	if (!packed)
		return false;
	packed->size = size;
	entry_pack_write(entry, packed->bytes);
	*(struct body *)block_queue_push(&shelf->bodies) = (struct body){id, packed};
	shelf->size += size_of(packed);
	while (shelf->size > shelf->size_max && block_queue_count(&shelf->bodies) > 1)
		shelf_pop(shelf);
	return true;
}

struct bodies *bodies_create(size_t hot_max, size_t fetched_max)
{
	struct bodies *bodies = malloc(sizeof(*bodies));

	if (!bodies)
		return NULL;
	shelf_init(&bodies->hot, hot_max);
	shelf_init(&bodies->fetched, fetched_max);
	record_names_init(&bodies->names);
	return bodies;
}

void bodies_clear(struct bodies *bodies)
{
	shelf_deinit(&bodies->hot);
	shelf_deinit(&bodies->fetched);
	record_names_deinit(&bodies->names);
}

void bodies_destroy(struct bodies *bodies)
{
	if (!bodies)
		return;
	bodies_clear(bodies);
	free(bodies);
}

struct event_id bodies_oldest(const struct bodies *bodies)
{
	const struct block_queue *hot = &bodies->hot.bodies;

	if (block_queue_count(hot) == 0)
		return (struct event_id){0, 0};
	return body_at(&bodies->hot, hot->first)->id;
}

bool bodies_add(struct bodies *bodies, struct event_id id, const struct entry *entry)
{
	const struct block_queue *hot = &bodies->hot.bodies;

	ASSERT(block_queue_count(hot) == 0 ||
	       event_id_is_after(id, body_at(&bodies->hot, hot->end - 1)->id));
	return shelf_push(&bodies->hot, id, entry);
}

static const struct body *find_hot(const struct bodies *bodies, struct event_id id)
{
	const struct shelf *hot = &bodies->hot;
	uint64_t low = hot->bodies.first, high = hot->bodies.end;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (event_id_is_after(id, body_at(hot, middle)->id))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == hot->bodies.end || !event_id_equal(body_at(hot, low)->id, id))
		return NULL;
	return body_at(hot, low);
}

/* Not 0. Ids are the log's own, nobody picks them so that they collide; neighbours spread well. */
static uint64_t hash_id(struct event_id id)
{
	uint64_t hash = (id.ms ^ id.sequence * 0xD6E8FEB86659FD93u) * 0x9E3779B97F4A7C15u;

	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static const struct body *find_fetched(const struct bodies *bodies, struct event_id id)
{
	const struct shelf *fetched = &bodies->fetched;
	uint64_t number = record_names_find(&bodies->names, hash_id(id), fetched->bodies.first);

	if (number == 0 || !event_id_equal(body_at(fetched, number)->id, id))
		return NULL;
	return body_at(fetched, number);
}

bool bodies_keep(struct bodies *bodies, struct event_id id, const struct entry *entry)
{
	struct shelf *fetched = &bodies->fetched;

	if (find_hot(bodies, id) || find_fetched(bodies, id))
		return true;
	if (!record_names_reserve(&bodies->names) || !shelf_push(fetched, id, entry))
		return false;
	record_names_push(&bodies->names, hash_id(id), fetched->bodies.end - 1);
	record_names_trim(&bodies->names, fetched->bodies.first);
	return true;
}

bool bodies_find(const struct bodies *bodies, struct event_id id, struct entry *ret_entry)
{
	const struct body *body = find_hot(bodies, id);
	struct entry entry;

	if (!body)
		body = find_fetched(bodies, id);
	if (!body)
		return false;
	bool whole = entry_pack_read(slice_of(body->packed->bytes, body->packed->size), &entry);

	ASSERT(whole);
	*ret_entry = entry;
	return true;
}

size_t bodies_size(const struct bodies *bodies)
{
	return bodies->hot.size + bodies->fetched.size;
}

size_t bodies_count(const struct bodies *bodies)
{
	return block_queue_count(&bodies->hot.bodies);
}
