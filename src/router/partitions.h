/* router/partitions.h - the keys of the log's streams.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the keys, made once
 * Errors  STATUS_NO_MEMORY
 */
#ifndef BELFRY_ROUTER_PARTITIONS_H
#define BELFRY_ROUTER_PARTITIONS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"

struct partitions {
	uint32_t count; /* 1..PARTITIONS_MAX (wire/partition.h) */
	struct slice *keys;
	uint8_t *bytes;
};

MUST_CHECK enum status partitions_init(struct partitions *partitions, struct slice stream,
				       uint32_t count);
void partitions_deinit(struct partitions *partitions);

#endif
