/* tests/sim/sim_fiber.c - ucontext, and the same word to AddressSanitizer. */
#include "sim_fiber.h"

#include <stddef.h>
#include <string.h>
#include <ucontext.h>

/* The generator stays the real one; only its seed is not the kernel's. */
#define random_secret random_secret_of_kernel
#include "../../src/base/random.c"
#undef random_secret

#include "base/clock.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) \
	((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(save, bottom, size) \
	((void)(save), (void)(bottom), (void)(size))
#endif

#define STACK_SIZE (1u << 20)
#define EPOCH_MS UINT64_C(1769337000000)

struct fiber {
	ucontext_t context;
	void *(*run)(void *owner);
	void *owner;
	bool has_ended;
	void *fake_stack;
};

void random_secret(void *bytes, size_t size);

static struct fiber fibers[SIM_FIBERS];
static uint8_t stacks[SIM_FIBERS][STACK_SIZE] __attribute__((aligned(64)));
static ucontext_t scheduler;
static const void *scheduler_stack;
static size_t scheduler_stack_size;
static uint32_t running;
static struct random dice;
static uint64_t now_ns;

/* ---- dice and clock ---- */

void sim_begin(uint64_t seed)
{
	random_init(&dice, seed * UINT64_C(0x9E3779B97F4A7C15)); /* neighbours differ */
	now_ns = UINT64_C(1000000000);
}

uint32_t sim_pick(uint32_t bound)
{
	return (uint32_t)random_below(&dice, bound);
}

bool sim_chance(uint32_t percent)
{
	return sim_pick(100) < percent;
}

void random_secret(void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = (uint8_t)sim_pick(256);
}

uint64_t sim_now_ns(void)
{
	return now_ns;
}

void sim_pass(uint64_t ns)
{
	now_ns += ns;
}

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

uint64_t clock_unix_ms(void)
{
	return EPOCH_MS + now_ns / 1000000;
}

/* ---- fibers ---- */

static void begin_fiber(void)
{
	struct fiber *fiber = &fibers[running];

	__sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_stack_size);
	fiber->run(fiber->owner);
	fiber->has_ended = true;
	__sanitizer_start_switch_fiber(NULL, scheduler_stack, scheduler_stack_size);
	setcontext(&scheduler);
}

void sim_fiber_create(uint32_t index, void *(*run)(void *owner), void *owner)
{
	struct fiber *fiber = &fibers[index];

	memset(fiber, 0, sizeof(*fiber));
	fiber->run = run;
	fiber->owner = owner;
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = stacks[index];
	fiber->context.uc_stack.ss_size = STACK_SIZE;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, begin_fiber, 0);
}

bool sim_fiber_resume(uint32_t index)
{
	void *fake_stack = NULL;

	if (fibers[index].has_ended)
		return false;
	running = index;
	__sanitizer_start_switch_fiber(&fake_stack, stacks[index], STACK_SIZE);
	swapcontext(&scheduler, &fibers[index].context);
	__sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
	return !fibers[index].has_ended;
}

void sim_fiber_yield(void)
{
	struct fiber *fiber = &fibers[running];

	__sanitizer_start_switch_fiber(&fiber->fake_stack, scheduler_stack, scheduler_stack_size);
	swapcontext(&fiber->context, &scheduler);
	__sanitizer_finish_switch_fiber(fiber->fake_stack, &scheduler_stack, &scheduler_stack_size);
}
