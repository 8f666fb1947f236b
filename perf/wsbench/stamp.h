/* wsbench/stamp.h - what a message carries for its receiver: number, time, addressee.
 *
 * Layer   wsbench (may include: base)
 * Threads any
 * Memory  the caller's
 * Errors  false: no stamp in these bytes
 *
 * The data is {"n":17,"t":123456789,"u":42,"p":"xxxx"}: n counts the messages of the channel from
 * 0, t is CLOCK_MONOTONIC in ns at the moment of publishing, u (only in messages for one user) is
 * the client that it is for, p fills up to the wanted size.
 */
#ifndef BELFRY_WSBENCH_STAMP_H
#define BELFRY_WSBENCH_STAMP_H

#include "base/writer.h"

#define STAMP_MARKER "{\"n\":"
#define STAMP_NO_USER UINT32_MAX
#define STAMP_SIZE_MIN 64  /* bytes of the largest stamp without filling, rounded up */
#define STAMP_SIZE_MAX 60000 /* bytes of data; what a broker takes at most is 64 KiB */

struct stamp {
	uint64_t published_ns;
	uint32_t number;
	uint32_t user; /* STAMP_NO_USER: for everybody */
};

/* Writes the data of a message, filled to `size` bytes (more when the stamp itself is larger). */
void stamp_write(struct writer *writer, const struct stamp *stamp, size_t size);

/* Finds the stamp behind the first `marker` in `text`. Only the order of the numbers counts, so
 * quotes may be escaped by a server that wraps the data in a string. */
MUST_CHECK bool stamp_find(struct slice text, struct slice marker, struct stamp *ret_stamp);

#endif
