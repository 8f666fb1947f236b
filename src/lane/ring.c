/* lane/ring.c - Lamport's queue with each side's cached copy of the other's index. */
#include "lane/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum status ring_init(struct ring *ring, uint32_t capacity, uint32_t item_size)
{
	ASSERT(capacity > 1 && (capacity & (capacity - 1)) == 0);
	ASSERT(item_size > 0);
	uint8_t *slots = calloc(capacity, item_size);

	if (!slots)
		return STATUS_NO_MEMORY;
	memset(ring, 0, sizeof(*ring));
	ring->slots = slots;
	ring->mask = capacity - 1;
	ring->item_size = item_size;
	return STATUS_OK;
}

void ring_deinit(struct ring *ring)
{
	free(ring->slots);
	ring->slots = NULL;
}

static void *slot_at(const struct ring *ring, uint32_t index)
{
	return ring->slots + (size_t)(index & ring->mask) * ring->item_size;
}

uint32_t ring_room(struct ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	/* pairs with the release in ring_pop: the slot was read before it is used again */
	ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
	return ring->mask + 1 - (tail - ring->head_seen);
}

bool ring_push(struct ring *ring, const void *item)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail - ring->head_seen > ring->mask && ring_room(ring) == 0)
		return false;
	memcpy(slot_at(ring, tail), item, ring->item_size);
	/* pairs with the acquire in ring_peek: the item is whole before it is seen */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

const void *ring_peek(struct ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head == ring->tail_seen) {
		/* pairs with the release in ring_push */
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head == ring->tail_seen)
			return NULL;
	}
	return slot_at(ring, head);
}

bool ring_pop(struct ring *ring, void *ret_item)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	const void *item = ring_peek(ring);

	if (!item)
		return false;
	memcpy(ret_item, item, ring->item_size);
	/* pairs with the acquire in ring_room */
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

uint32_t ring_depth(const struct ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint32_t depth = tail - head;

	return depth <= ring->mask + 1 ? depth : 0; /* the two loads are not one moment */
}
