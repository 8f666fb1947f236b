/* broker/machine.c - affinity, cgroup quota, RLIMIT_NOFILE. */
#include "broker/machine.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

/* cpu.max of cgroup v2, or the two files of v1; UINT32_MAX without a quota. */
static uint32_t quota_cpus(void)
{
	long quota = -1, period = 0;
	FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");

	if (file) {
		if (fscanf(file, "%ld %ld", &quota, &period) != 2)
			quota = -1; /* "max" */
		fclose(file);
	} else {
		file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
		if (file && fscanf(file, "%ld", &quota) != 1)
			quota = -1;
		if (file)
			fclose(file);
		period = 100000;
	}
	if (quota <= 0 || period <= 0)
		return UINT32_MAX;
	return (uint32_t)((quota + period - 1) / period);
}

uint32_t machine_cpus(void)
{
	cpu_set_t set;
	uint32_t quota = quota_cpus();
	uint32_t count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (uint32_t)CPU_COUNT(&set);
	if (count > quota)
		count = quota;
	return count > 0 ? count : 1;
}

uint32_t machine_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)limit.rlim_cur;
}
