/* shard/timers.h - what happens to a connection when nothing happens.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  one timer in each connection's record
 * Errors  none
 *
 * Handshake time, heartbeat, idle time, the token's end and its grace, a socket that takes
 * nothing, and the wait for the client's half of a close: one timer, due at the earliest.
 */
#ifndef BELFRY_SHARD_TIMERS_H
#define BELFRY_SHARD_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct shard;
struct wheel_timer;

/* For the wheel: the timer of the connection in a slot. */
struct wheel_timer *timers_at(void *shard, uint32_t slot);

/* HEAD, ATTACHING, CLOSING: patience ends after `delay_ms`. */
void timers_arm(struct shard *shard, struct conn *conn, uint32_t delay_ms);

/* OPEN: the first ping comes at a random moment of the interval, so that pings are spread. */
void timers_start_heartbeat(struct shard *shard, struct conn *conn);

/* OPEN: something that a deadline depends on has changed. */
void timers_refresh(struct shard *shard, struct conn *conn);

/* Once per turn: some of those that are due. */
void timers_advance(struct shard *shard);

/* Milliseconds until the next call has something to do; 0: now. */
uint64_t timers_wait_ms(const struct shard *shard);

#endif
