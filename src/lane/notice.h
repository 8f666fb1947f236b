/* lane/notice.h - making, sharing and dropping notices.
 *
 * Layer   lane (may include: base, libc)
 * Threads create: the router, before anybody else knows the notice; ref, unref: any
 * Memory  one heap block per notice
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_LANE_NOTICE_H
#define BELFRY_LANE_NOTICE_H

#include "base/compiler.h"
#include "belfry/notice.h"

/* A notice with one reference, `channels_count` channels all zero, and `bytes_size` bytes behind
 * them, which *ret_bytes points to. NULL: out of memory, *ret_bytes untouched. */
MUST_CHECK struct notice *notice_create(uint32_t channels_count, size_t bytes_size,
					uint8_t **ret_bytes);

/* Adds `count` references: one for each shard it will be delivered to. */
void notice_ref(struct notice *notice, uint32_t count);

/* Drops one reference; the last one frees. */
void notice_unref(struct notice *notice);

#endif
