/* wsbench/mode_compare.c - the broker's broadcast beside the bare send loop, in turns. */
#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/raw_side.h"
#include "wsbench/stopwatch.h"

#define REST_NS (20 * NS_PER_MS)

struct comparison {
	struct bench *bench;
	struct broadcast broadcast;
	struct raw_side raw;
	struct process_sample before, after; /* of the last block */
	uint64_t broker_cpu_ns, broker_wall_ns, raw_wall_ns;
	uint64_t deliveries;
	bool is_sampled;
};

static bool run_broker_block(struct comparison *comparison, uint32_t count)
{
	struct bench *bench = comparison->bench;
	uint64_t messages = fleet_counts(bench->fleet).messages;

	bench_sleep_until(bench, stopwatch_now_ns() + REST_NS);
	comparison->is_sampled = process_read_cpu(bench->broker_pid, &comparison->before);
	uint64_t start_ns = stopwatch_now_ns();
	bool is_complete = broadcast_run(&comparison->broadcast, count);
	comparison->broker_wall_ns += stopwatch_now_ns() - start_ns;
	bench_sleep_until(bench, stopwatch_now_ns() + REST_NS);
	comparison->is_sampled &= process_read_cpu(bench->broker_pid, &comparison->after);
	comparison->deliveries += fleet_counts(bench->fleet).messages - messages;
	if (comparison->is_sampled)
		comparison->broker_cpu_ns +=
			comparison->after.cpu_ns - comparison->before.cpu_ns;
	return is_complete;
}

static bool run_raw_block(struct comparison *comparison, uint32_t count)
{
	bench_sleep_until(comparison->bench, stopwatch_now_ns() + REST_NS);
	uint64_t start_ns = stopwatch_now_ns();
	bool is_complete = broadcast_run(&comparison->raw.broadcast, count);
	comparison->raw_wall_ns += stopwatch_now_ns() - start_ns;
	return is_complete;
}

/* In turns, --block rounds each. */
static bool run_all(struct comparison *comparison)
{
	const struct options *options = comparison->bench->options;
	uint32_t warmup = (uint32_t)options->warmup, left = (uint32_t)options->count;

	if (!broadcast_run(&comparison->raw.broadcast, warmup) ||
	    !broadcast_run(&comparison->broadcast, warmup))
		return false;
	raw_side_forget(&comparison->raw);
	while (left > 0) {
		uint32_t count = left < options->block ? left : (uint32_t)options->block;

		if (!run_raw_block(comparison, count) || !run_broker_block(comparison, count))
			return false;
		left -= count;
	}
	return true;
}

static void report_side(struct report *report, const struct rounds *rounds, uint32_t warmup,
			const char *label)
{
	struct histogram last;

	broadcast_last_receiver(rounds, warmup, &last);
	report_histogram(report, label, &last, "ms");
}

static void report_ratio(const struct comparison *comparison)
{
	const struct options *options = comparison->bench->options;
	struct report *report = &comparison->bench->report;
	double floor_ns = raw_side_each_ns(&comparison->raw);
	double broker_ns = comparison->deliveries ? (double)comparison->broker_cpu_ns /
							    (double)comparison->deliveries
						  : 0;

	report_section(report, "compare", "Broker and floor, in turns");
	report_count(report, "rounds", "rounds of each", options->count);
	report_count(report, "block", "rounds in a row", options->block);
	report_side(report, &comparison->bench->rounds, (uint32_t)options->warmup,
		    "broker_last_receiver");
	report_side(report, &comparison->raw.rounds, (uint32_t)options->warmup,
		    "floor_last_receiver");
	report_number(report, "broker_wall_s", "broker took",
		      (struct report_value){(double)comparison->broker_wall_ns / 1e9, 3, "s"});
	report_number(report, "floor_wall_s", "floor took",
		      (struct report_value){(double)comparison->raw_wall_ns / 1e9, 3, "s"});
	report_number(report, "floor_each_us", "floor, CPU per delivery",
		      (struct report_value){floor_ns / 1e3, 3, "us"});
	if (!comparison->is_sampled) {
		report_text(report, NULL, "broker, CPU per delivery", "unknown: --broker-pid");
		return;
	}
	report_number(report, "broker_each_us", "broker, CPU per delivery",
		      (struct report_value){broker_ns / 1e3, 3, "us"});
	report_number(report, "ratio", "broker / floor",
		      (struct report_value){floor_ns > 0 ? broker_ns / floor_ns : 0, 3, ""});
}

static bool setup(struct comparison *comparison, struct bench *bench)
{
	const struct options *options = bench->options;
	uint32_t rounds_count = (uint32_t)(options->warmup + options->count);

	*comparison = (struct comparison){.bench = bench};
	if (!bench_init(bench, options, rounds_count, true) ||
	    !raw_side_init(&comparison->raw, bench, rounds_count))
		return false;
	comparison->broadcast = (struct broadcast){
		.bench = bench,
		.rounds = &bench->rounds,
		.fleet = bench->fleet,
		.window = 1,
		.interval_ns = options->interval_ms * NS_PER_MS,
	};
	return true;
}

int mode_compare(const struct options *options)
{
	static struct bench bench;
	static struct comparison comparison;
	bool is_good = false;

	bench.options = options;
	if (setup(&comparison, &bench)) {
		bench_connect(&bench, (uint32_t)options->conns);
		fleet_set_gathering(bench.fleet, true);
		atomic_store(&bench.rounds.recorded_from, (uint32_t)options->warmup);
		atomic_store(&comparison.raw.rounds.recorded_from, (uint32_t)options->warmup);
		is_good = raw_side_connect(&comparison.raw) && run_all(&comparison);
		bench_await_answers(&bench);
		is_good &= raw_side_judge(&comparison.raw);
		is_good &= bench_judge(&bench, NULL);
		raw_side_report(&comparison.raw, &bench.report);
		report_ratio(&comparison);
		bench_report_self(&bench);
		is_good &= bench_print(&bench);
	}
	bool is_made = comparison.raw.fleet != NULL;
	raw_side_deinit(&comparison.raw);
	bench_deinit(&bench);
	return !is_made ? EXIT_MACHINE : is_good ? 0 : EXIT_WRONG;
}
