/* shard/wheel.h - timers of connections: a hashed wheel of lists, linked through the timers.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  2 KiB for the heads, 12 bytes in each timer; nothing is allocated
 * Errors  none
 *
 * Time is milliseconds of a clock that never goes back. A timer fires at the first tick of
 * WHEEL_TICK_MS at or after its due time, never before it. One that is due farther away than the
 * wheel reaches is passed over once per round.
 */
#ifndef BELFRY_SHARD_WHEEL_H
#define BELFRY_SHARD_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_MS 128
#define WHEEL_BUCKETS 1024 /* x 128 ms = a round of 131 s */
#define WHEEL_NONE 0xFFFFu

struct wheel_timer {
	uint32_t due_tick;
	uint16_t next, previous; /* indices of timers, WHEEL_NONE at the ends */
	uint16_t bucket;         /* WHEEL_NONE: in no wheel */
};

/* Index of a timer -> the timer. */
typedef struct wheel_timer *wheel_timer_at(void *owner, uint32_t index);

struct wheel {
	wheel_timer_at *timer_at;
	void *owner;
	uint32_t tick;  /* the first that was not looked at to its end */
	uint32_t armed; /* timers in the wheel */
	uint16_t heads[WHEEL_BUCKETS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms, wheel_timer_at *timer_at, void *owner);

/* A timer that is in no wheel. */
void wheel_timer_init(struct wheel_timer *timer);

/* Puts the timer in, or moves it. */
void wheel_arm(struct wheel *wheel, uint32_t index, uint64_t due_ms);

/* Takes it out; nothing when it is not in. */
void wheel_disarm(struct wheel *wheel, uint32_t index);

/* Time is now `now_ms`. Takes out one timer that is due and returns its index; WHEEL_NONE when
 * there is none: then all is done up to now. Call until it says so. */
uint32_t wheel_advance(struct wheel *wheel, uint64_t now_ms);

/* Milliseconds until something may be due: 0 now, UINT64_MAX when nothing is armed. */
uint64_t wheel_wait_ms(const struct wheel *wheel, uint64_t now_ms);

#endif
