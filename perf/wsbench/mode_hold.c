/* wsbench/mode_hold.c - many idle connections: what they cost, and that they are alive. */
#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

struct moment {
	struct process_sample broker;
	struct kernel_memory kernel;
	uint64_t conns;
	uint64_t time_ns;
};

struct hold {
	struct bench *bench;
	struct broadcast broadcast;
	struct moment empty, baseline, full, idle_end;
	bool is_sampled;
};

/* Everything that was going on has come to rest before it is looked at. */
static void look(struct hold *hold, struct moment *moment)
{
	struct bench *bench = hold->bench;

	bench_sleep_until(bench, stopwatch_now_ns() + bench->options->settle_ms * NS_PER_MS);
	moment->kernel = kernel_memory_read();
	hold->is_sampled = process_read(bench->broker_pid, &moment->broker);
	moment->conns = fleet_counts(bench->fleet).ready;
	moment->time_ns = stopwatch_now_ns();
}

/* A broadcast at the start and one at the end show that everybody is there. */
static bool check_all(struct hold *hold, uint32_t count)
{
	if (count == 0)
		return true;
	fleet_set_gathering(hold->bench->fleet, true);
	bool is_complete = broadcast_run(&hold->broadcast, count);
	fleet_set_gathering(hold->bench->fleet, false);
	bench_await_answers(hold->bench);
	return is_complete;
}

static void run(struct hold *hold)
{
	struct bench *bench = hold->bench;
	const struct options *options = bench->options;
	uint32_t first = (uint32_t)(options->count + 1) / 2;

	look(hold, &hold->empty);
	hold->baseline = hold->empty;
	if (options->baseline > 0) {
		bench_connect(bench, (uint32_t)options->baseline);
		look(hold, &hold->baseline);
	}
	bench_connect(bench, (uint32_t)options->conns);
	look(hold, &hold->full);
	bench_sleep_until(bench, stopwatch_now_ns() + options->seconds * NS_PER_S);
	hold->is_sampled &= process_read(bench->broker_pid, &hold->idle_end.broker);
	hold->idle_end.time_ns = stopwatch_now_ns();
	if (!check_all(hold, first) || !check_all(hold, (uint32_t)options->count - first))
		bench->is_incomplete = true;
}

static double per_conn(uint64_t after, uint64_t before, const struct hold *hold)
{
	uint64_t conns = hold->full.conns - hold->baseline.conns;

	return conns ? ((double)after - (double)before) / (double)conns : 0;
}

static void report_bytes(struct report *report, const char *key, const char *label, double bytes)
{
	report_number(report, key, label, (struct report_value){bytes, 1, "bytes"});
}

static void report_mib(struct report *report, const char *key, const char *label, uint64_t bytes)
{
	report_number(report, key, label,
		      (struct report_value){(double)bytes / (1024 * 1024), 2, "MiB"});
}

static void report_kernel(const struct hold *hold, struct report *report)
{
	const struct kernel_memory *after = &hold->full.kernel, *before = &hold->baseline.kernel;
	double pair = per_conn(after->unreclaimable_bytes, before->unreclaimable_bytes, hold);

	report_section(report, "kernel",
		       "Kernel memory per connection, both ends on this machine");
	report_bytes(report, "slab_pair_bytes", "slab, the pair of ends",
		     per_conn(after->slab_bytes, before->slab_bytes, hold));
	report_bytes(report, "unreclaimable_pair_bytes", "of it unreclaimable", pair);
	report_bytes(report, "unreclaimable_half_bytes", "half of that", pair / 2);
	report_text(report, NULL, "note", "%s",
		    "the client's end has a receive armed: 865 bytes more than a bare socket");
	report_bytes(report, "tcp_pair_bytes", "queued data, the pair",
		     per_conn(after->tcp_bytes, before->tcp_bytes, hold));
	report_count(report, "tcp_sockets", "TCP sockets in use", after->tcp_sockets);
}

static void report_idle_cpu(const struct hold *hold, struct report *report)
{
	double wall_ns = (double)(hold->idle_end.time_ns - hold->full.time_ns);
	double cpu_ns = (double)(hold->idle_end.broker.cpu_ns - hold->full.broker.cpu_ns);

	report_section(report, "idle", "CPU of the broker while idle");
	report_number(report, "wall_s", "watched for",
		      (struct report_value){wall_ns / (double)NS_PER_S, 1, "s"});
	bench_report_cpu(hold->bench, &hold->full.broker, &hold->idle_end.broker, 0);
	report_number(report, "core_percent", "of one core",
		      (struct report_value){wall_ns > 0 ? 100 * cpu_ns / wall_ns : 0, 3, "%"});
}

static void report_hold(const struct hold *hold)
{
	struct report *report = &hold->bench->report;

	report_section(report, "hold", "Hold");
	report_count(report, "connections", "connections held", hold->full.conns);
	report_count(report, "baseline", "baseline for differences", hold->baseline.conns);
	if (hold->is_sampled) {
		report_section(report, "broker", "Memory of the broker");
		report_mib(report, "rss_mib", "RSS", hold->full.broker.rss_bytes);
		report_mib(report, "pss_mib", "PSS", hold->full.broker.pss_bytes);
		report_mib(report, "pss_baseline_mib", "PSS at the baseline",
			   hold->baseline.broker.pss_bytes);
		report_mib(report, "pss_end_mib", "PSS at the end of the idle time",
			   hold->idle_end.broker.pss_bytes);
		report_bytes(report, "pss_per_connection", "PSS per connection, of the difference",
			     per_conn(hold->full.broker.pss_bytes, hold->baseline.broker.pss_bytes,
				      hold));
	}
	report_kernel(hold, report);
	if (hold->is_sampled)
		report_idle_cpu(hold, report);
}

int mode_hold(const struct options *options)
{
	static struct bench bench;
	static struct hold hold;

	if (!bench_init(&bench, options, (uint32_t)options->count, options->count > 0)) {
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	hold.bench = &bench;
	hold.broadcast = (struct broadcast){
		.bench = &bench,
		.rounds = &bench.rounds,
		.fleet = bench.fleet,
		.window = 1,
	};
	run(&hold);
	bool is_good = bench_judge(&bench, NULL);
	report_hold(&hold);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	return is_good ? 0 : EXIT_WRONG;
}
