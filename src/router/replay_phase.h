/* router/replay_phase.h - the phases of a replay, for replay_step.c and replay_send.c only.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  see router/replay.h
 * Errors  see router/replay.h
 */
#ifndef BELFRY_ROUTER_REPLAY_PHASE_H
#define BELFRY_ROUTER_REPLAY_PHASE_H

#include "router/replay.h"
#include "router/replay_step.h"

/* A phase's word: the next one may begin, or the step is over with *ret_step. */
enum word { WORD_ON, WORD_STOP };

struct session *replay_session(const struct replay *replay);

static inline uint64_t replay_record_number(uint64_t record)
{
	return record / REPLAY_CHANNELS;
}

/* Nothing old will come: the receiver begins now, with recovered false. */
void replay_want_nothing_old(struct replay *replay);

/* Waits for the log, as long as there is patience; then begins without it. */
enum word replay_park(struct replay *replay, enum replay_step *ret_step);

/* All records from replay->reached on that the receiver lacks. False: more than the limit. */
bool replay_collect(struct replay *replay);

/* ---- replay_send.c ---- */

/* REPLAY_CHECK, REPLAY_ANSWER and REPLAY_SEND. */
enum word replay_check(struct replay *replay, enum replay_step *ret_step);
enum word replay_answer(struct replay *replay, enum replay_step *ret_step);
enum word replay_send(struct replay *replay, enum replay_step *ret_step, uint32_t *budget);

#endif
