/* uring/uring_private.h - what a ring is made of; for the files of this folder only.
 *
 * Layer   uring (may include: base, liburing)
 * Threads see uring/uring.h
 * Memory  see uring/uring.h
 * Errors  none
 */
#ifndef BELFRY_URING_URING_PRIVATE_H
#define BELFRY_URING_URING_PRIVATE_H

#include "liburing/uring_shim.h"

#include "uring/uring.h"

struct uring {
	struct io_uring ring;
	uint32_t slots;
};

#endif
