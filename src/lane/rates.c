/* lane/rates.c - rate limits that hold over all threads of the node. */
#include "lane/rates.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"

#define ROW_BITS 16 /* of the hash for each row: RATES_ROWS of them make 64 */

bool rates_init(struct rates *rates, uint32_t cells_count)
{
	ASSERT(cells_count > 0 && (cells_count & (cells_count - 1)) == 0);
	ASSERT(cells_count <= 1u << ROW_BITS);
	rates->cells = calloc((size_t)RATES_ROWS * cells_count, sizeof(*rates->cells));
	rates->cells_count = cells_count;
	return rates->cells != NULL;
}

void rates_deinit(struct rates *rates)
{
	free(rates->cells);
	rates->cells = NULL;
}

bool node_rates_init(struct node_rates *rates)
{
	return rates_init(&rates->handshakes, 1) &&
	       rates_init(&rates->handshakes_of_ip, RATES_CELLS) &&
	       rates_init(&rates->messages_of_user, RATES_CELLS);
}

void node_rates_deinit(struct node_rates *rates)
{
	rates_deinit(&rates->handshakes);
	rates_deinit(&rates->handshakes_of_ip);
	rates_deinit(&rates->messages_of_user);
}

static _Atomic uint64_t *cell_of(const struct rates *rates, unsigned row, uint64_t hash)
{
	uint32_t place = (uint32_t)(hash >> row * ROW_BITS) & (rates->cells_count - 1);

	return &rates->cells[(size_t)row * rates->cells_count + place];
}

/* The bucket that is fullest: nobody else has taken as much of it. */
static _Atomic uint64_t *fullest(const struct rates *rates, uint64_t hash, uint64_t *ret_full_us)
{
	_Atomic uint64_t *best = NULL;

	for (unsigned row = 0; row < RATES_ROWS; row++) {
		_Atomic uint64_t *cell = cell_of(rates, row, hash);
		uint64_t full_us = atomic_load_explicit(cell, memory_order_relaxed);

		if (!best || full_us < *ret_full_us) {
			best = cell;
			*ret_full_us = full_us;
		}
	}
	return best;
}

static void raise_to(_Atomic uint64_t *cell, uint64_t full_us)
{
	uint64_t seen = atomic_load_explicit(cell, memory_order_relaxed);

	while (seen < full_us &&
	       !atomic_compare_exchange_weak_explicit(cell, &seen, full_us, memory_order_relaxed,
						      memory_order_relaxed))
		continue;
}

/* The other buckets rise first and the fullest last: until then it is the fullest for everybody, so
 * that threads which take for the same key meet there, and only one of them at a time gets on.
 * Relaxed throughout: nothing else is published with a bucket. */
uint64_t rates_take(struct rates *rates, struct rate_limit limit, uint64_t hash, uint64_t now_ms)
{
	uint64_t seen = 0;

	for (;;) {
		_Atomic uint64_t *cell = fullest(rates, hash, &seen);
		struct rate bucket = {seen};
		uint64_t wait_ms = rate_take(&bucket, limit, 1, now_ms);

		if (wait_ms > 0)
			return wait_ms;
		for (unsigned row = 0; row < RATES_ROWS; row++)
			if (cell_of(rates, row, hash) != cell)
				raise_to(cell_of(rates, row, hash), bucket.full_us);
		if (atomic_compare_exchange_strong_explicit(cell, &seen, bucket.full_us,
							    memory_order_relaxed,
							    memory_order_relaxed))
			return 0;
	}
}
