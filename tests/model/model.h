/* tests/model/model.h - rounds of random operations; a failure prints the seed that repeats it.
 *
 * Layer   tests
 * Threads one
 * Memory  static
 * Errors  CHECK aborts
 *
 * Each round has its own seed. The program runs a fixed series of them; with a seed as argument,
 * or in the environment variable MODEL_SEED, it runs that one round.
 */
#ifndef BELFRY_TESTS_MODEL_MODEL_H
#define BELFRY_TESTS_MODEL_MODEL_H

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/random.h"

#define CHECK(expression) ASSERT(expression)

/* One thread races with nobody: where races are looked for an eighth of the rounds will do. */
#ifdef __SANITIZE_THREAD__
#define MODEL_UNTHREADED 8
#else
#define MODEL_UNTHREADED 1
#endif

static uint64_t model_seed;
static struct random model_random;

/* 0..bound-1 */
static inline uint32_t pick(uint32_t bound)
{
	return (uint32_t)random_below(&model_random, bound);
}

static inline void model_on_abort(int signal_number)
{
	(void)signal_number;
	fprintf(stderr, "model: failed with seed %" PRIu64 "\n", model_seed);
}

static inline int model_run(const char *seed, uint64_t rounds, void (*round)(void))
{
	uint64_t first = 1;

	if (!seed)
		seed = getenv("MODEL_SEED");
	if (seed) {
		first = strtoull(seed, NULL, 10);
		rounds = 1;
	}
	if (rounds > MODEL_UNTHREADED)
		rounds /= MODEL_UNTHREADED;
	signal(SIGABRT, model_on_abort);
	for (model_seed = first; model_seed < first + rounds; model_seed++) {
		/* neighbours must not begin alike */
		random_init(&model_random, model_seed * 0x9E3779B97F4A7C15u);
		round();
	}
	return 0;
}

#endif
