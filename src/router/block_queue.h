/* router/block_queue.h - a queue of numbered items of one size, in blocks that never move.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  blocks of BLOCK_QUEUE_ITEMS items, made as items are pushed and freed as they are
 *         popped, but for one that is kept against the next push; 8 bytes a block in a ring
 * Errors  false when memory is out
 *
 * The first item that was ever pushed has number 1; no number is used twice.
 */
#ifndef BELFRY_ROUTER_BLOCK_QUEUE_H
#define BELFRY_ROUTER_BLOCK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define BLOCK_QUEUE_SHIFT 12
#define BLOCK_QUEUE_ITEMS (1u << BLOCK_QUEUE_SHIFT)

struct block_queue {
	uint64_t first;     /* number of the oldest item */
	uint64_t end;       /* one past the number of the newest item; equal: empty */
	uint8_t **ring;     /* block of number n: ring[(n >> BLOCK_QUEUE_SHIFT) % ring_size] */
	uint64_t ring_size; /* a power of two; 0: nothing was pushed yet */
	uint8_t *spare;     /* a block that nobody uses; NULL: none */
	size_t item_size;   /* bytes */
	uint64_t blocks;    /* with the spare one */
};

/* Allocates nothing yet. */
void block_queue_init(struct block_queue *queue, size_t item_size);
void block_queue_deinit(struct block_queue *queue);

/* Makes room for one more item: the next push cannot fail. */
MUST_CHECK bool block_queue_reserve(struct block_queue *queue);

/* The new item, not initialized, number end - 1. There is room: see block_queue_reserve. */
void *block_queue_push(struct block_queue *queue);

/* Forgets the oldest item. There is one. */
void block_queue_pop(struct block_queue *queue);

/* Bytes of all blocks and of the ring. */
size_t block_queue_size(const struct block_queue *queue);

static inline uint64_t block_queue_count(const struct block_queue *queue)
{
	return queue->end - queue->first;
}

/* `number` is in first..end-1. */
static inline void *block_queue_at(const struct block_queue *queue, uint64_t number)
{
	uint64_t place = (number >> BLOCK_QUEUE_SHIFT) & (queue->ring_size - 1);

	return queue->ring[place] + (number % BLOCK_QUEUE_ITEMS) * queue->item_size;
}

#endif
