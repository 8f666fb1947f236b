/* wsbench/process.h - what the kernel tells about another process: CPU per thread, memory.
 *
 * Layer   wsbench (may include: base)
 * Threads any
 * Memory  the caller's
 * Errors  false: no such process, or not ours to look at
 */
#ifndef BELFRY_WSBENCH_PROCESS_H
#define BELFRY_WSBENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define PROCESS_THREADS_MAX 64
#define PROCESS_NAME_MAX 16

struct thread_sample {
	int tid;
	char name[PROCESS_NAME_MAX];
	uint64_t cpu_ns;
};

struct process_sample {
	unsigned threads_count;
	struct thread_sample threads[PROCESS_THREADS_MAX];
	uint64_t cpu_ns; /* of all threads, also of those beyond the maximum */
	uint64_t rss_bytes, pss_bytes;
};

/* The process that has a socket listening on TCP `port`; 0: none, or its descriptors may not be
 * read. */
int process_listening_on(uint16_t port);

/* CPU only: cheap. A thread that runs at this moment counts up to its last tick. */
MUST_CHECK bool process_read_cpu(int pid, struct process_sample *ret_sample);

/* CPU and memory. PSS walks all pages: some milliseconds. */
MUST_CHECK bool process_read(int pid, struct process_sample *ret_sample);

/* CPU of thread `tid` between two samples, 0 when it is missing in one. */
uint64_t process_thread_cpu_ns(const struct process_sample *before,
			       const struct thread_sample *after);

#endif
