/* tests/model/tape_model.c - the tape against one endless array: what it has from a position to
 * the head is what was written, and it forgets nothing that somebody who takes bytes lacks. */
#include <string.h>

#include "model.h"
#include "shard/tape.h"
#include "belfry/limits.h"

#define MEMBERS 40
#define HISTORY_MAX (8u << 20)

static uint8_t *history; /* byte i is the one at position origin + i */
static uint32_t origin;
static struct tape *tape;
static uint32_t positions[MEMBERS];
static bool is_blocked[MEMBERS];
static bool is_lost[MEMBERS];

static const uint8_t *history_at(uint32_t position)
{
	return history + (position - origin);
}

static bool someone_is_blocked(void)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (is_blocked[i])
			return true;
	return false;
}

static void append(void)
{
	uint32_t size = 1 + pick(pick(20) ? TAPE_SIZE_MIN / 4 : tape->size_max / 4);
	bool must_keep = someone_is_blocked();
	uint32_t was_used = tape->head - tape->base;
	uint8_t *bytes;

	if (tape->head - origin + size > HISTORY_MAX)
		return;
	bytes = tape_reserve(tape, size, must_keep);
	/* A swept tape always has room; one that may still grow keeps what it has. */
	CHECK(bytes || !tape_is_swept(tape));
	if (must_keep && was_used + size <= tape->size_max / 2)
		CHECK(bytes && tape->head - tape->base == was_used);
	if (!bytes)
		return;
	if (!tape->is_dirty) {
		tape->is_dirty = true;
		tape_begin(tape);
	}
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)pick(256);
	memcpy(history + (tape->head - origin), bytes, size);
	tape_commit(tape, size, (struct event_id){tape->head, 0}, true);
}

static void visit(uint32_t member)
{
	struct slice rest;

	if (positions[member] == tape->head)
		return;
	if (tape_has_lost(tape, positions[member])) {
		CHECK(is_lost[member] || is_blocked[member]);
		is_lost[member] = true;
		return;
	}
	if (is_blocked[member])
		return;
	rest = tape_from(tape, positions[member]);
	CHECK(rest.size == tape->head - positions[member]);
	CHECK(tape_before(tape, positions[member]).ms == positions[member]);
	CHECK(memcmp(rest.bytes, history_at(positions[member]), rest.size) == 0);
	positions[member] = tape->head;
}

static void sweep(uint32_t budget)
{
	while (tape->is_dirty && budget > 0) {
		if (tape->circle_left == 0) {
			tape_end_circle(tape, MEMBERS);
			tape->is_dirty = !tape_is_swept(tape);
			continue;
		}
		visit(tape->cursor);
		tape_step(tape, MEMBERS);
		budget--;
	}
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (!is_blocked[i] && !is_lost[i])
			CHECK((int32_t)(positions[i] - tape->floor) >= 0);
}

/* The one who was blocked catches up at once, or has lost. */
static void unblock(uint32_t member)
{
	if (!is_blocked[member])
		return;
	if (!tape_has_lost(tape, positions[member])) {
		is_blocked[member] = false;
		visit(member);
		return;
	}
	positions[member] = tape->head; /* another comes in his place */
	is_blocked[member] = is_lost[member] = false;
}

static void round_of_tape(void)
{
	uint32_t size_max = TAPE_SIZE_MIN + pick(200000);

	tape = tape_create(size_max);
	history = malloc(HISTORY_MAX);
	CHECK(tape && history);
	/* now and then the positions wrap at 2^32 in the middle */
	origin = pick(2) ? UINT32_MAX - pick(100000) : 0;
	tape->base = tape->head = tape->floor = origin;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		positions[i] = origin;
		is_blocked[i] = is_lost[i] = false;
	}
	for (uint32_t step = 0; step < 4000; step++) {
		uint32_t what = pick(20);

		if (what < 8)
			append();
		else if (what < 17)
			sweep(pick(MEMBERS));
		else if (what == 17)
			is_blocked[pick(MEMBERS)] = true;
		else
			unblock(pick(MEMBERS));
		CHECK(tape->capacity <= size_max);
		CHECK(tape->head - tape->base <= tape->capacity);
	}
	tape_destroy(tape);
	free(history);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 200, round_of_tape);
}
