/* wsbench/modes.h - one function per mode; each returns the exit code.
 *
 * Layer   wsbench (may include: bench, broadcast)
 * Threads the main thread
 * Memory  freed before they return
 * Errors  EXIT_WRONG, EXIT_MACHINE
 */
#ifndef BELFRY_WSBENCH_MODES_H
#define BELFRY_WSBENCH_MODES_H

#include "wsbench/bench.h"

int mode_hold(const struct options *options);
int mode_broadcast(const struct options *options);
int mode_unicast(const struct options *options);
int mode_churn(const struct options *options);
int mode_storm(const struct options *options);
int mode_resume(const struct options *options);
int mode_floor(const struct options *options);
int mode_compare(const struct options *options);
int mode_xread(const struct options *options);

#endif
