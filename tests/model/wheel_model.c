/* tests/model/wheel_model.c - the wheel against an array of due times: never early, and with
 * time in steps of any length, late by less than a tick once time is there. */
#include "model.h"
#include "shard/wheel.h"

#define TIMERS 300
#define UNARMED UINT64_MAX

static struct wheel_timer timers[TIMERS];
static uint64_t due_ms[TIMERS];   /* what was asked for */
static uint64_t armed_ms[TIMERS]; /* when it was asked for */
static struct wheel wheel;
static uint32_t armed;

static struct wheel_timer *timer_at(void *owner, uint32_t index)
{
	CHECK(owner == timers && index < TIMERS);
	return &timers[index];
}

static void disarm(uint32_t index)
{
	wheel_disarm(&wheel, index);
	armed -= due_ms[index] != UNARMED;
	due_ms[index] = UNARMED;
}

static uint64_t pick_due(uint64_t now_ms)
{
	switch (pick(5)) {
	case 0: /* in the past */
		return now_ms - pick(1000);
	case 1: /* now */
		return now_ms;
	case 2: /* beyond a round */
		return now_ms + pick(4 * WHEEL_BUCKETS * WHEEL_TICK_MS);
	case 3: /* just about a round */
		return now_ms + WHEEL_BUCKETS * WHEEL_TICK_MS - 256 + pick(512);
	default:
		return now_ms + pick(5000);
	}
}

static void arm(uint32_t index, uint64_t now_ms)
{
	armed += due_ms[index] == UNARMED;
	due_ms[index] = pick_due(now_ms);
	armed_ms[index] = now_ms;
	wheel_arm(&wheel, index, due_ms[index]);
}

/* Takes out all that is due; now and then what fires arms itself or another again. */
static void advance(uint64_t now_ms)
{
	uint32_t index;

	while ((index = wheel_advance(&wheel, now_ms)) != WHEEL_NONE) {
		CHECK(index < TIMERS && due_ms[index] != UNARMED);
		CHECK(due_ms[index] <= now_ms);
		armed--;
		due_ms[index] = UNARMED;
		if (pick(3) == 0)
			arm(pick(2) ? index : pick(TIMERS), now_ms);
		if (pick(8) == 0)
			disarm(pick(TIMERS));
	}
}

/* Whatever is left fires within a tick, and what is overdue only because it was armed late. */
static void check_left(uint64_t now_ms)
{
	uint64_t wait_ms = wheel_wait_ms(&wheel, now_ms);
	uint64_t first = UNARMED;

	CHECK(wheel.armed == armed);
	for (uint32_t i = 0; i < TIMERS; i++) {
		if (due_ms[i] == UNARMED)
			continue;
		uint64_t from = due_ms[i] > armed_ms[i] ? due_ms[i] : armed_ms[i];

		CHECK(from + WHEEL_TICK_MS > now_ms);
		if (from < first)
			first = from;
	}
	CHECK((wait_ms == UNARMED) == (armed == 0));
	if (armed > 0) /* sleeping so long makes nobody late */
		CHECK(now_ms + wait_ms <= first + WHEEL_TICK_MS);
}

static uint64_t pick_step(uint64_t now_ms)
{
	uint64_t wait_ms = wheel_wait_ms(&wheel, now_ms);

	switch (pick(4)) {
	case 0:
		return pick(3);
	case 1:
		return pick(1000);
	case 2:
		return pick(50) ? pick(300) : pick(3 * WHEEL_BUCKETS * WHEEL_TICK_MS);
	default:
		return wait_ms == UNARMED ? 1 : wait_ms;
	}
}

static void round_of_wheel(void)
{
	/* now and then the tick wraps at 2^32 in the middle */
	uint64_t now_ms = pick(2) ? 10000 + pick(100000)
				  : (uint64_t)UINT32_MAX * WHEEL_TICK_MS - pick(100000);

	armed = 0;
	wheel_init(&wheel, now_ms, timer_at, timers);
	for (uint32_t i = 0; i < TIMERS; i++) {
		wheel_timer_init(&timers[i]);
		due_ms[i] = UNARMED;
	}
	for (uint32_t step = 0; step < 1500; step++) {
		for (uint32_t n = pick(4); n > 0; n--)
			arm(pick(TIMERS), now_ms);
		if (pick(4) == 0)
			disarm(pick(TIMERS));
		now_ms += pick_step(now_ms);
		advance(now_ms);
		check_left(now_ms);
	}
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 1500, round_of_wheel);
}
