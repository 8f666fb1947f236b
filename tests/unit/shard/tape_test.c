/* tests/unit/shard/tape_test.c - positions, room, what is forgotten, and the circle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "belfry/limits.h"
#include "shard/tape.h"

#define SIZE_MAX_HERE (4 * TAPE_SIZE_MIN)
#define FRAME 1000

/* False: there was no room. */
static bool append(struct tape *tape, uint32_t size, bool keep, uint8_t byte)
{
	uint8_t *bytes = tape_reserve(tape, size, keep);

	if (!bytes)
		return false;
	memset(bytes, byte, size);
	tape_commit(tape, size, (struct event_id){tape->head, 0}, true);
	return true;
}

/* One circle over nobody, twice: everything is swept. */
static void sweep_all(struct tape *tape)
{
	tape_begin(tape);
	tape_end_circle(tape, 0);
	tape_end_circle(tape, 0);
	assert_true(tape_is_swept(tape));
}

static void check_from(const struct tape *tape, uint32_t position, const char *expected)
{
	assert_true(slice_equal_text(tape_from(tape, position), expected));
}

static void begins_empty(void **state)
{
	struct tape *tape = tape_create(TAPE_SIZE_MIN);

	(void)state;
	assert_non_null(tape);
	assert_true(tape_is_swept(tape));
	assert_false(tape_has_lost(tape, 0));
	tape_destroy(tape);
	tape_destroy(NULL);
}

static void gives_what_is_after_a_position(void **state)
{
	struct tape *tape = tape_create(TAPE_SIZE_MIN);

	(void)state;
	assert_true(append(tape, 3, false, 'a'));
	uint32_t position = tape->head;

	assert_false(tape_is_swept(tape));
	assert_true(append(tape, 2, false, 'b'));
	check_from(tape, 0, "aaabb");
	check_from(tape, position, "bb");
	check_from(tape, position + 1, "b");
	check_from(tape, tape->head, "");
	tape_destroy(tape);
}

/* What nobody lacks is forgotten at the next frame, unless somebody who is blocked lacks it. */
static void check_start_over(bool keep)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	assert_true(append(tape, FRAME, false, 'a'));
	sweep_all(tape);
	assert_false(tape_has_lost(tape, 0));
	assert_true(append(tape, 2, keep, 'b'));
	assert_int_equal(tape_has_lost(tape, 0), !keep);
	check_from(tape, FRAME, "bb");
	if (keep)
		assert_int_equal(tape_from(tape, 0).size, FRAME + 2);
	tape_destroy(tape);
}

static void starts_over_when_swept(void **state)
{
	(void)state;
	check_start_over(false);
	check_start_over(true);
}

static void what_was_not_swept_stays(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);
	int frames = 0;

	(void)state;
	while (append(tape, FRAME, false, (uint8_t)frames))
		frames++;
	assert_int_equal(frames, SIZE_MAX_HERE / FRAME);
	assert_false(tape_has_lost(tape, 0));
	for (int i = 0; i < frames; i++)
		assert_int_equal(tape->bytes[i * FRAME], i);
	/* a circle over one member that began before the last half of it */
	tape->floor = tape->head / 2;
	assert_true(append(tape, FRAME, false, 99));
	assert_true(tape_has_lost(tape, tape->floor - 1));
	assert_false(tape_has_lost(tape, tape->floor));
	assert_int_equal(tape_from(tape, tape->head - FRAME).bytes[0], 99);
	tape_destroy(tape);
}

/* Little to forget is not worth moving all the rest. */
static void forgets_in_strides(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	(void)state;
	while (append(tape, FRAME, false, 'a'))
		;
	tape->floor = SIZE_MAX_HERE / 4 - 1;
	assert_null(tape_reserve(tape, FRAME, false));
	tape->floor = SIZE_MAX_HERE / 4;
	assert_non_null(tape_reserve(tape, FRAME, false));
	assert_int_equal(tape->base, SIZE_MAX_HERE / 4);
	tape_destroy(tape);
}

/* Swept there is always room, also for the largest frame and with somebody blocked. */
static void swept_has_room(void **state)
{
	static const uint32_t sizes[] = {TAPE_SIZE_MIN, TAPE_SIZE_MIN + 4, 10000, 16384, 300001};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tape *tape = tape_create(sizes[i]);

		for (int n = 0; n < 20; n++) {
			while (append(tape, FRAME, true, 'a'))
				;
			sweep_all(tape);
			assert_true(append(tape, sizes[i] / 4, true, 'b'));
			assert_true(tape->capacity <= sizes[i]);
			sweep_all(tape);
		}
		tape_destroy(tape);
	}
}

