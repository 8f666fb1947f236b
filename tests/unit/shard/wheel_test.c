/* tests/unit/shard/wheel_test.c - never early, late by less than a tick, and beyond a round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shard/wheel.h"

#define TICK WHEEL_TICK_MS
#define ROUND ((uint64_t)TICK * WHEEL_BUCKETS)
#define NOW (1000 * (uint64_t)TICK) /* when the wheel is made; at a tick's start */

static struct wheel_timer timers[8];
static struct wheel wheel;

static struct wheel_timer *timer_at(void *owner, uint32_t index)
{
	(void)owner;
	return &timers[index];
}

static void begin(void)
{
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		wheel_timer_init(&timers[i]);
	wheel_init(&wheel, NOW, timer_at, NULL);
	assert_int_equal(wheel_advance(&wheel, NOW), WHEEL_NONE);
}

/* A timer armed at NOW fires at NOW + fires_ms and not a millisecond before. */
static void check_fires(int64_t due_ms, uint64_t fires_ms)
{
	begin();
	wheel_arm(&wheel, 3, (uint64_t)((int64_t)NOW + due_ms));
	assert_int_equal(wheel.armed, 1);
	assert_int_equal(wheel_advance(&wheel, NOW + fires_ms - 1), WHEEL_NONE);
	assert_int_equal(wheel.armed, 1);
	assert_int_equal(wheel_advance(&wheel, NOW + fires_ms), 3);
	assert_int_equal(wheel.armed, 0);
	assert_int_equal(wheel_advance(&wheel, NOW + 10 * ROUND), WHEEL_NONE);
}

static void fires_at_the_first_tick_not_before_its_time(void **state)
{
	(void)state;
	check_fires(1, TICK);
	check_fires(TICK - 1, TICK);
	check_fires(TICK, TICK);
	check_fires(TICK + 1, 2 * TICK);
	check_fires(30000, (30000 + TICK - 1) / TICK * TICK);
}

static void overdue_fires_at_the_next_tick(void **state)
{
	(void)state;
	check_fires(0, TICK);
	check_fires(-1, TICK);
	check_fires(-5 * TICK, TICK);
	check_fires(-(int64_t)NOW, TICK);
}

static void far_away_is_passed_over(void **state)
{
	(void)state;
	check_fires((int64_t)ROUND - TICK, ROUND - TICK);
	check_fires((int64_t)ROUND, ROUND);
	check_fires((int64_t)ROUND + 1, ROUND + TICK);
	check_fires(3 * (int64_t)ROUND + 5 * TICK, 3 * ROUND + 5 * TICK);
	check_fires(24 * 3600 * 1000, 24 * 3600 * 1000);
}

/* One long step over several rounds still finds all of them, each once. */
static void one_long_step(void **state)
{
	unsigned seen = 0;

	(void)state;
	begin();
	for (uint32_t i = 0; i < 8; i++)
		wheel_arm(&wheel, i, NOW + i * ROUND / 2 + i);
	for (uint32_t i = 0; i < 8; i++)
		seen |= 1u << wheel_advance(&wheel, NOW + 5 * ROUND);
	assert_int_equal(seen, 0xFF);
	assert_int_equal(wheel_advance(&wheel, NOW + 5 * ROUND), WHEEL_NONE);
}

static void arming_again_moves(void **state)
{
	(void)state;
	begin();
	wheel_arm(&wheel, 1, NOW + TICK);
	wheel_arm(&wheel, 1, NOW + 5 * TICK);
	assert_int_equal(wheel.armed, 1);
	assert_int_equal(wheel_advance(&wheel, NOW + 5 * TICK - 1), WHEEL_NONE);
	wheel_arm(&wheel, 1, NOW + 50 * TICK);
	wheel_arm(&wheel, 1, NOW + 5 * TICK);
	assert_int_equal(wheel_advance(&wheel, NOW + 5 * TICK), 1);
	assert_int_equal(wheel_advance(&wheel, NOW + ROUND), WHEEL_NONE);
}

/* Three in one bucket; the first, middle and last of the list may go. */
static void check_disarm(uint32_t gone)
{
	unsigned seen = 0;
	uint32_t index;

	begin();
	for (uint32_t i = 0; i < 3; i++)
		wheel_arm(&wheel, i, NOW + TICK + i);
	wheel_arm(&wheel, 0, NOW + 2 * TICK);
	wheel_arm(&wheel, 1, NOW + 2 * TICK);
	wheel_arm(&wheel, 2, NOW + 2 * TICK);
	wheel_disarm(&wheel, gone);
	wheel_disarm(&wheel, gone);
	assert_int_equal(wheel.armed, 2);
	while ((index = wheel_advance(&wheel, NOW + 2 * TICK)) != WHEEL_NONE)
		seen |= 1u << index;
	assert_int_equal(seen, 7u & ~(1u << gone));
}

static void disarm(void **state)
{
	(void)state;
	for (uint32_t gone = 0; gone < 3; gone++)
		check_disarm(gone);
}

/* What is taken out may be put in again while the wheel advances, also for this very moment. */
static void arm_while_advancing(void **state)
{
	(void)state;
	begin();
	wheel_arm(&wheel, 0, NOW + TICK);
	assert_int_equal(wheel_advance(&wheel, NOW + TICK), 0);
	wheel_arm(&wheel, 0, NOW + TICK + 1);
	wheel_arm(&wheel, 1, NOW);
	assert_int_equal(wheel_advance(&wheel, NOW + TICK), 1);
	assert_int_equal(wheel_advance(&wheel, NOW + TICK), WHEEL_NONE);
	assert_int_equal(wheel_advance(&wheel, NOW + 2 * TICK), 0);
}

static void check_wait(uint64_t due_ms, uint64_t now_ms, uint64_t expected)
{
	begin();
	wheel_arm(&wheel, 0, NOW + due_ms);
	assert_true(wheel_wait_ms(&wheel, NOW + now_ms) == expected);
}

static void waits(void **state)
{
	(void)state;
	begin();
	assert_true(wheel_wait_ms(&wheel, NOW) == UINT64_MAX);
	check_wait(TICK, 0, TICK);
	check_wait(TICK, 1, TICK - 1);
	check_wait(TICK + 1, 1, 2 * TICK - 1);
	check_wait(TICK, TICK, 0);
	check_wait(TICK, 5 * TICK, 0);
	check_wait(ROUND / 2, 0, ROUND / 2);
	check_wait(ROUND + 2 * TICK, 0, 2 * TICK); /* it is looked at, and passed over */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_at_the_first_tick_not_before_its_time),
		cmocka_unit_test(overdue_fires_at_the_next_tick),
		cmocka_unit_test(far_away_is_passed_over),
		cmocka_unit_test(one_long_step),
		cmocka_unit_test(arming_again_moves),
		cmocka_unit_test(disarm),
		cmocka_unit_test(arm_while_advancing),
		cmocka_unit_test(waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
