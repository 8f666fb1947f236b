/* wsbench/bench.c - connecting, waiting and judging. */
#include "wsbench/bench.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "wsbench/stopwatch.h"

#define NAP_NS (20 * NS_PER_MS)
#define NAP_US 5000

void bench_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void bench_report_run(struct bench *bench)
{
	struct report *report = &bench->report;
	time_t now = time(NULL);
	struct utsname system;
	struct tm utc;
	char text[32];

	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	uname(&system);
	report_section(report, "run", "wsbench");
	report_text(report, "mode", "mode", "%s", options_mode_name(bench->options->mode));
	report_text(report, "time", "time", "%s", text);
	report_text(report, "machine", "machine", "%s %s, %ld CPUs", system.sysname, system.release,
		    sysconf(_SC_NPROCESSORS_ONLN));
}

bool bench_init(struct bench *bench, const struct options *options, uint32_t rounds_count,
		bool has_publisher)
{
	*bench = (struct bench){.options = options};
	bench_report_run(bench);
	bench_raise_descriptor_limit();
	progress_init(&bench->progress, options->progress);
	if (requests_init(&bench->requests, options, (uint32_t)options->conns) != STATUS_OK ||
	    rounds_init(&bench->rounds, rounds_count) != STATUS_OK) {
		fprintf(stderr, "wsbench: out of memory, or --user-prefix is too long\n");
		return false;
	}
	bench->broker_pid = options->broker_pid ? (int)options->broker_pid
						: process_listening_on(options->port);
	if (has_publisher) {
		bench->publisher = publisher_create(options, &bench->requests);
		if (!bench->publisher)
			return false;
	}
	const struct fleet_plan plan = {
		.name = "fleet",
		.options = options,
		.requests = &bench->requests,
		.rounds = &bench->rounds,
		.conns = (uint32_t)options->conns,
		.port = options->port,
	};
	bench->fleet = fleet_create(&plan);
	return bench->fleet != NULL;
}

void bench_deinit(struct bench *bench)
{
	if (bench->fleet)
		fleet_destroy(bench->fleet);
	if (bench->publisher)
		publisher_destroy(bench->publisher);
	rounds_deinit(&bench->rounds);
	requests_deinit(&bench->requests);
}

bool bench_wait_ready(struct bench *bench, struct fleet *fleet, uint32_t conns)
{
	uint64_t now_ns = stopwatch_now_ns();
	uint64_t deadline_ns = now_ns + bench->options->deadline_s * NS_PER_S;

	for (; now_ns < deadline_ns; now_ns = stopwatch_now_ns()) {
		struct fleet_counts counts = fleet_counts(fleet);

		if (counts.ready + counts.failed + counts.dropped >= conns)
			return counts.ready >= conns;
		if (progress_is_due(&bench->progress, now_ns))
			progress_show(&bench->progress, "connecting: %llu of %u, %llu failed",
				      (unsigned long long)counts.ready, conns,
				      (unsigned long long)counts.failed);
		usleep(NAP_US);
	}
	bench->is_incomplete = true;
	return false;
}

void bench_connect(struct bench *bench, uint32_t conns)
{
	uint64_t start_ns = stopwatch_now_ns();

	fleet_open(bench->fleet, conns);
	if (!bench_wait_ready(bench, bench->fleet, conns))
		fprintf(stderr, "wsbench: not all of %u connections were opened\n", conns);
	bench->opening_ns += stopwatch_now_ns() - start_ns;
}

