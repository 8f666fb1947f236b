/* belfry/departure.h - what a shard tells the acceptor when a connection is gone.
 *
 * Layer   nouns (may include: libc, belfry/)
 * Threads pushed by one shard, popped by the acceptor
 * Memory  8 bytes, copied
 * Errors  none
 *
 * The handoff of a socket names its arrival and says whether it was admitted; the departure gives
 * both back, and the acceptor counts the connection out. The lane has more room than the shard
 * has slots, so it is never full.
 */
#ifndef BELFRY_DEPARTURE_H
#define BELFRY_DEPARTURE_H

#include <stdint.h>

struct departure {
	uint32_t arrival; /* index of its struct arrival, or ARRIVAL_NONE */
	uint32_t verdict; /* enum handoff_verdict, as it came with the handoff */
};

#endif