static void positions_wrap(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);
	uint32_t start = UINT32_MAX - 1;

	(void)state;
	tape->base = tape->head = tape->floor = start;
	assert_true(append(tape, 4, false, 'a'));
	assert_int_equal(tape->head, 2);
	check_from(tape, start, "aaaa");
	check_from(tape, 1, "a");
	assert_true(tape_has_lost(tape, start - 1));
	sweep_all(tape);
	assert_true(append(tape, 1, false, 'b'));
	assert_true(tape_has_lost(tape, start));
	check_from(tape, 2, "b");
	tape_destroy(tape);
}

/* The floor moves to where the head was when the circle began, not to where it is. */
static void circle(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	(void)state;
	assert_true(append(tape, 10, false, 'a'));
	tape_begin(tape);
	tape_end_circle(tape, 2);
	assert_int_equal(tape->floor, 0);
	assert_int_equal(tape->circle_left, 2);
	tape_step(tape, 2);
	assert_true(append(tape, 5, false, 'b'));
	tape_step(tape, 2);
	assert_int_equal(tape->cursor, 0);
	tape_end_circle(tape, 3);
	assert_int_equal(tape->floor, 10);
	assert_false(tape_is_swept(tape));
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(tape->cursor, i);
		tape_step(tape, 3);
	}
	assert_int_equal(tape->cursor, 0);
	tape_end_circle(tape, 3);
	assert_true(tape_is_swept(tape));
	tape_destroy(tape);
}

static void circle_tells_of_laggards(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	(void)state;
	assert_true(append(tape, 10, false, 'a'));
	tape_begin(tape);
	tape_end_circle(tape, 1);
	assert_false(tape->has_laggards);
	tape->circle_passed_laggard = true;
	tape_step(tape, 1);
	assert_false(tape->has_laggards); /* not before the circle is whole */
	tape_end_circle(tape, 1);
	assert_true(tape->has_laggards);
	tape_step(tape, 1);
	tape_end_circle(tape, 1);
	assert_false(tape->has_laggards);
	tape_destroy(tape);
}

/* Frames of different sizes, numbered; what was dropped leaves no mark. */
static void knows_what_was_before_a_frame(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);
	uint32_t positions[40];

	(void)state;
	tape->base = tape->head = tape->floor = UINT32_MAX - 100; /* positions wrap */
	for (uint32_t i = 0; i < 40; i++) {
		uint8_t *bytes = tape_reserve(tape, 10 + i, true);

		assert_non_null(bytes);
		positions[i] = tape->head;
		tape_commit(tape, 10 + i, (struct event_id){i, 7}, i < 20);
	}
	for (uint32_t i = 0; i < 40; i++) {
		assert_true(
			event_id_equal(tape_before(tape, positions[i]), (struct event_id){i, 7}));
		assert_int_equal(tape_has_durable(tape, positions[i]), i < 20);
	}
	assert_int_equal(tape->marks_count, 40);
	sweep_all(tape);
	assert_true(append(tape, 3, false, 'a'));
	assert_int_equal(tape->marks_count, 1);
	tape_destroy(tape);
}

static void drops_marks_with_their_frames(void **state)
{
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	(void)state;
	while (append(tape, FRAME, false, 'a'))
		;
	uint32_t count = tape->marks_count;

	tape->floor = 8 * FRAME;
	assert_true(append(tape, FRAME, false, 'b'));
	assert_int_equal(tape->marks_count, count - 8 + 1);
	assert_int_equal(tape_before(tape, 8 * FRAME).ms, 8 * FRAME);
	tape_destroy(tape);
}

static void counts_what_no_log_has(void **state)
{
	static const bool durable[] = {false, true, false, false, true, false};
	static const uint32_t before[] = {0, 1, 1, 2, 3, 3, 4};
	struct tape *tape = tape_create(SIZE_MAX_HERE);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(durable); i++) {
		assert_non_null(tape_reserve(tape, FRAME, true));
		tape_commit(tape, FRAME, (struct event_id){i, 0}, durable[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(before); i++)
		assert_int_equal(tape_ephemerals_before(tape, i * FRAME), before[i]);
	sweep_all(tape);
	assert_true(append(tape, FRAME, false, 'b'));
	assert_int_equal(tape_ephemerals_before(tape, 6 * FRAME), 4);
	assert_int_equal(tape_ephemerals_before(tape, 7 * FRAME), 4);
	tape_destroy(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty),
		cmocka_unit_test(gives_what_is_after_a_position),
		cmocka_unit_test(starts_over_when_swept),
		cmocka_unit_test(what_was_not_swept_stays),
		cmocka_unit_test(forgets_in_strides),
		cmocka_unit_test(swept_has_room),
		cmocka_unit_test(positions_wrap),
		cmocka_unit_test(circle),
		cmocka_unit_test(circle_tells_of_laggards),
		cmocka_unit_test(knows_what_was_before_a_frame),
		cmocka_unit_test(drops_marks_with_their_frames),
		cmocka_unit_test(counts_what_no_log_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
