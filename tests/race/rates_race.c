/* tests/race/rates_race.c - several threads take for the same key: not one too many, none lost. */
#include <pthread.h>
#include <stdio.h>

#include "base/assert.h"
#include "lane/rates.h"

#define THREADS 4
#define TRIES 200000u
#define NOW_MS 1000000u

static const struct rate_limit limit = {100000, 3};

struct taker {
	struct rates *rates;
	uint64_t hash;
	uint32_t taken;
};

static void *take(void *owner)
{
	struct taker *taker = owner;

	for (uint32_t i = 0; i < TRIES; i++)
		taker->taken += rates_take(taker->rates, limit, taker->hash, NOW_MS) == 0;
	return NULL;
}

static void check_race(uint32_t cells, uint64_t hash)
{
	struct rates rates;
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	uint32_t taken = 0;
	bool is_made = rates_init(&rates, cells);

	ASSERT(is_made);
	for (int i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){&rates, hash, 0};
		ASSERT(pthread_create(&threads[i], NULL, take, &takers[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		taken += takers[i].taken;
	}
	ASSERT(taken == limit.per_second * limit.holds_s);
	rates_deinit(&rates);
}

int main(void)
{
	check_race(1, 0);
	check_race(RATES_CELLS, 0x123456789ABCDEF0);
	puts("rates: ok");
	return 0;
}
