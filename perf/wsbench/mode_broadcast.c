/* wsbench/mode_broadcast.c - messages to everybody, --window of them at a time. */
#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define REST_NS (20 * NS_PER_MS) /* until threads that go to sleep have done so */

struct run {
	struct process_sample before, after;
	bool is_sampled;
	uint64_t wall_ns;
	uint64_t messages;
};

static void rest(struct bench *bench)
{
	bench_sleep_until(bench, stopwatch_now_ns() + REST_NS);
}

/* The measured part. */
static void measure(struct bench *bench, struct broadcast *broadcast, struct run *run)
{
	uint64_t messages = fleet_counts(bench->fleet).messages;

	rest(bench);
	run->is_sampled = process_read_cpu(bench->broker_pid, &run->before);
	uint64_t start_ns = stopwatch_now_ns();
	bool is_complete = broadcast_run(broadcast, (uint32_t)bench->options->count);
	run->wall_ns = stopwatch_now_ns() - start_ns;
	(void)is_complete; /* the verdict knows */
	rest(bench);
	run->is_sampled &= process_read_cpu(bench->broker_pid, &run->after);
	run->messages = fleet_counts(bench->fleet).messages - messages;
	bench_await_answers(bench);
}

static void report_run(struct bench *bench, const struct run *run)
{
	const struct options *options = bench->options;
	double seconds = (double)run->wall_ns / (double)NS_PER_S;
	struct report *report = &bench->report;
	struct histogram last;

	broadcast_last_receiver(&bench->rounds, (uint32_t)options->warmup, &last);
	report_section(report, "broadcast", "Broadcast");
	report_count(report, "messages", "messages", options->count);
	report_count(report, "window", "under way at a time", options->window);
	report_number(report, "interval_ms", "from one to the next, at least",
		      (struct report_value){(double)options->interval_ms, 0, "ms"});
	report_text(report, "gathering", "readers wake", "for %llu sockets, or after %llu us",
		    (unsigned long long)options->reap, (unsigned long long)options->reap_us);
	report_number(report, "wall_s", "took", (struct report_value){seconds, 3, "s"});
	report_number(report, "deliveries_per_s", "deliveries",
		      (struct report_value){seconds > 0 ? (double)run->messages / seconds : 0, 0,
					    "per second"});
	report_histogram(report, "last_receiver", &last, "ms");
	if (!run->is_sampled)
		return;
	report_section(report, "broker", "CPU of the broker while broadcasting");
	bench_report_cpu(bench, &run->before, &run->after, run->messages);
}

int mode_broadcast(const struct options *options)
{
	static struct bench bench;
	uint32_t warmup = (uint32_t)options->warmup;
	struct run run = {0};

	if (!bench_init(&bench, options, warmup + (uint32_t)options->count, true)) {
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	struct broadcast broadcast = {
		.bench = &bench,
		.rounds = &bench.rounds,
		.fleet = bench.fleet,
		.window = (uint32_t)options->window,
		.interval_ns = options->interval_ms * NS_PER_MS,
	};
	bench_connect(&bench, (uint32_t)options->conns);
	fleet_set_gathering(bench.fleet, true);
	atomic_store(&bench.rounds.recorded_from, warmup);
	if (broadcast_run(&broadcast, warmup))
		measure(&bench, &broadcast, &run);
	bool is_good = bench_judge(&bench, NULL);
	report_run(&bench, &run);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	return is_good ? 0 : EXIT_WRONG;
}
