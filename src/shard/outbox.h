/* shard/outbox.h - bytes that wait for one connection.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  heap chunks, freed as they are sent; a connection with nothing waiting has none
 * Errors  STATUS_TOO_LARGE: over the bound, nothing was added; STATUS_NO_MEMORY
 *
 * Chunks never move and never grow over their capacity, so bytes that were given to the kernel
 * stay where they are while more is added.
 */
#ifndef BELFRY_SHARD_OUTBOX_H
#define BELFRY_SHARD_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"

struct outbox;

/* Adds a copy of `bytes` behind what waits in *outbox, making the outbox when it is NULL.
 * `size_max` bounds all that waits, in bytes. */
MUST_CHECK enum status outbox_append(struct outbox **outbox, struct slice bytes, size_t size_max);

/* Adds heap memory of `size` bytes without a copy; the outbox frees it, also on failure. */
MUST_CHECK enum status outbox_append_owned(struct outbox **outbox, uint8_t *bytes, size_t size);

/* Adds a copy before everything else: the rest of a frame of which some bytes are out. */
MUST_CHECK enum status outbox_prepend(struct outbox **outbox, struct slice bytes);

/* Bytes that wait; 0 for NULL. */
size_t outbox_size(const struct outbox *outbox);

/* The first bytes that are in one piece; at least 1. */
struct slice outbox_first(const struct outbox *outbox);

/* The first `size` bytes are out. When none is left *outbox becomes NULL. */
void outbox_consume(struct outbox **outbox, size_t size);

void outbox_destroy(struct outbox **outbox);

#endif
