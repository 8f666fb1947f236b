/* wsbench/mode_resume.c - everybody comes back at once and asks for what was missed. */
#include <stdlib.h>
#include <unistd.h>

#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define NAP_US 1000
#define UNANSWERED_MAX 1000u

/* One time that all are cut off and come back. */
struct absence {
	uint64_t back_ns; /* from letting them go until all were greeted */
	uint64_t last_ns; /* ... until the last message that was missed had come */
	uint64_t messages;
	struct process_sample before, after;
	bool is_sampled;
};

struct resume {
	struct bench *bench;
	uint32_t *issued; /* per user */
	uint64_t sent;
	struct absence plain, missed;
};

static uint64_t deadline_of(const struct bench *bench)
{
	return stopwatch_now_ns() + bench->options->deadline_s * NS_PER_S;
}

/* ---- publishing ---- */

static bool has_too_many_unanswered(const struct publisher *publisher)
{
	if (publisher->codec == CODEC_LINES || publisher->codec == CODEC_WEBSOCKET)
		return false;
	return publisher->sent - publisher->accepted - publisher->refused > UNANSWERED_MAX;
}

static void publish_one(struct resume *resume, uint32_t user)
{
	struct bench *bench = resume->bench;
	struct stamp stamp = {
		.published_ns = stopwatch_now_ns(),
		.number = resume->issued[user]++,
		.user = user,
	};

	publisher_send(bench->publisher, &stamp);
	resume->sent++;
	publisher_collect(bench->publisher);
	while (has_too_many_unanswered(bench->publisher) && !bench->publisher->has_failed)
		bench_sleep_until(bench, stopwatch_now_ns() + NS_PER_MS);
}

/* So many to every user, in turns. */
static void publish_each(struct resume *resume, uint64_t count)
{
	struct bench *bench = resume->bench;

	for (uint64_t i = 0; i < count; i++)
		for (uint32_t user = 0; user < bench->options->conns; user++)
			if (!bench->publisher->has_failed)
				publish_one(resume, user);
	bench_await_answers(bench);
}

/* ---- waiting ---- */

static void await_messages(struct resume *resume)
{
	struct bench *bench = resume->bench;
	uint64_t deadline_ns = deadline_of(bench);

	while (fleet_counts(bench->fleet).messages < resume->sent) {
		if (stopwatch_now_ns() > deadline_ns) {
			bench->is_incomplete = true;
			return;
		}
		usleep(NAP_US);
	}
}

static void settle(struct bench *bench)
{
	bench_sleep_until(bench, stopwatch_now_ns() + bench->options->settle_ms * NS_PER_MS);
}

static void cut_all(struct bench *bench)
{
	uint64_t deadline_ns = deadline_of(bench);

	fleet_hold(bench->fleet, true);
	fleet_cut(bench->fleet);
	while (fleet_counts(bench->fleet).ready > 0 && stopwatch_now_ns() < deadline_ns)
		usleep(NAP_US);
	settle(bench);
}

static void show(struct bench *bench, const struct fleet_counts *counts, uint64_t opened)
{
	if (progress_is_due(&bench->progress, stopwatch_now_ns()))
		progress_show(&bench->progress, "resume: %llu of %llu back, %llu messages",
			      (unsigned long long)(counts->opened - opened),
			      (unsigned long long)bench->options->conns,
			      (unsigned long long)counts->messages);
}

/* All come back at once; what was sent and has not come yet comes with them. */
static void let_back(struct resume *resume, struct absence *absence)
{
	struct bench *bench = resume->bench;
	struct fleet_counts counts = fleet_counts(bench->fleet);
	uint64_t opened = counts.opened, deadline_ns = deadline_of(bench);

	absence->messages = resume->sent - counts.messages;
	absence->is_sampled = process_read_cpu(bench->broker_pid, &absence->before);
	uint64_t start_ns = stopwatch_now_ns(), now_ns = start_ns;
	fleet_hold(bench->fleet, false);
	while (now_ns < deadline_ns && absence->last_ns == 0) {
		usleep(NAP_US);
		now_ns = stopwatch_now_ns();
		counts = fleet_counts(bench->fleet);
		if (absence->back_ns == 0 && counts.opened - opened >= bench->options->conns)
			absence->back_ns = now_ns - start_ns;
		if (absence->back_ns > 0 && counts.messages >= resume->sent)
			absence->last_ns = now_ns - start_ns;
		show(bench, &counts, opened);
	}
	bench->is_incomplete |= absence->last_ns == 0;
	absence->is_sampled &= process_read_cpu(bench->broker_pid, &absence->after);
}

