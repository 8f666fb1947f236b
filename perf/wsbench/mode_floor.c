/* wsbench/mode_floor.c - what sending costs without any broker. */
#include <unistd.h>

#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/raw_side.h"
#include "wsbench/stopwatch.h"

static void report_run(struct bench *bench, struct raw_side *side, uint64_t wall_ns)
{
	struct report *report = &bench->report;
	struct histogram last, latency = {0};
	double seconds = (double)wall_ns / (double)NS_PER_S;

	raw_side_report(side, report);
	fleet_latency(side->fleet, &latency);
	broadcast_last_receiver(&side->rounds, (uint32_t)bench->options->warmup, &last);
	report_number(report, "deliveries_per_s", "deliveries",
		      (struct report_value){(double)latency.count / seconds, 0, "per second"});
	report_histogram(report, "latency", &latency, "us");
	report_histogram(report, "last_receiver", &last, "ms");
}

int mode_floor(const struct options *options)
{
	static struct bench bench;
	struct raw_side side;
	uint32_t warmup = (uint32_t)options->warmup, count = (uint32_t)options->count;

	bench = (struct bench){.options = options};
	bench_report_run(&bench);
	progress_init(&bench.progress, options->progress);
	if (!raw_side_init(&side, &bench, warmup + count))
		return EXIT_MACHINE;
	bool is_good = raw_side_connect(&side);
	atomic_store(&side.rounds.recorded_from, warmup);
	is_good = is_good && broadcast_run(&side.broadcast, warmup);
	raw_side_forget(&side);
	uint64_t start_ns = stopwatch_now_ns();
	is_good = is_good && broadcast_run(&side.broadcast, count);
	uint64_t wall_ns = stopwatch_now_ns() - start_ns;
	is_good &= raw_side_judge(&side);
	report_run(&bench, &side, wall_ns);
	bench.fleet = side.fleet;
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	raw_side_deinit(&side);
	return is_good ? 0 : EXIT_WRONG;
}
