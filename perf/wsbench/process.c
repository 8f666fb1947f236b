/* wsbench/process.c - reading of /proc/PID. */
#include "wsbench/process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_STATE 0x0A
#define KIB 1024u

/* ---- who listens ---- */

/* The inode of the socket that listens on `port` in one table; 0: none. */
static unsigned long listening_inode(const char *table, uint16_t port)
{
	FILE *file = fopen(table, "r");
	unsigned long inode = 0, candidate;
	unsigned local_port, state;
	char line[512];

	while (file && inode == 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line,
			   " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x"
			   " %*s %*s %*s %*s %*s %lu",
			   &local_port, &state, &candidate) == 3 &&
		    local_port == port && state == LISTEN_STATE)
			inode = candidate;
	}
	if (file)
		fclose(file);
	return inode;
}

static bool holds_link(const char *folder, const char *wanted)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	bool is_found = false;
	char path[600], link[64];

	while (entries && !is_found && (entry = readdir(entries))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		ssize_t size = readlink(path, link, sizeof(link) - 1);
		if (size <= 0)
			continue;
		link[size] = '\0';
		is_found = strcmp(link, wanted) == 0;
	}
	if (entries)
		closedir(entries);
	return is_found;
}

int process_listening_on(uint16_t port)
{
	unsigned long inode = listening_inode("/proc/net/tcp", port);
	const struct dirent *entry;
	char wanted[64], folder[300];
	int pid = 0;

	if (inode == 0)
		inode = listening_inode("/proc/net/tcp6", port);
	DIR *processes = inode ? opendir("/proc") : NULL;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (processes && pid == 0 && (entry = readdir(processes))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(folder, sizeof(folder), "/proc/%s/fd", entry->d_name);
		if (holds_link(folder, wanted))
			pid = (int)strtol(entry->d_name, NULL, 10);
	}
	if (processes)
		closedir(processes);
	return pid;
}

/* ---- CPU ---- */

static bool read_first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "r");
	bool is_good = file && fgets(line, size, file);

	if (file)
		fclose(file);
	if (is_good)
		line[strcspn(line, "\n")] = '\0';
	return is_good;
}

/* schedstat counts in ns; stat, where the kernel has no schedstat, in ticks. */
static uint64_t read_thread_cpu(int pid, int tid)
{
	char path[64], line[1024];
	unsigned long long ns, user_ticks, system_ticks;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	if (read_first_line(path, line, sizeof(line)) && sscanf(line, "%llu", &ns) == 1)
		return ns;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (!read_first_line(path, line, sizeof(line)))
		return 0;
	const char *rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			    &user_ticks, &system_ticks) != 2)
		return 0;
	return (user_ticks + system_ticks) * (1000000000ull / (unsigned long)sysconf(_SC_CLK_TCK));
}

static void add_thread(int pid, int tid, struct process_sample *sample)
{
	uint64_t cpu_ns = read_thread_cpu(pid, tid);
	char path[64];

	sample->cpu_ns += cpu_ns;
	if (sample->threads_count == PROCESS_THREADS_MAX)
		return;
	struct thread_sample *thread = &sample->threads[sample->threads_count++];
	*thread = (struct thread_sample){.tid = tid, .cpu_ns = cpu_ns};
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	if (!read_first_line(path, thread->name, sizeof(thread->name)))
		thread->name[0] = '\0';
}

bool process_read_cpu(int pid, struct process_sample *ret_sample)
{
	struct process_sample sample = {0};
	const struct dirent *entry;
	char folder[64];

	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	DIR *threads = pid > 0 ? opendir(folder) : NULL;
	if (!threads)
		return false;
	while ((entry = readdir(threads)))
		if (isdigit((unsigned char)entry->d_name[0]))
			add_thread(pid, (int)strtol(entry->d_name, NULL, 10), &sample);
	closedir(threads);
	*ret_sample = sample;
	return true;
}

uint64_t process_thread_cpu_ns(const struct process_sample *before,
			       const struct thread_sample *after)
{
	for (unsigned i = 0; i < before->threads_count; i++)
		if (before->threads[i].tid == after->tid)
			return after->cpu_ns - before->threads[i].cpu_ns;
	return after->cpu_ns;
}

/* ---- memory ---- */

bool process_read(int pid, struct process_sample *ret_sample)
{
	unsigned long long kib;
	char path[64], line[256];

	if (!process_read_cpu(pid, ret_sample))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return true; /* CPU is better than nothing; memory stays 0 */
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Rss: %llu", &kib) == 1)
			ret_sample->rss_bytes = kib * KIB;
		if (sscanf(line, "Pss: %llu", &kib) == 1)
			ret_sample->pss_bytes = kib * KIB;
	}
	fclose(file);
	return true;
}
