/* router/block_queue.c - a ring of pointers to blocks. */
#include "router/block_queue.h"

#include <stdlib.h>

#include "base/assert.h"

#define RING_SIZE_MIN 8

void block_queue_init(struct block_queue *queue, size_t item_size)
{
	ASSERT(item_size > 0);
	*queue = (struct block_queue){.first = 1, .end = 1, .item_size = item_size};
}

static uint8_t **place_of(const struct block_queue *queue, uint64_t number)
{
	return &queue->ring[(number >> BLOCK_QUEUE_SHIFT) & (queue->ring_size - 1)];
}

static size_t block_size(const struct block_queue *queue)
{
	return BLOCK_QUEUE_ITEMS * queue->item_size;
}

void block_queue_deinit(struct block_queue *queue)
{
	for (uint64_t i = 0; i < queue->ring_size; i++)
		free(queue->ring[i]);
	free(queue->ring);
	free(queue->spare);
	block_queue_init(queue, queue->item_size);
}

/* All places hold a block. */
static bool ring_is_full(const struct block_queue *queue)
{
	uint64_t blocks = (queue->end >> BLOCK_QUEUE_SHIFT) - (queue->first >> BLOCK_QUEUE_SHIFT);

	return blocks >= queue->ring_size;
}

static bool grow_ring(struct block_queue *queue)
{
	struct block_queue grown = *queue;

	grown.ring_size = queue->ring_size ? queue->ring_size * 2 : RING_SIZE_MIN;
	grown.ring = calloc(grown.ring_size, sizeof(*grown.ring));
	if (!grown.ring)
		return false;
	for (uint64_t i = 0; i < queue->ring_size; i++) {
		uint64_t number = queue->first + i * BLOCK_QUEUE_ITEMS;

		*place_of(&grown, number) = *place_of(queue, number);
	}
	free(queue->ring);
	*queue = grown;
	return true;
}

bool block_queue_reserve(struct block_queue *queue)
{
	if (ring_is_full(queue) && !grow_ring(queue))
		return false;
	if (queue->spare || *place_of(queue, queue->end))
		return true;
	queue->spare = malloc(block_size(queue));
	queue->blocks += queue->spare != NULL;
	return queue->spare != NULL;
}

void *block_queue_push(struct block_queue *queue)
{
	uint8_t **place = place_of(queue, queue->end);

	if (!*place) {
		ASSERT(queue->spare);
		*place = queue->spare;
		queue->spare = NULL;
	}
	return block_queue_at(queue, queue->end++);
}

void block_queue_pop(struct block_queue *queue)
{
	uint8_t **place = place_of(queue, queue->first);

	ASSERT(queue->first < queue->end);
	queue->first++;
	if (queue->first % BLOCK_QUEUE_ITEMS != 0)
		return;
	if (queue->spare) {
		free(*place);
		queue->blocks--;
	} else {
		queue->spare = *place;
	}
	*place = NULL;
}

size_t block_queue_size(const struct block_queue *queue)
{
	return queue->blocks * block_size(queue) + queue->ring_size * sizeof(*queue->ring);
}
