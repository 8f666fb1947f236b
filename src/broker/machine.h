/* broker/machine.h - what the machine, the container and the limits allow.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  none
 * Errors  none: what cannot be found out gets the cautious answer
 */
#ifndef BELFRY_BROKER_MACHINE_H
#define BELFRY_BROKER_MACHINE_H

#include <stdint.h>

/* Processors this process may use: affinity, and the cgroup's quota rounded up; at least 1. */
uint32_t machine_cpus(void);

/* Raises the soft limit on descriptors to the hard one. Returns it: it bounds a ring's table. */
uint32_t machine_raise_descriptors(void);

#endif
