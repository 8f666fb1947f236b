/* wsbench/kernel_memory.h - what the whole machine's kernel holds for sockets.
 *
 * Layer   wsbench (may include: libc)
 * Threads any
 * Memory  the caller's
 * Errors  fields that cannot be read are 0
 *
 * Both ends of a connection are on this machine, and the client end has an armed receive of about
 * 0.9 KB as well: a difference of two samples is the price of pairs, not of the server's ends.
 */
#ifndef BELFRY_WSBENCH_KERNEL_MEMORY_H
#define BELFRY_WSBENCH_KERNEL_MEMORY_H

#include <stdint.h>

struct kernel_memory {
	uint64_t slab_bytes;	      /* Slab of /proc/meminfo */
	uint64_t unreclaimable_bytes; /* SUnreclaim: its part that sockets are in */
	uint64_t tcp_bytes;	      /* "mem" of TCP in /proc/net/sockstat: queued data */
	uint64_t tcp_sockets;	      /* "inuse" */
	uint64_t tcp_waiting;	      /* "tw" */
};

struct kernel_memory kernel_memory_read(void);

#endif
