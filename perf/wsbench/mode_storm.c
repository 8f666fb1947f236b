/* wsbench/mode_storm.c - everybody is cut off at once and comes back at once. */
#include <unistd.h>

#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define NAP_US 1000

struct storm {
	struct bench *bench;
	struct broadcast broadcast;
	uint64_t back_ns; /* until all were back */
	struct process_sample before, after;
	bool is_sampled;
	bool is_heard; /* a broadcast before and after the storm reached everybody */
};

/* All openings count, so that those who have not been cut yet are not taken for back. */
static bool wait_until_back(struct storm *storm, uint64_t opened_before)
{
	struct bench *bench = storm->bench;
	uint64_t now_ns = stopwatch_now_ns();
	uint64_t deadline_ns = now_ns + bench->options->deadline_s * NS_PER_S;

	for (; now_ns < deadline_ns; now_ns = stopwatch_now_ns()) {
		struct fleet_counts counts = fleet_counts(bench->fleet);
		uint64_t back = counts.opened - opened_before;

		if (back + counts.failed + counts.dropped >= bench->options->conns)
			return back >= bench->options->conns;
		if (progress_is_due(&bench->progress, now_ns))
			progress_show(&bench->progress, "storm: %llu of %llu back, %llu retries",
				      (unsigned long long)back,
				      (unsigned long long)bench->options->conns,
				      (unsigned long long)counts.retried);
		usleep(NAP_US);
	}
	return false;
}

static bool check_all(struct storm *storm)
{
	fleet_set_gathering(storm->bench->fleet, true);
	bool is_complete = broadcast_run(&storm->broadcast, 1);
	fleet_set_gathering(storm->bench->fleet, false);
	bench_await_answers(storm->bench);
	return is_complete;
}

static void run(struct storm *storm)
{
	struct bench *bench = storm->bench;

	storm->is_heard = check_all(storm);
	bench_sleep_until(bench, stopwatch_now_ns() + bench->options->settle_ms * NS_PER_MS);
	uint64_t opened = fleet_counts(bench->fleet).opened;
	storm->is_sampled = process_read_cpu(bench->broker_pid, &storm->before);
	uint64_t start_ns = stopwatch_now_ns();
	fleet_cut(bench->fleet);
	if (!wait_until_back(storm, opened))
		bench->is_incomplete = true;
	storm->back_ns = stopwatch_now_ns() - start_ns;
	storm->is_sampled &= process_read_cpu(bench->broker_pid, &storm->after);
	storm->is_heard &= check_all(storm);
}

static void report_run(const struct storm *storm)
{
	const struct options *options = storm->bench->options;
	struct report *report = &storm->bench->report;
	double seconds = (double)storm->back_ns / (double)NS_PER_S;

	report_section(report, "storm", "Storm");
	report_number(report, "back_s", "until all were back",
		      (struct report_value){seconds, 3, "s"});
	report_number(report, "handshakes_per_s", "that is",
		      (struct report_value){seconds > 0 ? (double)options->conns / seconds : 0, 0,
					    "per second"});
	report_text(report, "window", "at a time, per ring", "%s",
		    options->storm_window ? "limited by --storm-window" : "all");
	report_count(report, "retried", "refused and tried again",
		     fleet_counts(storm->bench->fleet).retried);
	report_text(report, "heard", "a broadcast before and after", "%s",
		    storm->is_heard ? "reached everybody" : "did not reach everybody");
	if (!storm->is_sampled)
		return;
	report_section(report, "broker", "CPU of the broker during the storm");
	bench_report_cpu(storm->bench, &storm->before, &storm->after, 0);
	report_number(report, "cpu_each_us", "per connection",
		      (struct report_value){
			      (double)(storm->after.cpu_ns - storm->before.cpu_ns) /
				      (double)options->conns / 1e3,
			      1, "us"});
}

int mode_storm(const struct options *options)
{
	static struct bench bench;
	static struct storm storm;

	if (!bench_init(&bench, options, 2, true)) {
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	storm.bench = &bench;
	storm.broadcast = (struct broadcast){
		.bench = &bench,
		.rounds = &bench.rounds,
		.fleet = bench.fleet,
		.window = 1,
	};
	bench_connect(&bench, (uint32_t)options->conns);
	run(&storm);
	bool is_good = bench_judge(&bench, NULL) && storm.is_heard;
	report_run(&storm);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	return is_good ? 0 : EXIT_WRONG;
}
