/* router/replay_step.h - one replay goes on as far as it can.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/replay.h
 * Errors  see router/replay.h
 */
#ifndef BELFRY_ROUTER_REPLAY_STEP_H
#define BELFRY_ROUTER_REPLAY_STEP_H

#include <stdint.h>

struct replay;

enum replay_step {
	REPLAY_STEP_DONE,  /* over, LIVE or CLOSE was pushed */
	REPLAY_STEP_LATER, /* no room, or no time: next turn */
	REPLAY_STEP_PARK,  /* waits for the log: look again in REPLAY_PARK_MS */
	REPLAY_STEP_WAITS, /* replay_more or replay_wake brings it back */
};

/* `budget`: messages that may still be framed in this turn. */
enum replay_step replay_step(struct replay *replay, uint32_t *budget);

#endif
