/* perf/index_bench.c - what the index of the history costs, in bytes and in time.
 *
 *   indexbench [records]      default 1000000
 *
 * Fills the window with so many records that are spread over channels at random (the seed is
 * fixed), without names and with a producer's id in each; then goes on for as many again, so that
 * each record pushes one out; then walks; then merges it with another partition's index, which has
 * a tenth as many. One thread, each row in a process of its own; only what the router keeps for an
 * entry whose body is not in memory. Sizes come from history_size() and, as a check from outside,
 * from what the process holds more than before (PSS), which has no pages that were never touched.
 * Each add reads the clock once, which is in its time; ids do not repeat.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "base/slice.h"
#include "router/history_merge.h"

#define RECORDS_DEFAULT 1000000
#define WALKS 100000
#define SEED 20260125

struct setting {
	uint32_t channels;
	bool with_ids;
};

struct figures {
	double bytes_each;
	double resident_each; /* bytes */
	double fill_ns;       /* an add, while the window grows */
	double move_ns;       /* an add that pushes one out */
	double fill_worst_us; /* the longest of them: a table of hash chains doubled */
	double move_worst_us;
	double find_ns;  /* from a channel's name to its newest record */
	double step_ns;  /* from a record to the one before */
	double after_ns; /* from an event id to its number */
	double merge_ms; /* one index of this one and the other */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Kilobytes of this process, with its share of what it shares; 0: the kernel does not say. */
static uint64_t read_pss_kb(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	uint64_t pss_kb = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %" SCNu64 " kB", &pss_kb) == 1)
			break;
	if (file)
		fclose(file);
	return pss_kb;
}

/* As a keyed hash of a name would be. */
static uint64_t hash(uint64_t number)
{
	number = (number + 1) * 0x9E3779B97F4A7C15u;
	number = (number ^ number >> 32) * 0xD6E8FEB86659FD93u;
	return number ^ number >> 32;
}

static void fail(const char *text)
{
	fprintf(stderr, "indexbench: %s\n", text);
	exit(1);
}

/* Adds records until `end`. Returns ns for each, and how long the longest took. */
static double add(struct history *history, struct random *random, const struct setting *setting,
		  uint64_t end, double *ret_worst_us)
{
	uint64_t count = end - history_end(history), worst_ns = 0;
	uint64_t start_ns = now_ns(), last_ns = start_ns;

	for (uint64_t number = history_end(history); number < end; number++) {
		struct history_item item = {
			.id = {1769337000000 + number / 10, number % 10},
			.channel = hash(random_below(random, setting->channels)),
			.id_hash = setting->with_ids ? hash(number << 20) : 0,
			.counts = true,
		};

		if (history_add(history, &item) != HISTORY_ADDED)
			fail("a record was not added");
		uint64_t ended_ns = now_ns();

		if (ended_ns - last_ns > worst_ns)
			worst_ns = ended_ns - last_ns;
		last_ns = ended_ns;
	}
	*ret_worst_us = (double)worst_ns / 1000;
	return (double)(last_ns - start_ns) / (double)count;
}

/* Whole channels, from the newest record to the oldest one that is kept. */
static void walk(const struct history *history, const struct setting *setting,
		 struct figures *figures)
{
	uint64_t start_ns = now_ns(), found = 0, steps = 0;

	for (uint32_t i = 0; i < WALKS; i++)
		found += history_newest(history, hash(i % setting->channels)) != 0;
	figures->find_ns = (double)(now_ns() - start_ns) / WALKS;
	start_ns = now_ns();
	for (uint32_t i = 0; i < setting->channels && steps < history_count(history); i++) {
		uint64_t number = history_newest(history, hash(i));

		for (; number != 0; number = history_previous(history, number))
			steps += history_is_current(history, number, 1);
	}
	figures->step_ns = (double)(now_ns() - start_ns) / (double)steps;
	if (found == 0 || steps != history_count(history))
		fail("a walk did not find all records");
}

static void seek(const struct history *history, struct random *random, struct figures *figures)
{
	uint64_t first = history_first(history), count = history_count(history);
	uint64_t start_ns = now_ns();

	for (uint32_t i = 0; i < WALKS; i++) {
		uint64_t number = first + random_below(random, count);
		struct event_id id = {1769337000000 + number / 10, number % 10};

		if (history_after(history, id) != number + 1)
			fail("an event id was not found");
	}
	figures->after_ns = (double)(now_ns() - start_ns) / WALKS;
}

