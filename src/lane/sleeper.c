/* lane/sleeper.c - the two fences of a sleep. */
#include "lane/sleeper.h"

void sleeper_init(struct sleeper *sleeper, int ring_fd)
{
	atomic_init(&sleeper->asleep, 0);
	sleeper->ring_fd = ring_fd;
}

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer does not model fences; a locked access on the flag orders as strongly. */
#define FULL_FENCE(sleeper) ((void)atomic_fetch_or(&(sleeper)->asleep, 0))
#else
#define FULL_FENCE(sleeper) ((void)(sleeper), atomic_thread_fence(memory_order_seq_cst))
#endif

void sleeper_announce(struct sleeper *sleeper)
{
	atomic_store_explicit(&sleeper->asleep, 1, memory_order_relaxed);
	/* pairs with the fence in sleeper_must_wake: the flag is up before the lanes are read */
	FULL_FENCE(sleeper);
}

void sleeper_rise(struct sleeper *sleeper)
{
	atomic_store_explicit(&sleeper->asleep, 0, memory_order_relaxed);
}

bool sleeper_must_wake(struct sleeper *sleeper)
{
	/* pairs with the fence in sleeper_announce: the push is out before the flag is read */
	FULL_FENCE(sleeper);
	if (!atomic_load_explicit(&sleeper->asleep, memory_order_relaxed))
		return false;
	return atomic_exchange_explicit(&sleeper->asleep, 0, memory_order_relaxed) != 0;
}
