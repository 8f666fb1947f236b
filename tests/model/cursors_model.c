/* tests/model/cursors_model.c - cursors against flat arrays, with a store that answers late,
 * refuses writes and forgets. At the end of a round every confirmation is in the store. */
#include <string.h>

#include "model.h"
#include "router/cursors.h"

#define NAMES 12
#define HOLDERS_MAX 5

static struct cursors cursors;
static bool keeps_all;

static struct expected {
	struct cursor *cursor; /* while somebody here holds it */
	uint32_t holders;
	uint64_t confirmed; /* the highest that was told, or learned */
	uint64_t stored;
	bool is_asked;
	uint64_t answer; /* what the store had when it was asked */
	bool is_written; /* a write is under way */
	uint64_t written;
	struct cursor *writing;
} all[NAMES];

static struct slice user_of(uint32_t i)
{
	return slice_of(&"abcdef"[i / 4], 1 + i % 2);
}

static struct slice device_of(uint32_t i)
{
	return slice_of(&"bcdefg"[i / 4 + i % 2], i % 4 / 2);
}

/* It is made anew: what was confirmed before must be in the store. */
static void forget(uint32_t i)
{
	CHECK(all[i].stored >= all[i].confirmed);
	all[i].confirmed = 0;
}

static void hold(uint32_t i)
{
	struct cursor *cursor = cursors_hold(&cursors, user_of(i), device_of(i));
	struct expected *expected = &all[i];

	CHECK(cursor);
	CHECK(slice_equal(cursor_user(cursor), user_of(i)) &&
	      slice_equal(cursor_device(cursor), device_of(i)));
	CHECK(!expected->cursor || expected->cursor == cursor);
	if (!expected->cursor && cursor->state == CURSOR_UNKNOWN && cursor->confirmed.ms == 0)
		forget(i);
	expected->cursor = cursor;
	expected->holders++;
	CHECK(cursor->confirmed.ms == expected->confirmed);
}

static void release(uint32_t i)
{
	struct expected *expected = &all[i];

	expected->holders--;
	cursors_release(&cursors, expected->cursor);
	if (expected->holders == 0)
		expected->cursor = NULL;
}

static void confirm(uint32_t i)
{
	uint64_t ms = pick(2) ? all[i].confirmed + pick(3) : pick(60);
	bool moves = ms > all[i].confirmed;

	CHECK(cursors_confirm(&cursors, all[i].cursor, (struct event_id){ms, 0}) == moves);
	CHECK(!moves || all[i].cursor->is_dirty);
	if (moves)
		all[i].confirmed = ms;
}

/* The asker holds it. */
static void ask(uint32_t i)
{
	if (all[i].cursor->state != CURSOR_UNKNOWN || all[i].is_asked || all[i].is_written)
		return;
	hold(i);
	all[i].cursor->state = CURSOR_ASKED;
	all[i].is_asked = true;
	all[i].answer = all[i].stored;
}

static void answer(uint32_t i)
{
	struct expected *expected = &all[i];

	if (!expected->is_asked)
		return;
	expected->is_asked = false;
	if (pick(4) == 0) { /* the link broke */
		expected->cursor->state = CURSOR_UNKNOWN;
	} else {
		cursors_learn(&cursors, expected->cursor, (struct event_id){expected->answer, 0});
		if (expected->answer > expected->confirmed)
			expected->confirmed = expected->answer;
		CHECK(expected->cursor->state == CURSOR_KNOWN);
	}
	CHECK(expected->cursor->confirmed.ms == expected->confirmed);
	release(i);
}

static void write_next(void)
{
	struct cursor *cursor = cursors_next_dirty(&cursors);
	uint32_t i = 0;

	if (!cursor)
		return;
	CHECK(cursor->state != CURSOR_ASKED && !cursor->is_dirty);
	while (!slice_equal(cursor_user(cursor), user_of(i)) ||
	       !slice_equal(cursor_device(cursor), device_of(i)))
		CHECK(++i < NAMES);
	if (all[i].is_written) { /* one at a time is simpler to follow here */
		cursors_unwritten(&cursors, cursor);
		return;
	}
	all[i].is_written = true;
	all[i].writing = cursor;
	all[i].written = cursor->confirmed.ms;
}

static void end_write(uint32_t i, bool is_taken)
{
	struct expected *expected = &all[i];

	if (!expected->is_written)
		return;
	expected->is_written = false;
	if (is_taken) {
		expected->stored = expected->written;
		cursors_written(&cursors, expected->writing);
	} else {
		cursors_unwritten(&cursors, expected->writing);
	}
}

static void check_all(void)
{
	uint32_t held = 0;

	for (uint32_t i = 0; i < NAMES; i++) {
		held += all[i].cursor != NULL || all[i].is_written;
		CHECK(!all[i].cursor || all[i].cursor->confirmed.ms == all[i].confirmed);
	}
	CHECK(cursors.count >= held && cursors.count <= NAMES);
}

static void settle(void)
{
	for (uint32_t i = 0; i < NAMES; i++) {
		end_write(i, pick(2) == 0);
		answer(i);
		while (all[i].holders > 0)
			release(i);
	}
	while (cursors.dirty_first) {
		write_next();
		for (uint32_t i = 0; i < NAMES; i++)
			end_write(i, true);
	}
	CHECK(!cursors.dirty_last);
	CHECK(keeps_all || cursors.count == 0);
	for (uint32_t i = 0; i < NAMES; i++)
		CHECK(all[i].stored >= all[i].confirmed);
}

static void step(void)
{
	uint32_t i = pick(NAMES);

	switch (pick(8)) {
	case 0:
	case 1:
		if (all[i].holders < HOLDERS_MAX)
			hold(i);
		break;
	case 2:
		if (all[i].holders > (uint32_t)all[i].is_asked)
			release(i);
		break;
	case 3:
		if (all[i].cursor)
			confirm(i);
		break;
	case 4:
		if (all[i].cursor)
			ask(i);
		break;
	case 5:
		answer(i);
		break;
	case 6:
		write_next();
		break;
	default:
		end_write(i, pick(3) > 0);
		break;
	}
}

static void run_round(void)
{
	uint32_t steps = 200 + pick(2000);

	memset(all, 0, sizeof(all));
	keeps_all = pick(3) == 0;
	CHECK(cursors_init(&cursors, (struct hash_key){model_seed, 7}, keeps_all));
	while (steps-- > 0) {
		step();
		check_all();
	}
	settle();
	cursors_deinit(&cursors);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 300, run_round);
}
