/* router/refusals.h - what Redis, or the log's file, does not take, told to the operator.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  struct refusals, in the router
 * Errors  none
 *
 * A Redis that is full (OOM), read-only (READONLY), without replicas (NOREPLICAS), unable to save
 * (MISCONF) or not open to this user (NOPERM, WRONGTYPE) keeps its links and goes on being read.
 * What it then refuses, of publications, marks, cursors, presence, dead letters, is counted, and
 * said in one log line: at once when the error's first word is another one than before, else once
 * a minute, and never more than once a second. Likewise what cannot be written to `log_file`.
 */
#ifndef BELFRY_ROUTER_REFUSALS_H
#define BELFRY_ROUTER_REFUSALS_H

#include <stdint.h>

#include "base/slice.h"

#define REFUSALS_WORD_SIZE 24 /* bytes of the first word of an error, with final zero */

struct router;

struct refusals {
	uint64_t heard;                /* of those that the data link has counted */
	uint64_t told_ms;              /* monotonic: the last log line; 0: there was none */
	char word[REFUSALS_WORD_SIZE]; /* of that line */
};

/* `what` begins the log line, such as "Redis does not take a dead entry"; `error` says why. */
void refusals_note(struct router *router, const char *what, struct slice error);

/* Once a turn, with Redis: what the data link has heard since the last one. */
void refusals_turn(struct router *router);

#endif