static void run(struct resume *resume)
{
	struct bench *bench = resume->bench;

	publish_each(resume, bench->options->warmup);
	await_messages(resume);
	cut_all(bench);
	let_back(resume, &resume->plain);
	settle(bench);
	cut_all(bench);
	publish_each(resume, bench->options->missed);
	settle(bench);
	let_back(resume, &resume->missed);
	settle(bench); /* whatever comes twice comes now */
}

/* ---- reporting ---- */

static double seconds_of(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static double cpu_ms(const struct absence *absence)
{
	return (double)(absence->after.cpu_ns - absence->before.cpu_ns) / (double)NS_PER_MS;
}

static void report_times(const struct resume *resume)
{
	struct report *report = &resume->bench->report;
	const struct absence *plain = &resume->plain, *missed = &resume->missed;
	double seconds = seconds_of(missed->last_ns);

	report_section(report, "resume", "Coming back");
	report_number(report, "plain_back_s", "nothing missed: until all were greeted",
		      (struct report_value){seconds_of(plain->back_ns), 3, "s"});
	report_count(report, "missed", "messages missed", missed->messages);
	report_number(report, "back_s", "with them: until all were greeted",
		      (struct report_value){seconds_of(missed->back_ns), 3, "s"});
	report_number(report, "last_s", "until the last message",
		      (struct report_value){seconds, 3, "s"});
	report_number(report, "messages_per_s", "that is",
		      (struct report_value){seconds > 0 ? (double)missed->messages / seconds : 0, 0,
					    "per second"});
	report_count(report, "retried", "refused and tried again",
		     fleet_counts(resume->bench->fleet).retried);
	report_count(report, "unrecovered", "told recovered: false",
		     fleet_counts(resume->bench->fleet).unrecovered);
}

static void report_cpu(const struct resume *resume)
{
	struct report *report = &resume->bench->report;
	const struct absence *plain = &resume->plain, *missed = &resume->missed;

	if (!plain->is_sampled || !missed->is_sampled)
		return;
	report_section(report, "broker", "CPU of the broker meanwhile");
	bench_report_cpu(resume->bench, &missed->before, &missed->after, 0);
	report_number(report, "plain_cpu_ms", "nothing missed: all threads",
		      (struct report_value){cpu_ms(plain), 3, "ms"});
	if (missed->messages == 0)
		return;
	report_number(report, "cpu_each_us", "what more there was, per message missed",
		      (struct report_value){(cpu_ms(missed) - cpu_ms(plain)) * 1e3 /
						    (double)missed->messages,
					    3, "us"});
}

int mode_resume(const struct options *options)
{
	static struct bench bench;
	static struct resume resume;

	resume.bench = &bench;
	resume.issued = calloc(options->conns, sizeof(*resume.issued));
	if (!resume.issued || !bench_init(&bench, options, 0, true)) {
		free(resume.issued);
		bench_deinit(&bench);
		return EXIT_MACHINE;
	}
	bench_connect(&bench, (uint32_t)options->conns);
	run(&resume);
	bool is_good = bench_judge(&bench, resume.issued) &&
		       fleet_counts(bench.fleet).unrecovered == 0;
	report_times(&resume);
	report_cpu(&resume);
	bench_report_self(&bench);
	is_good &= bench_print(&bench);
	bench_deinit(&bench);
	free(resume.issued);
	return is_good ? 0 : EXIT_WRONG;
}
