/* tests/model/fanout_stubs.h - what lies around the fan-out and does nothing in its model.
 *
 * Layer   tests
 * Threads one
 * Memory  a heap object, freed by fanout_shard_destroy
 * Errors  aborts
 */
#ifndef BELFRY_TESTS_MODEL_FANOUT_STUBS_H
#define BELFRY_TESTS_MODEL_FANOUT_STUBS_H

#include "shard/shard.h"

/* A shard without a ring; the index is 0, and the bounds of tapes and outboxes are not set. */
struct shard *fanout_shard_create(const struct shard_options *options);
void fanout_shard_destroy(struct shard *shard);

#endif