/* Of every tenth id, in as many channels of partition 1. */
static struct history *make_other(const struct history *history,
				  const struct history_options *options,
				  const struct setting *setting)
{
	struct history *other = history_create(options);
	struct random random;

	if (!other)
		fail("out of memory");
	random_init(&random, SEED + 1);
	for (uint64_t number = history_first(history); number < history_end(history);
	     number += 10) {
		uint64_t channel = setting->channels + random_below(&random, setting->channels);
		struct history_item item = {
			.id = history_id(history, number),
			.channel = hash(channel),
			.id_hash = setting->with_ids ? hash(number << 20 | 1) : 0,
			.counts = true,
			.partition = 1,
		};

		if (history_add(other, &item) != HISTORY_ADDED)
			fail("a record was not added");
	}
	return other;
}

static void merge(const struct history *history, struct history_options options,
		  const struct setting *setting, struct figures *figures)
{
	struct history *other = make_other(history, &options, setting);
	const struct partition_set kept = {{3}};
	uint64_t start_ns = now_ns();
	struct history *merged = history_merge(history, other, &kept);

	figures->merge_ms = (double)(now_ns() - start_ns) / 1000000;
	if (!merged || history_count(merged) != options.records_max)
		fail("the indexes were not merged");
	history_destroy(merged);
	history_destroy(other);
}

static struct figures measure(const struct setting *setting, uint64_t records)
{
	struct history_options options = {
		.retention_ms = UINT64_MAX, .records_max = records, .dedupe_ms = 600000};
	uint64_t before_kb = read_pss_kb();
	struct history *history = history_create(&options);
	struct figures figures;
	struct random random;

	if (!history)
		fail("out of memory");
	random_init(&random, SEED);
	figures.fill_ns = add(history, &random, setting, records + 1, &figures.fill_worst_us);
	figures.bytes_each = (double)history_size(history) / (double)records;
	figures.resident_each = (double)(read_pss_kb() - before_kb) * 1024 / (double)records;
	figures.move_ns = add(history, &random, setting, 2 * records + 1, &figures.move_worst_us);
	walk(history, setting, &figures);
	seek(history, &random, &figures);
	merge(history, options, setting, &figures);
	history_destroy(history);
	return figures;
}

static void print_conditions(uint64_t records)
{
	struct utsname machine;

	if (uname(&machine) != 0)
		fail("uname");
	printf("indexbench: %" PRIu64 " records in memory, as many again through it, seed %d\n",
	       records, SEED);
	printf("belfry %s, compiler %s, %s %s %s, one thread, heap of the C library\n",
	       BELFRY_VERSION, __VERSION__, machine.sysname, machine.release, machine.machine);
	printf("%34s | %-19s | %-19s | %-20s | %s\n", "bytes a record", "window fills",
	       "window moves", "walks, ns", "merge");
	printf("%9s %6s %8s %8s | %9s %9s | %9s %9s | %6s %6s %6s | %5s\n", "channels", "ids",
	       "index", "PSS", "adds/s", "worst us", "adds/s", "worst us", "newest", "prev",
	       "after", "ms");
	fflush(stdout);
}

/* In a process of its own, so that no row uses memory that another has left. */
static void run(const struct setting *setting, uint64_t records)
{
	pid_t child = fork();
	int status = 0;

	if (child != 0) {
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			exit(1);
		return;
	}
	const struct figures figures = measure(setting, records);

	printf("%9u %6s %8.1f %8.1f | %9.0f %9.0f | %9.0f %9.0f | %6.0f %6.0f %6.0f | %5.0f\n",
	       setting->channels, setting->with_ids ? "yes" : "no", figures.bytes_each,
	       figures.resident_each, 1e9 / figures.fill_ns, figures.fill_worst_us,
	       1e9 / figures.move_ns, figures.move_worst_us, figures.find_ns, figures.step_ns,
	       figures.after_ns, figures.merge_ms);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct setting settings[] = {
		{1000, false}, {1000, true}, {100000, false}, {100000, true}};
	uint64_t records = RECORDS_DEFAULT;

	if (argc > 2 || (argc == 2 && !slice_to_u64(slice_of_text(argv[1]), &records)) ||
	    records < 1000 || records > 100000000)
		fail("usage: indexbench [records], 1000 to 100000000");
	print_conditions(records);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		run(&settings[i], records);
	return 0;
}
