/* lane/verified.h - making, sharing and dropping verified tokens.
 *
 * Layer   lane (may include: base, libc)
 * Threads create: a shard, before anybody else knows it; ref, unref: any
 * Memory  one heap block each
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_LANE_VERIFIED_H
#define BELFRY_LANE_VERIFIED_H

#include <stddef.h>

#include "base/compiler.h"
#include "belfry/verified.h"

/* A copy of `source` and its texts, with one reference. */
MUST_CHECK struct verified *verified_create(const struct verified *source);

/* Its bytes on the heap. */
size_t verified_size(const struct verified *verified);

/* Adds `count` references: one for each shard it will be told to. */
void verified_ref(struct verified *verified, uint32_t count);

/* Drops one reference; the last one frees. */
void verified_unref(struct verified *verified);

#endif