void bench_sleep_until(struct bench *bench, uint64_t until_ns)
{
	bool has_answers = bench->publisher && bench->publisher->codec != CODEC_LINES;

	for (uint64_t now_ns = stopwatch_now_ns(); now_ns < until_ns; now_ns = stopwatch_now_ns()) {
		uint64_t left_ns = until_ns - now_ns < NAP_NS ? until_ns - now_ns : NAP_NS;
		struct timespec timeout = {.tv_nsec = (long)left_ns};
		struct pollfd polled = {.fd = -1, .events = POLLIN};

		if (has_answers && !bench->publisher->has_failed)
			polled.fd = bench->publisher->fd;
		if (ppoll(&polled, 1, &timeout, NULL) > 0)
			publisher_collect(bench->publisher);
		if (!progress_is_due(&bench->progress, now_ns))
			continue;
		struct fleet_counts counts = fleet_counts(bench->fleet);
		progress_show(&bench->progress, "%llu connections, %llu messages, %.0f s left",
			      (unsigned long long)counts.ready, (unsigned long long)counts.messages,
			      (double)(until_ns - now_ns) / (double)NS_PER_S);
	}
}

void bench_await_answers(struct bench *bench)
{
	struct publisher *publisher = bench->publisher;
	uint64_t deadline_ns = stopwatch_now_ns() + 5 * NS_PER_S;

	if (!publisher || publisher->codec == CODEC_LINES || publisher->codec == CODEC_WEBSOCKET)
		return;
	while (publisher->accepted + publisher->refused < publisher->sent &&
	       !publisher->has_failed && stopwatch_now_ns() < deadline_ns)
		bench_sleep_until(bench, stopwatch_now_ns() + NS_PER_MS);
}

/* ---- judging ---- */

static void report_failure(void *argument, uint64_t count, const char *text)
{
	report_text(argument, NULL, "problem", "%llu x %s", (unsigned long long)count, text);
}

static void report_connections(struct bench *bench, const struct fleet_counts *counts)
{
	const struct options *options = bench->options;
	double seconds = (double)bench->opening_ns / (double)NS_PER_S;
	struct histogram handshakes = {0}, again = {0};
	struct report *report = &bench->report;

	fleet_handshakes(bench->fleet, false, &handshakes);
	fleet_handshakes(bench->fleet, true, &again);
	report_section(report, "connections", "Connections");
	report_text(report, "target", "target", "%s:%u (%llu addresses)", options->host,
		    (unsigned)options->port, (unsigned long long)options->spread);
	report_text(report, "readers", "readers",
		    "%u rings, %u threads, %llu connecting at a time each",
		    fleet_rings(bench->fleet), fleet_threads(bench->fleet),
		    (unsigned long long)options->connect_window);
	report_count(report, "wanted", "wanted", options->conns);
	report_count(report, "opened", "opened", handshakes.count);
	report_count(report, "failed", "failed", counts->failed);
	report_count(report, "dropped", "closed by the server", counts->dropped);
	report_number(report, "opening_s", "opening all took",
		      (struct report_value){seconds, 3, "s"});
	report_number(report, "handshakes_per_s", "handshakes",
		      (struct report_value){seconds > 0 ? (double)handshakes.count / seconds : 0, 0,
					    "per second"});
	report_histogram(report, "handshake", &handshakes, "ms");
	if (again.count > 0)
		report_histogram(report, "handshake_again", &again, "ms");
}

static void report_delivery(struct bench *bench, const struct fleet_counts *counts, uint64_t lost)
{
	const struct publisher *publisher = bench->publisher;
	struct report *report = &bench->report;
	struct histogram latency = {0};

	fleet_latency(bench->fleet, &latency);
	report_section(report, "delivery", "Delivery");
	if (publisher) {
		report_text(report, "published_by", "published by", "%s",
			    publisher_name(publisher));
		report_count(report, "published", "published", publisher->sent);
		report_count(report, "accepted", "accepted", publisher->accepted);
		report_count(report, "refused", "refused", publisher->refused);
		report_number(report, "data_bytes", "data of a message",
			      (struct report_value){(double)bench->options->size, 0, "bytes"});
	}
	report_count(report, "received", "received", counts->messages);
	report_count(report, "lost", "lost", lost);
	report_count(report, "double", "double", counts->doubles);
	report_count(report, "reordered", "reordered", counts->reordered);
	report_count(report, "misrouted", "for another user", counts->misrouted);
	report_count(report, "other", "messages of other kinds", counts->unstamped);
	report_count(report, "errors", "error messages", counts->errors);
	report_count(report, "pings", "pings answered", counts->pings);
	if (latency.count > 0)
		report_histogram(report, "latency", &latency, "us");
	if (publisher && publisher->text[0])
		report_text(report, "publish_problem", "problem", "%s", publisher->text);
	fleet_each_failure(bench->fleet, report_failure, report);
}

