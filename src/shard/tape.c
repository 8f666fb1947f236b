/* shard/tape.c - the shared run of frames and the circle of its sweep. */
#include "shard/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "belfry/limits.h"

struct tape *tape_create(uint32_t size_max)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	ASSERT(size_max >= TAPE_SIZE_MIN);
	if (tape)
		tape->size_max = size_max;
	return tape;
}

void tape_destroy(struct tape *tape)
{
	if (!tape)
		return;
	free(tape->bytes);
	free(tape);
}

static uint32_t used(const struct tape *tape)
{
	return tape->head - tape->base;
}

/* Forgets what is before `position`. */
static void forget(struct tape *tape, uint32_t position)
{
	uint32_t gone = position - tape->base;

	ASSERT(gone <= used(tape));
	memmove(tape->bytes, tape->bytes + gone, used(tape) - gone);
	tape->base = position;
}

static bool grow(struct tape *tape, uint32_t needed)
{
	uint32_t capacity = tape->capacity ? tape->capacity : TAPE_SIZE_MIN;

	while (capacity < needed)
		capacity *= 2;
	if (capacity > tape->size_max)
		capacity = tape->size_max;
	if (capacity < needed)
		return false;
	uint8_t *bytes = realloc(tape->bytes, capacity);

	if (!bytes)
		return false;
	tape->bytes = bytes;
	tape->capacity = capacity;
	return true;
}

uint8_t *tape_reserve(struct tape *tape, uint32_t size, bool keep)
{
	ASSERT(size <= tape->size_max / 4);
	if (!keep && tape_is_swept(tape))
		tape->base = tape->head; /* start over: nothing is needed any more */
	if (tape->capacity - used(tape) < size && !grow(tape, used(tape) + size)) {
		/* Drop in large strides, so that a byte is moved about once in its life. */
		if (tape->floor - tape->base >= tape->capacity / 4)
			forget(tape, tape->floor);
		if (tape->capacity - used(tape) < size)
			return NULL;
	}
	return tape->bytes + used(tape);
}

void tape_commit(struct tape *tape, uint32_t size)
{
	ASSERT(used(tape) + size <= tape->capacity);
	tape->head += size;
}

void tape_begin(struct tape *tape)
{
	tape->circle_left = 0;
	tape->circle_head = tape->floor;
}

void tape_end_circle(struct tape *tape, uint32_t members_count)
{
	ASSERT(tape->circle_left == 0);
	tape->floor = tape->circle_head;
	tape->circle_head = tape->head;
	tape->circle_left = members_count;
	tape->has_laggards = tape->circle_passed_laggard;
	tape->circle_passed_laggard = false;
}

void tape_step(struct tape *tape, uint32_t members_count)
{
	ASSERT(tape->circle_left > 0);
	tape->circle_left--;
	if (++tape->cursor >= members_count)
		tape->cursor = 0;
}
