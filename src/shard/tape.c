/* shard/tape.c - the shared run of frames and the circle of its sweep. */
#include "shard/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "belfry/limits.h"

#define MARKS_MIN 16

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
	free(tape->marks);
	free(tape->bytes);
	free(tape);
}

static uint32_t used(const struct tape *tape)
{
	return tape->head - tape->base;
}

static struct tape_mark *mark_at(const struct tape *tape, uint32_t index)
{
	return &tape->marks[(tape->marks_first + index) & (tape->marks_capacity - 1)];
}

/* Forgets the marks of frames that the tape no longer has. */
static void forget_marks(struct tape *tape)
{
	while (tape->marks_count > 0 && tape_has_lost(tape, mark_at(tape, 0)->position)) {
		tape->marks_first = (tape->marks_first + 1) & (tape->marks_capacity - 1);
		tape->marks_count--;
	}
}

/* Room for one mark more. */
static bool need_mark(struct tape *tape)
{
	uint32_t capacity = tape->marks_capacity ? tape->marks_capacity * 2 : MARKS_MIN;

	if (tape->marks_count < tape->marks_capacity)
		return true;
	struct tape_mark *marks = malloc(capacity * sizeof(*marks));

	if (!marks)
		return false;
	for (uint32_t i = 0; i < tape->marks_count; i++)
		marks[i] = *mark_at(tape, i);
	free(tape->marks);
	tape->marks = marks;
	tape->marks_first = 0;
	tape->marks_capacity = capacity;
	return true;
}

/* Forgets what is before `position`. */
static void forget(struct tape *tape, uint32_t position)
{
	uint32_t gone = position - tape->base;

	ASSERT(gone <= used(tape));
	memmove(tape->bytes, tape->bytes + gone, used(tape) - gone);
	tape->base = position;
	forget_marks(tape);
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
	if (!keep && tape_is_swept(tape)) {
		tape->base = tape->head; /* start over: nothing is needed any more */
		tape->marks_count = 0;
	}
	if (tape->capacity - used(tape) < size && !grow(tape, used(tape) + size)) {
		/* Drop in large strides, so that a byte is moved about once in its life. */
		if (tape->floor - tape->base >= tape->capacity / 4)
			forget(tape, tape->floor);
		if (tape->capacity - used(tape) < size)
			return NULL;
	}
	return need_mark(tape) ? tape->bytes + used(tape) : NULL;
}

void tape_commit(struct tape *tape, uint32_t size, struct event_id before, bool is_durable)
{
	ASSERT(used(tape) + size <= tape->capacity);
	ASSERT(size > 0 && tape->marks_count < tape->marks_capacity);
	*mark_at(tape, tape->marks_count++) =
		(struct tape_mark){tape->head, tape->ephemerals, before};
	tape->head += size;
	if (is_durable)
		tape->durable_end = tape->head;
	else
		tape->ephemerals++;
}

/* The mark of the frame that begins there. */
static const struct tape_mark *find_mark(const struct tape *tape, uint32_t position)
{
	uint32_t low = 0, high = tape->marks_count;

	ASSERT(!tape_has_lost(tape, position));
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (mark_at(tape, middle)->position - tape->base <= position - tape->base)
			low = middle;
		else
			high = middle;
	}
	ASSERT(low < high && mark_at(tape, low)->position == position);
	return mark_at(tape, low);
}

struct event_id tape_before(const struct tape *tape, uint32_t position)
{
	return find_mark(tape, position)->before;
}

uint32_t tape_ephemerals_before(const struct tape *tape, uint32_t position)
{
	return position == tape->head ? tape->ephemerals : find_mark(tape, position)->ephemerals;
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
