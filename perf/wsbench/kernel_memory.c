/* wsbench/kernel_memory.c - reading of /proc/meminfo and /proc/net/sockstat. */
#include "wsbench/kernel_memory.h"

#include <stdio.h>
#include <unistd.h>

#define KIB 1024u

static void read_meminfo(struct kernel_memory *memory)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Slab: %llu", &kib) == 1)
			memory->slab_bytes = kib * KIB;
		if (sscanf(line, "SUnreclaim: %llu", &kib) == 1)
			memory->unreclaimable_bytes = kib * KIB;
	}
	if (file)
		fclose(file);
}

static void read_sockstat(struct kernel_memory *memory)
{
	FILE *file = fopen("/proc/net/sockstat", "r");
	unsigned long long in_use, waiting, pages;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "TCP: inuse %llu orphan %*u tw %llu alloc %*u mem %llu", &in_use,
			   &waiting, &pages) != 3)
			continue;
		memory->tcp_sockets = in_use;
		memory->tcp_waiting = waiting;
		memory->tcp_bytes = pages * (unsigned long)sysconf(_SC_PAGESIZE);
	}
	if (file)
		fclose(file);
}

struct kernel_memory kernel_memory_read(void)
{
	struct kernel_memory memory = {0};

	read_meminfo(&memory);
	read_sockstat(&memory);
	return memory;
}
