/* wsbench/rounds.h - broadcasts under way: who has them, when the last receiver had them.
 *
 * Layer   wsbench (may include: base)
 * Threads the main thread issues and waits; each ring thread counts in its own tally and adds it
 *         to the rounds once per turn
 * Memory  24 bytes per round, allocated by rounds_init()
 * Errors  NO_MEMORY and SYSTEM at init; later none
 */
#ifndef BELFRY_WSBENCH_ROUNDS_H
#define BELFRY_WSBENCH_ROUNDS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

#define TALLY_SLOTS 256u

struct round {
	_Atomic uint32_t received;
	_Atomic uint64_t done_ns; /* when the last receiver had it; 0: not yet */
	uint64_t published_ns;    /* main thread only */
};

struct rounds {
	struct round *list;
	uint32_t count;
	int wake_fd;                /* eventfd: a round was completed */
	_Atomic uint32_t expected;  /* receivers of each round */
	_Atomic uint32_t issued;    /* published, or about to be */
	_Atomic uint32_t completed; /* rounds that everybody has */
	_Atomic uint32_t recorded_from; /* latency counts from this round on (warm-up before) */
};

/* What one thread received since its last flush. All zero is an empty one. */
struct tally {
	uint32_t touched_count;
	uint32_t touched[TALLY_SLOTS]; /* slots in use */
	uint32_t number[TALLY_SLOTS];
	uint32_t received[TALLY_SLOTS];
};

MUST_CHECK enum status rounds_init(struct rounds *rounds, uint32_t count);
void rounds_deinit(struct rounds *rounds);

/* Ring threads. One more receiver has round `number`; flushes by itself when it must. */
void tally_add(struct tally *tally, struct rounds *rounds, uint32_t number);

/* Ring threads. Adds what was counted to the rounds and wakes the main thread when one of them
 * is complete with it. */
void tally_flush(struct tally *tally, struct rounds *rounds);

/* Main thread. Takes the next number and notes the time. The caller publishes it afterwards. */
uint32_t rounds_issue(struct rounds *rounds, uint64_t now_ns);

#endif
