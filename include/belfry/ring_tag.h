/* belfry/ring_tag.h - tags that one thread puts into another thread's ring.
 *
 * Layer   nouns (may include: base, libc)
 * Threads any; values
 * Memory  64 bits
 * Errors  none
 *
 * The top byte of every tag is the operation. The first ones cross threads; each thread's own
 * start at RING_OP_OWN. A handoff carries all that a shard needs to know of a new socket.
 */
#ifndef BELFRY_RING_TAG_H
#define BELFRY_RING_TAG_H

#include <stdint.h>

#include "base/assert.h"

enum ring_op {
	RING_OP_NONE,     /* nobody looks at the completion */
	RING_OP_WAKE,     /* something was pushed to a lane */
	RING_OP_STOP,     /* main: end */
	RING_OP_DRAIN,    /* main to admin: no longer ready, the end is near */
	RING_OP_HANDOFF,  /* acceptor: a new socket; the result is its slot */
	RING_OP_KEYRING,  /* main to a shard: new keys; with a reference to a struct keyring */
	RING_OP_VERIFIED, /* shard to shard: with a reference to a struct verified */
	RING_OP_OWN = 16,
};

/* Why the acceptor wants a socket refused; the shard gives the answer. */
enum handoff_verdict { HANDOFF_ADMIT, HANDOFF_FULL, HANDOFF_ADDRESS_FULL };

static inline uint64_t ring_tag(unsigned op, uint64_t rest)
{
	return (uint64_t)op << 56 | rest;
}

static inline unsigned ring_tag_op(uint64_t tag)
{
	return (unsigned)(tag >> 56);
}

/* A pointer, with what it points to: addresses of programs have at most 56 bits. */
static inline uint64_t ring_tag_of_pointer(unsigned op, void *pointer)
{
	ASSERT((uint64_t)(uintptr_t)pointer >> 56 == 0);
	return ring_tag(op, (uint64_t)(uintptr_t)pointer);
}

static inline void *ring_tag_pointer(uint64_t tag)
{
	return (void *)(uintptr_t)(tag & ((1ull << 56) - 1));
}

/* It came to an address for proxies: a PROXY header precedes its bytes. */
#define HANDOFF_PROXIED (UINT64_C(1) << 40)

/* `arrival`: index of its struct arrival, or ARRIVAL_NONE. */
static inline uint64_t handoff_tag(enum handoff_verdict verdict, uint32_t arrival)
{
	return ring_tag(RING_OP_HANDOFF, (uint64_t)verdict << 32 | arrival);
}

static inline enum handoff_verdict handoff_tag_verdict(uint64_t tag)
{
	return (enum handoff_verdict)((tag >> 32) & 0xFF);
}

static inline uint32_t handoff_tag_arrival(uint64_t tag)
{
	return (uint32_t)tag;
}

#endif
