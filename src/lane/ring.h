/* lane/ring.h - bounded single-producer single-consumer queue of fixed-size items.
 *
 * Layer   lane (may include: base, libc)
 * Threads one producer, one consumer; each function names its caller
 * Memory  slots are allocated once by ring_init(); push and pop never allocate
 * Errors  none at run time: a full or empty ring is an answer, not an error
 */
#ifndef BELFRY_LANE_RING_H
#define BELFRY_LANE_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

struct ring {
	alignas(CACHE_LINE_SIZE) _Atomic uint32_t tail; /* written by the producer */
	uint32_t head_seen;                             /* producer's copy of head */
	alignas(CACHE_LINE_SIZE) _Atomic uint32_t head; /* written by the consumer */
	uint32_t tail_seen;                             /* consumer's copy of tail */
	alignas(CACHE_LINE_SIZE) uint8_t *slots;        /* constant after ring_init */
	uint32_t mask;
	uint32_t item_size;
};

/* Allocates `capacity` slots (a power of two) of `item_size` bytes. */
MUST_CHECK enum status ring_init(struct ring *ring, uint32_t capacity, uint32_t item_size);

/* After both threads have ended. */
void ring_deinit(struct ring *ring);

/* Producer. Copies *item in and publishes it. False: full, *item untouched. */
MUST_CHECK bool ring_push(struct ring *ring, const void *item);

/* Producer. How many more pushes are sure to succeed. */
uint32_t ring_room(struct ring *ring);

/* Consumer. Copies the oldest item out. False: empty, *ret_item untouched. */
MUST_CHECK bool ring_pop(struct ring *ring, void *ret_item);

/* Consumer. The oldest item in place, NULL when empty; stays until ring_pop. */
const void *ring_peek(struct ring *ring);

/* Any thread. How many items wait: exact for neither side, good for a gauge. */
uint32_t ring_depth(const struct ring *ring);

#endif
