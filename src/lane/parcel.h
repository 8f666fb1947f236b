/* lane/parcel.h - a heap block that one thread gives to another through the tag of a ring.
 *
 * Layer   lane (may include: base, libc)
 * Threads seal: the giver, last; open: the taker, first
 * Memory  the head of the block, which belongs to whoever has it
 * Errors  none
 *
 * A tag brings the block's address and the kernel brings the tag; what was written into the block
 * is ordered by this.
 */
#ifndef BELFRY_LANE_PARCEL_H
#define BELFRY_LANE_PARCEL_H

#include <stdatomic.h>

struct parcel {
	_Atomic unsigned sealed; /* 1: all that is in the block was written */
};

/* Giver: nothing of the block is written, or read, after this. */
void parcel_seal(struct parcel *parcel);

/* Taker: before anything else of the block is read. */
void parcel_open(struct parcel *parcel);

#endif
