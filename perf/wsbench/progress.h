/* wsbench/progress.h - one live line on stderr.
 *
 * Layer   wsbench (may include: base)
 * Threads the main thread
 * Memory  none
 * Errors  none
 */
#ifndef BELFRY_WSBENCH_PROGRESS_H
#define BELFRY_WSBENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct progress {
	bool is_shown;
	uint64_t next_ns;
};

/* Shown on a terminal, or when `is_forced`. */
void progress_init(struct progress *progress, bool is_forced);

/* It is time to show the line again (four times a second). */
MUST_CHECK bool progress_is_due(struct progress *progress, uint64_t now_ns);

void progress_show(struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);

/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
