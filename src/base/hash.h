/* base/hash.h - SipHash-1-3: a keyed hash for tables whose keys strangers choose.
 *
 * Layer   base
 * Threads any
 * Memory  none
 * Errors  none
 *
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. One compression and three
 * finalization rounds, as hash tables elsewhere use it. Without the key nobody can make names
 * that collide.
 */
#ifndef BELFRY_BASE_HASH_H
#define BELFRY_BASE_HASH_H

#include "base/slice.h"

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_bytes(struct hash_key key, struct slice bytes);

#endif
