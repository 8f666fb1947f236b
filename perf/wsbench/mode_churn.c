/* wsbench/mode_churn.c - connections come and go while messages go out. */
#include "wsbench/broadcast.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define STEP_NS (10 * NS_PER_MS) /* connections are recycled in portions of so much time */
#define LAST_NS NS_PER_S	 /* what was published last arrives within it */

struct churn {
	struct bench *bench;
	struct broadcast broadcast;
	uint64_t asked; /* to be recycled, so far */
	uint64_t wall_ns;
	struct process_sample before, after;
	bool is_sampled;
};

static void step(struct churn *churn, uint64_t elapsed_ns)
{
	uint64_t due = (uint64_t)((double)churn->bench->options->rate * (double)elapsed_ns /
				  (double)NS_PER_S);

	if (due > churn->asked)
		fleet_recycle(churn->bench->fleet, (uint32_t)(due - churn->asked));
	churn->asked = due > churn->asked ? due : churn->asked;
	if (stopwatch_now_ns() >= churn->broadcast.next_ns &&
	    atomic_load(&churn->bench->rounds.issued) < churn->bench->rounds.count)
		broadcast_publish(&churn->broadcast);
}

static void run(struct churn *churn)
{
	struct bench *bench = churn->bench;
	const struct options *options = bench->options;

	churn->is_sampled = process_read_cpu(bench->broker_pid, &churn->before);
	uint64_t start_ns = stopwatch_now_ns(), now_ns = start_ns;
	uint64_t end_ns = start_ns + options->seconds * NS_PER_S;
	for (; now_ns < end_ns && !bench->publisher->has_failed; now_ns = stopwatch_now_ns()) {
		step(churn, now_ns - start_ns);
		bench_sleep_until(bench, now_ns + STEP_NS);
	}
	churn->wall_ns = stopwatch_now_ns() - start_ns;
	if (!bench_wait_ready(bench, bench->fleet, (uint32_t)options->conns))
		bench->is_incomplete = true;
	broadcast_publish(&churn->broadcast); /* reaches everybody who came back */
	bench_sleep_until(bench, stopwatch_now_ns() + LAST_NS);
	churn->is_sampled &= process_read_cpu(bench->broker_pid, &churn->after);
	bench_await_answers(bench);
}

static void report_run(const struct churn *churn)
{
	uint64_t recycled = fleet_counts(churn->bench->fleet).recycled;
	struct report *report = &churn->bench->report;
	double seconds = (double)churn->wall_ns / (double)NS_PER_S;

	report_section(report, "churn", "Churn");
	report_count(report, "recycled", "closed and opened again", recycled);
	report_number(report, "rate", "rate reached",
		      (struct report_value){seconds > 0 ? (double)recycled / seconds : 0, 1,
					    "per second"});
	if (!churn->is_sampled)
		return;
	report_section(report, "broker", "CPU of the broker meanwhile, broadcasts included");
	bench_report_cpu(churn->bench, &churn->before, &churn->after, 0);
	if (recycled > 0)
		report_number(report, "cpu_each_cycle_us", "per cycle",
			      (struct report_value){(double)(churn->after.cpu_ns -
							     churn->before.cpu_ns) /
							    (double)recycled / 1e3,
						    1, "us"});
}

int mode_churn(const struct options *options)
{
	static struct bench bench;
	static struct churn churn;
	uint64_t rounds_count = options->seconds * 1000 / options->interval_ms + 2;

	if (!bench_init(&bench, options, (uint32_t)rounds_count, true)) {
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	churn.bench = &bench;
	churn.broadcast = (struct broadcast){
		.bench = &bench,
		.rounds = &bench.rounds,
		.fleet = bench.fleet,
		.interval_ns = options->interval_ms * NS_PER_MS,
	};
	bench_connect(&bench, (uint32_t)options->conns);
	run(&churn);
	bool is_good = bench_judge(&bench, NULL);
	report_run(&churn);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	return is_good ? 0 : EXIT_WRONG;
}
