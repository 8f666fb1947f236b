/* wsbench/mode_unicast.c - a steady rate of messages, each to one random user. */
#include <stdlib.h>

#include "base/random.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define REST_NS (20 * NS_PER_MS)
#define ARRIVAL_NAP_NS (2 * NS_PER_MS)

struct unicast {
	struct bench *bench;
	uint32_t *issued; /* per user */
	struct random random;
	uint64_t sent;
	uint64_t latest_ns; /* how far behind its time the latest one was published */
	uint64_t wall_ns;
	struct process_sample before, after;
	bool is_sampled;
};

static void publish_one(struct unicast *unicast, uint64_t due_ns)
{
	struct bench *bench = unicast->bench;
	uint32_t user = (uint32_t)random_below(&unicast->random, bench->options->conns);
	uint64_t now_ns = stopwatch_now_ns();
	struct stamp stamp = {
		.published_ns = now_ns,
		.number = unicast->issued[user]++,
		.user = user,
	};

	if (now_ns - due_ns > unicast->latest_ns)
		unicast->latest_ns = now_ns - due_ns;
	publisher_send(bench->publisher, &stamp);
	unicast->sent++;
}

/* Everything that was sent has come, or will not come any more. */
static void await_arrival(struct unicast *unicast)
{
	struct bench *bench = unicast->bench;
	uint64_t deadline_ns = stopwatch_now_ns() + bench->options->deadline_s * NS_PER_S;

	while (fleet_counts(bench->fleet).messages < unicast->sent) {
		if (stopwatch_now_ns() > deadline_ns ||
		    fleet_counts(bench->fleet).ready < bench->options->conns) {
			bench->is_incomplete = true;
			return;
		}
		bench_sleep_until(bench, stopwatch_now_ns() + ARRIVAL_NAP_NS);
	}
}

static void run(struct unicast *unicast)
{
	struct bench *bench = unicast->bench;
	const struct options *options = bench->options;
	uint64_t total = options->rate * options->seconds;
	uint64_t period_ns = NS_PER_S / options->rate;

	bench_sleep_until(bench, stopwatch_now_ns() + REST_NS);
	unicast->is_sampled = process_read_cpu(bench->broker_pid, &unicast->before);
	uint64_t start_ns = stopwatch_now_ns();
	for (uint64_t i = 0; i < total && !bench->publisher->has_failed; i++) {
		uint64_t due_ns = start_ns + i * period_ns;

		bench_sleep_until(bench, due_ns);
		publish_one(unicast, due_ns);
		publisher_collect(bench->publisher);
	}
	unicast->wall_ns = stopwatch_now_ns() - start_ns;
	await_arrival(unicast);
	bench_sleep_until(bench, stopwatch_now_ns() + REST_NS);
	unicast->is_sampled &= process_read_cpu(bench->broker_pid, &unicast->after);
	bench_await_answers(bench);
}

static void report_run(const struct unicast *unicast)
{
	struct report *report = &unicast->bench->report;
	double seconds = (double)unicast->wall_ns / (double)NS_PER_S;

	report_section(report, "unicast", "Unicast");
	report_count(report, "messages", "messages", unicast->sent);
	report_number(report, "rate", "rate reached",
		      (struct report_value){seconds > 0 ? (double)unicast->sent / seconds : 0, 1,
					    "per second"});
	report_number(report, "publisher_late_us", "publisher late, at most",
		      (struct report_value){(double)unicast->latest_ns / 1e3, 1, "us"});
	if (!unicast->is_sampled)
		return;
	report_section(report, "broker", "CPU of the broker meanwhile");
	bench_report_cpu(unicast->bench, &unicast->before, &unicast->after, unicast->sent);
}

int mode_unicast(const struct options *options)
{
	static struct bench bench;
	static struct unicast unicast;

	unicast.bench = &bench;
	unicast.issued = calloc(options->conns, sizeof(*unicast.issued));
	random_init(&unicast.random, stopwatch_now_ns());
	if (!unicast.issued || !bench_init(&bench, options, 0, true)) {
		free(unicast.issued);
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	bench_connect(&bench, (uint32_t)options->conns);
	run(&unicast);
	bool is_good = bench_judge(&bench, unicast.issued);
	report_run(&unicast);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	free(unicast.issued);
	return is_good ? 0 : EXIT_WRONG;
}
