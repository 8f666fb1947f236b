/* tests/sim/sim_fiber.h - the threads of a node as coroutines of one thread; its clock, its dice.
 *
 * Layer   tests
 * Threads one
 * Memory  static
 * Errors  aborts
 *
 * base/clock.h and random_secret() are answered from here: time moves only when the simulation
 * says so, secrets come from its seed.
 */
#ifndef BELFRY_TESTS_SIM_SIM_FIBER_H
#define BELFRY_TESTS_SIM_SIM_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_FIBERS 4 /* shards, then the router */

/* From now on all is as the seed says. */
void sim_begin(uint64_t seed);

/* 0..bound-1 */
uint32_t sim_pick(uint32_t bound);
bool sim_chance(uint32_t percent);

uint64_t sim_now_ns(void);
void sim_pass(uint64_t ns);

void sim_fiber_create(uint32_t index, void *(*run)(void *owner), void *owner);

/* Runs it until it yields or ends. False: it has ended. */
bool sim_fiber_resume(uint32_t index);

/* By the fiber that runs. */
void sim_fiber_yield(void);

#endif
