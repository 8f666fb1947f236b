/* admin/metrics.h - the counters as OpenMetrics text.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads any; reads counters that other threads write
 * Memory  the caller's
 * Errors  the writer's overflow
 *
 * OpenMetrics 1.0: counters end in _total, the text in "# EOF".
 */
#ifndef BELFRY_ADMIN_METRICS_H
#define BELFRY_ADMIN_METRICS_H

#include "base/writer.h"
#include "belfry/counters.h"

/* Bytes that metrics_write needs at most. */
size_t metrics_size_max(const struct counters *counters);

void metrics_write(struct writer *writer, const struct counters *counters);

#endif
