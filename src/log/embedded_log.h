/* log/embedded_log.h - the log of a node without Redis: it gives ids, in order.
 *
 * Layer   log (may include: base)
 * Threads the router
 * Memory  16 bytes; entries are passed on, not kept
 * Errors  none
 */
#ifndef BELFRY_LOG_EMBEDDED_LOG_H
#define BELFRY_LOG_EMBEDDED_LOG_H

#include <stdint.h>

#include "belfry/event_id.h"

struct embedded_log {
	struct event_id last; /* of the newest entry */
};

/* As if an entry had been appended before the program began: ids do not start at 0-0. */
void embedded_log_init(struct embedded_log *log, uint64_t now_ms);

/* The id of a new entry, made as Redis makes it: the time, and a number inside the millisecond.
 * Always after the one before, also when the clock goes back. */
struct event_id embedded_log_append(struct embedded_log *log, uint64_t now_ms);

#endif
