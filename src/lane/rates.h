/* lane/rates.h - rate limits that hold over all threads of the node.
 *
 * Layer   lane (may include: base, libc)
 * Threads init and deinit: main; take: any number at once, without locks
 * Memory  RATES_ROWS buckets of 8 bytes for each cell, whatever the number of keys: 512 KiB with
 *         RATES_CELLS, touched as it is used; nobody can make it grow
 * Errors  init: false without memory
 *
 * A key has one bucket in each of several rows, where its hash says, and shares it with others
 * that fall on the same place. The fullest of its buckets counts, and only what all of them lack
 * is refused: a key is mistaken for others only when all its places are taken by keys that are at
 * their limit. With 1,000 such keys that is one in 80,000 of the rest, with 10,000 one in 23.
 */
#ifndef BELFRY_LANE_RATES_H
#define BELFRY_LANE_RATES_H

#include "base/rate.h"

#define RATES_ROWS 4
#define RATES_CELLS 16384u

struct rates {
	_Atomic uint64_t *cells; /* RATES_ROWS times cells_count: struct rate's full_us */
	uint32_t cells_count;    /* of a row; a power of two, at most 65,536 */
};

/* Those of a node. */
struct node_rates {
	struct rates handshakes;       /* one bucket */
	struct rates handshakes_of_ip; /* by address */
	struct rates messages_of_user; /* by user */
};

MUST_CHECK bool node_rates_init(struct node_rates *rates);
void node_rates_deinit(struct node_rates *rates);

/* `cells_count` 1: all keys share one bucket. */
MUST_CHECK bool rates_init(struct rates *rates, uint32_t cells_count);
void rates_deinit(struct rates *rates);

/* Takes one for the key with this hash, which strangers must not be able to choose. As
 * rate_take(): 0 or milliseconds to wait. */
MUST_CHECK uint64_t rates_take(struct rates *rates, struct rate_limit limit, uint64_t hash,
			       uint64_t now_ms);

#endif
