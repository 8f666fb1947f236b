/* base/addresses.h - how many connections each client address has.
 *
 * Layer   base
 * Threads one
 * Memory  24 bytes for each address that has connections, and 4 for its place in a hash table
 * Errors  ADDRESS_UNKNOWN when memory is out: the connection is then not counted
 *
 * An address is 16 bytes; what counts as one client is the caller's to say (wire/ip.h).
 */
#ifndef BELFRY_BASE_ADDRESSES_H
#define BELFRY_BASE_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"

#define ADDRESS_UNKNOWN 0u /* the record of nobody */

struct address {
	uint8_t bytes[16];
	uint32_t count; /* connections; 0: this record is free */
	uint32_t next;  /* in the hash chain, or in the list of free records */
};

struct addresses {
	struct hash_key key;
	struct address *records; /* [0] is never used: ADDRESS_UNKNOWN */
	uint32_t capacity;
	uint32_t free;
	uint32_t *heads;
	uint32_t heads_count; /* a power of two */
	uint32_t used;
};

MUST_CHECK bool addresses_init(struct addresses *addresses);
void addresses_deinit(struct addresses *addresses);

/* Counts one connection in and returns the address's record. */
uint32_t addresses_enter(struct addresses *addresses, const uint8_t bytes[16]);

/* Counts one out; ADDRESS_UNKNOWN does nothing. */
void addresses_leave(struct addresses *addresses, uint32_t index);

/* Connections of the record; 0 for ADDRESS_UNKNOWN. */
uint32_t addresses_count(const struct addresses *addresses, uint32_t index);

#endif