bool bench_judge(struct bench *bench, const uint32_t *user_issued)
{
	uint32_t issued = atomic_load(&bench->rounds.issued);
	const struct publisher *publisher = bench->publisher;

	fleet_stop(bench->fleet);
	struct fleet_counts counts = fleet_counts(bench->fleet);
	uint64_t lost = fleet_lost(bench->fleet, issued, user_issued);
	report_connections(bench, &counts);
	report_delivery(bench, &counts, lost);
	bool is_published = !publisher || (publisher->refused == 0 && !publisher->has_failed);
	bool is_good = lost + counts.doubles + counts.reordered + counts.misrouted +
			       counts.failed + counts.dropped == 0 &&
		       is_published && !bench->is_incomplete;
	report_section(&bench->report, "verdict", "Verdict");
	report_count(&bench->report, "good", NULL, is_good);
	report_text(&bench->report, NULL, is_good ? "all arrived once, in order" : "NOT GOOD", "%s",
		    bench->is_incomplete ? "a deadline passed" : "");
	return is_good;
}

void bench_report_cpu(struct bench *bench, const struct process_sample *before,
		      const struct process_sample *after, uint64_t each)
{
	struct report *report = &bench->report;
	double sum_ns = (double)(after->cpu_ns - before->cpu_ns);
	char key[40], label[48];

	for (unsigned i = 0; i < after->threads_count; i++) {
		const struct thread_sample *thread = &after->threads[i];
		double ns = (double)process_thread_cpu_ns(before, thread);

		snprintf(key, sizeof(key), "cpu_%s_%d_ms", thread->name, thread->tid);
		snprintf(label, sizeof(label), "thread %s", thread->name);
		report_number(report, key, label,
			      (struct report_value){ns / (double)NS_PER_MS, 3, "ms"});
	}
	report_number(report, "cpu_ms", "all threads",
		      (struct report_value){sum_ns / (double)NS_PER_MS, 3, "ms"});
	if (each > 0)
		report_number(report, "cpu_each_us", "per message received",
			      (struct report_value){sum_ns / (double)each / (double)NS_PER_US, 3,
						    "us"});
}

void bench_report_self(struct bench *bench)
{
	struct report *report = &bench->report;
	double fleet_s = (double)fleet_cpu_ns(bench->fleet) / (double)NS_PER_S;
	uint64_t messages = fleet_counts(bench->fleet).messages;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	double user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
	double system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
	report_section(report, "self", "This program");
	report_number(report, "user_s", "CPU, user", (struct report_value){user_s, 3, "s"});
	report_number(report, "system_s", "CPU, system", (struct report_value){system_s, 3, "s"});
	report_number(report, "readers_s", "of it the readers",
		      (struct report_value){fleet_s, 3, "s"});
	if (messages > 0)
		report_number(report, "readers_each_us", "readers, per message, all included",
			      (struct report_value){fleet_s * 1e6 / (double)messages, 3, "us"});
	report_number(report, "max_rss_mib", "largest RSS",
		      (struct report_value){(double)usage.ru_maxrss / 1024, 1, "MiB"});
}

bool bench_print(struct bench *bench)
{
	const struct options *options = bench->options;
	bool is_stdout = options->json && strcmp(options->json, "-") == 0;

	progress_end(&bench->progress);
	if (!is_stdout)
		report_print_table(&bench->report, stdout);
	if (!options->json)
		return true;
	FILE *file = is_stdout ? stdout : fopen(options->json, "w");
	if (!file) {
		fprintf(stderr, "wsbench: %s: %s\n", options->json, strerror(errno));
		return false;
	}
	report_print_json(&bench->report, file);
	return is_stdout || fclose(file) == 0;
}
