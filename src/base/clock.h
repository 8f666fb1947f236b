/* base/clock.h - what time it is.
 *
 * Layer   base
 * Threads any
 * Memory  none
 * Errors  none
 */
#ifndef BELFRY_BASE_CLOCK_H
#define BELFRY_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds that never go backwards; only differences mean something. */
uint64_t clock_monotonic_ns(void);

/* Milliseconds since the Unix epoch. */
uint64_t clock_unix_ms(void);

#endif
