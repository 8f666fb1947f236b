/* shard/wheel.c - buckets by due time. */
#include "shard/wheel.h"

#include "base/assert.h"

void wheel_init(struct wheel *wheel, uint64_t now_ms, wheel_timer_at *timer_at, void *owner)
{
	*wheel = (struct wheel){
		.timer_at = timer_at,
		.owner = owner,
		.tick = (uint32_t)(now_ms / WHEEL_TICK_MS),
	};
	for (unsigned i = 0; i < WHEEL_BUCKETS; i++)
		wheel->heads[i] = WHEEL_NONE;
}

void wheel_timer_init(struct wheel_timer *timer)
{
	*timer = (struct wheel_timer){
		.next = WHEEL_NONE,
		.previous = WHEEL_NONE,
		.bucket = WHEEL_NONE,
	};
}

static struct wheel_timer *at(const struct wheel *wheel, uint32_t index)
{
	ASSERT(index < WHEEL_NONE);
	return wheel->timer_at(wheel->owner, index);
}

void wheel_arm(struct wheel *wheel, uint32_t index, uint64_t due_ms)
{
	struct wheel_timer *timer = at(wheel, index);
	uint32_t tick = (uint32_t)((due_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS);

	wheel_disarm(wheel, index);
	if ((int32_t)(tick - wheel->tick) < 0)
		tick = wheel->tick; /* overdue: in the next tick that is looked at */
	timer->due_tick = tick;
	timer->bucket = (uint16_t)(tick % WHEEL_BUCKETS);
	timer->next = wheel->heads[timer->bucket];
	if (timer->next != WHEEL_NONE)
		at(wheel, timer->next)->previous = (uint16_t)index;
	wheel->heads[timer->bucket] = (uint16_t)index;
	wheel->armed++;
}

void wheel_disarm(struct wheel *wheel, uint32_t index)
{
	struct wheel_timer *timer = at(wheel, index);

	if (timer->bucket == WHEEL_NONE)
		return;
	if (timer->previous == WHEEL_NONE)
		wheel->heads[timer->bucket] = timer->next;
	else
		at(wheel, timer->previous)->next = timer->next;
	if (timer->next != WHEEL_NONE)
		at(wheel, timer->next)->previous = timer->previous;
	wheel_timer_init(timer);
	wheel->armed--;
}

/* A timer of this bucket that is due in `tick`; WHEEL_NONE: all are of later rounds. */
static uint32_t find_due(const struct wheel *wheel, uint32_t tick)
{
	uint32_t index = wheel->heads[tick % WHEEL_BUCKETS];

	while (index != WHEEL_NONE && (int32_t)(tick - at(wheel, index)->due_tick) < 0)
		index = at(wheel, index)->next;
	return index;
}

uint32_t wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
	uint32_t now = (uint32_t)(now_ms / WHEEL_TICK_MS);

	for (; (int32_t)(now - wheel->tick) >= 0; wheel->tick++) {
		uint32_t index = find_due(wheel, wheel->tick);

		if (index == WHEEL_NONE)
			continue;
		wheel_disarm(wheel, index);
		return index;
	}
	return WHEEL_NONE;
}

uint64_t wheel_wait_ms(const struct wheel *wheel, uint64_t now_ms)
{
	uint32_t now = (uint32_t)(now_ms / WHEEL_TICK_MS);

	if (wheel->armed == 0)
		return UINT64_MAX;
	for (uint32_t i = 0; i < WHEEL_BUCKETS; i++) {
		if (wheel->heads[(wheel->tick + i) % WHEEL_BUCKETS] == WHEEL_NONE)
			continue;
		int32_t ticks = (int32_t)(wheel->tick + i - now);

		return ticks <= 0 ? 0 : (uint64_t)ticks * WHEEL_TICK_MS - now_ms % WHEEL_TICK_MS;
	}
	return 0;
}
