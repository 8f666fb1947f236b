/* wsbench/raw_side.c - raw sockets on both sides. */
#include "wsbench/raw_side.h"

#include <unistd.h>

#include "wsbench/stopwatch.h"

#define ACCEPT_NAP_US 2000

bool raw_side_init(struct raw_side *side, struct bench *bench, uint32_t rounds_count)
{
	const struct options *options = bench->options;
	uint32_t conns = (uint32_t)options->conns;

	*side = (struct raw_side){.bench = bench};
	if (rounds_init(&side->rounds, rounds_count) != STATUS_OK)
		return false;
	bench_raise_descriptor_limit();
	side->floor = floor_create(options, conns);
	if (!side->floor)
		return false;
	const struct fleet_plan plan = {
		.name = "raw",
		.options = options,
		.rounds = &side->rounds,
		.conns = conns,
		.port = floor_port(side->floor),
	};
	side->fleet = fleet_create(&plan);
	if (!side->fleet)
		return false;
	fleet_set_gathering(side->fleet, true);
	side->broadcast = (struct broadcast){
		.bench = bench,
		.rounds = &side->rounds,
		.fleet = side->fleet,
		.floor = side->floor,
		.window = 1,
		.interval_ns = options->interval_ms * NS_PER_MS,
	};
	return true;
}

void raw_side_deinit(struct raw_side *side)
{
	if (side->fleet)
		fleet_destroy(side->fleet);
	if (side->floor)
		floor_destroy(side->floor);
	rounds_deinit(&side->rounds);
}

bool raw_side_connect(struct raw_side *side)
{
	uint32_t conns = (uint32_t)side->bench->options->conns;
	uint64_t start_ns = stopwatch_now_ns();
	uint64_t deadline_ns = start_ns + side->bench->options->deadline_s * NS_PER_S;

	fleet_open(side->fleet, conns);
	bool is_good = bench_wait_ready(side->bench, side->fleet, conns);
	while (is_good && floor_accepted(side->floor) < conns &&
	       stopwatch_now_ns() < deadline_ns)
		usleep(ACCEPT_NAP_US);
	side->opening_ns = stopwatch_now_ns() - start_ns;
	return is_good && floor_accepted(side->floor) == conns;
}

void raw_side_forget(struct raw_side *side)
{
	side->cpu_ns_before = floor_cpu_ns(side->floor);
	side->sends_before = floor_sends(side->floor);
}

double raw_side_each_ns(const struct raw_side *side)
{
	uint64_t sends = floor_sends(side->floor) - side->sends_before;
	uint64_t cpu_ns = floor_cpu_ns(side->floor) - side->cpu_ns_before;

	return sends ? (double)cpu_ns / (double)sends : 0;
}

static uint64_t lost_of(const struct raw_side *side)
{
	return fleet_lost(side->fleet, atomic_load(&side->rounds.issued), NULL);
}

bool raw_side_judge(struct raw_side *side)
{
	fleet_stop(side->fleet);
	struct fleet_counts counts = fleet_counts(side->fleet);

	return lost_of(side) + counts.doubles + counts.reordered + counts.failed +
		       counts.dropped + floor_failures(side->floor) == 0;
}

static void report_failure(void *argument, uint64_t count, const char *text)
{
	report_text(argument, NULL, "problem", "%llu x %s", (unsigned long long)count, text);
}

void raw_side_report(const struct raw_side *side, struct report *report)
{
	const struct options *options = side->bench->options;
	struct fleet_counts counts = fleet_counts(side->fleet);
	uint8_t bytes[STAMP_SIZE_MAX + 2048];
	struct writer frame;

	writer_init(&frame, bytes, sizeof(bytes));
	broadcast_write_frame(options,
			      &(struct stamp){stopwatch_now_ns(), 0, STAMP_NO_USER}, &frame);
	report_section(report, "floor", "Floor: raw TCP and a bare send loop, no broker");
	report_text(report, "method", "sent by", "%s, %u threads", floor_method_name(side->floor),
		    floor_senders(side->floor));
	report_count(report, "connections", "connections", floor_accepted(side->floor));
	report_number(report, "opening_s", "opening all took",
		      (struct report_value){(double)side->opening_ns / (double)NS_PER_S, 3, "s"});
	report_number(report, "frame_bytes", "frame",
		      (struct report_value){(double)frame.size, 0, "bytes"});
	report_count(report, "sends", "sends measured",
		     floor_sends(side->floor) - side->sends_before);
	report_count(report, "send_failures", "sends that failed", floor_failures(side->floor));
	report_count(report, "received", "received", counts.messages);
	report_count(report, "lost", "lost", lost_of(side));
	report_count(report, "double", "double", counts.doubles);
	report_count(report, "reordered", "reordered", counts.reordered);
	report_number(report, "cpu_each_us", "CPU of the senders per send",
		      (struct report_value){raw_side_each_ns(side) / (double)NS_PER_US, 3, "us"});
	fleet_each_failure(side->fleet, report_failure, report);
}
