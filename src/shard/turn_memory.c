/* shard/turn_memory.c - the turn's arena, and the queues of connections. */
#include <stdlib.h>

#include "shard/shard_state.h"

uint8_t *arena_take(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size <= arena->capacity - arena->size) {
		uint8_t *bytes = arena->bytes + arena->size;

		arena->size += size;
		return bytes;
	}
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void arena_trim(struct arena *arena, const uint8_t *bytes, size_t size, size_t used)
{
	ASSERT(used <= size);
	if (bytes + size == arena->bytes + arena->size)
		arena->size -= size - used;
}

void arena_reset(struct arena *arena)
{
	arena->size = 0;
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

uint32_t slot_queue_size(const struct slot_queue *queue)
{
	return (uint16_t)(queue->tail - queue->head);
}

void slot_queue_push(struct slot_queue *queue, uint32_t slot)
{
	ASSERT(slot_queue_size(queue) < SLOTS_MAX);
	queue->slots[queue->tail++] = (uint16_t)slot;
}

uint32_t slot_queue_pop(struct slot_queue *queue)
{
	ASSERT(slot_queue_size(queue) > 0);
	return queue->slots[queue->head++];
}
