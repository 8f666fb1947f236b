/* acceptor/addresses.h - how many connections each client address has.
 *
 * Layer   acceptor (may include: lane, wire, uring, log, base, libc)
 * Threads the acceptor
 * Memory  24 bytes for each address that has connections
 * Errors  ADDRESS_UNKNOWN when memory is out: the connection is then not counted
 *
 * IPv4 counts by address, IPv6 by /64 network, since one client owns all of that.
 */
#ifndef BELFRY_ACCEPTOR_ADDRESSES_H
#define BELFRY_ACCEPTOR_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "belfry/departure.h"

struct sockaddr_storage;

struct address {
	uint8_t network[16]; /* IPv4 as ::ffff:a.b.c.d; IPv6 without its last 8 bytes */
	uint32_t count;      /* connections; 0: this record is free */
	uint32_t next;       /* in the hash chain, or in the list of free records */
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
uint32_t addresses_enter(struct addresses *addresses, const struct sockaddr_storage *peer);

/* Counts one out; ADDRESS_UNKNOWN does nothing. */
void addresses_leave(struct addresses *addresses, uint32_t index);

/* Connections of the record; 0 for ADDRESS_UNKNOWN. */
uint32_t addresses_count(const struct addresses *addresses, uint32_t index);

#endif
