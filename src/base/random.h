/* base/random.h - unpredictable bytes from the kernel, and a cheap generator for jitter.
 *
 * Layer   base
 * Threads any; a struct random belongs to one thread
 * Memory  the caller's
 * Errors  random_secret aborts when the kernel gives none, which it does not do after boot
 */
#ifndef BELFRY_BASE_RANDOM_H
#define BELFRY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `bytes` from getrandom(2): for keys and ids. */
void random_secret(void *bytes, size_t size);

/* xorshift64*: spreads timers, never keys. The same seed gives the same numbers. */
struct random {
	uint64_t state;
};

void random_init(struct random *random, uint64_t seed);

/* A number in 0..bound-1; bound is at least 1. */
uint64_t random_below(struct random *random, uint64_t bound);

#endif
