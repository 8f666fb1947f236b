/* wsbench/broadcast.c - publishing and waiting for the last receiver. */
#include "wsbench/broadcast.h"

#include <poll.h>
#include <unistd.h>

#include "base/assert.h"
#include "wire/ws_frame.h"
#include "wsbench/stopwatch.h"

#define FRAME_MAX (STAMP_SIZE_MAX + 1024u)
#define NAP_MS 50
#define GONE_PATIENCE_NS (2 * NS_PER_S)

/* protocol.md 3.3: the same members and sizes as a notification of the broker. */
void broadcast_write_frame(const struct options *options, const struct stamp *stamp,
			   struct writer *writer)
{
	uint8_t bytes[FRAME_MAX];
	struct writer text;

	writer_init(&text, bytes, sizeof(bytes));
	writer_format(&text,
		      "{\"type\":\"notification\",\"event_id\":\"1769337000000-0\","
		      "\"channel\":\"%s\",\"timestamp\":\"2026-01-25T10:30:00.000Z\",\"data\":",
		      options->channel);
	stamp_write(&text, stamp, options->size);
	writer_text(&text, "}");
	ASSERT(!text.overflow);
	ws_frame_write(writer, WS_TEXT, writer_written(&text));
}

static void send_by_floor(struct broadcast *broadcast, const struct stamp *stamp)
{
	static uint8_t bytes[FRAME_MAX + FRAME_HEADER_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	broadcast_write_frame(broadcast->bench->options, stamp, &writer);
	ASSERT(!writer.overflow);
	floor_send(broadcast->floor, writer_written(&writer));
}

void broadcast_publish(struct broadcast *broadcast)
{
	uint64_t now_ns = stopwatch_now_ns();
	struct stamp stamp = {
		.published_ns = now_ns,
		.number = rounds_issue(broadcast->rounds, now_ns),
		.user = STAMP_NO_USER,
	};

	broadcast->next_ns = now_ns + broadcast->interval_ns;
	if (broadcast->floor)
		send_by_floor(broadcast, &stamp);
	else
		publisher_send(broadcast->bench->publisher, &stamp);
}

static void show(struct broadcast *broadcast, uint64_t now_ns)
{
	if (!progress_is_due(&broadcast->bench->progress, now_ns))
		return;
	struct fleet_counts counts = fleet_counts(broadcast->fleet);
	progress_show(&broadcast->bench->progress,
		      "%s: %u of %u broadcasts complete, %llu messages, %llu connections",
		      broadcast->floor ? "floor" : "broker",
		      atomic_load(&broadcast->rounds->completed),
		      atomic_load(&broadcast->rounds->issued),
		      (unsigned long long)counts.messages, (unsigned long long)counts.ready);
}

static int nap_ms(const struct broadcast *broadcast, bool is_waiting_for_time, uint64_t now_ns)
{
	if (!is_waiting_for_time)
		return NAP_MS;
	uint64_t left_ms = (broadcast->next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms < NAP_MS ? (int)left_ms : NAP_MS;
}

/* Sleeps until a round is complete, the publisher is answered, or it is time. */
static void wait_a_little(struct broadcast *broadcast, int timeout_ms)
{
	struct publisher *publisher = broadcast->floor ? NULL : broadcast->bench->publisher;
	bool has_answers = publisher && publisher->codec != CODEC_LINES && !publisher->has_failed;
	struct pollfd polls[2] = {
		{.fd = broadcast->rounds->wake_fd, .events = POLLIN},
		{.fd = has_answers ? publisher->fd : -1, .events = POLLIN},
	};
	uint64_t value;

	poll(polls, 2, timeout_ms);
	if (polls[0].revents) {
		ssize_t got = read(broadcast->rounds->wake_fd, &value, sizeof(value));
		(void)got; /* only resets the counter */
	}
	if (polls[1].revents)
		publisher_collect(publisher);
}

/* A message that was refused will reach nobody. */
static bool can_go_on(const struct broadcast *broadcast)
{
	const struct publisher *publisher = broadcast->bench->publisher;

	return broadcast->floor || (!publisher->has_failed && publisher->refused == 0);
}

/* Nobody waits long for a receiver that is gone. */
static uint64_t shorten(const struct broadcast *broadcast, uint64_t deadline_ns, uint64_t now_ns)
{
	uint64_t ready = fleet_counts(broadcast->fleet).ready;
	uint64_t soon_ns = now_ns + GONE_PATIENCE_NS;

	return ready < atomic_load(&broadcast->rounds->expected) && soon_ns < deadline_ns
		       ? soon_ns
		       : deadline_ns;
}

bool broadcast_run(struct broadcast *broadcast, uint32_t count)
{
	struct rounds *rounds = broadcast->rounds;
	uint32_t until = atomic_load(&rounds->issued) + count, seen = 0;
	uint64_t patience_ns = broadcast->bench->options->deadline_s * NS_PER_S;
	uint64_t now_ns = stopwatch_now_ns(), deadline_ns = now_ns + patience_ns;

	atomic_store(&rounds->expected, (uint32_t)fleet_counts(broadcast->fleet).ready);
	while (atomic_load(&rounds->completed) < until && now_ns < deadline_ns &&
	       can_go_on(broadcast)) {
		uint32_t issued = atomic_load(&rounds->issued);
		uint32_t completed = atomic_load(&rounds->completed);
		bool has_room = issued < until && issued - completed < broadcast->window;

		if (completed != seen)
			deadline_ns = now_ns + patience_ns;
		seen = completed;
		if (has_room && now_ns >= broadcast->next_ns)
			broadcast_publish(broadcast);
		else
			wait_a_little(broadcast, nap_ms(broadcast, has_room, now_ns));
		now_ns = stopwatch_now_ns();
		deadline_ns = shorten(broadcast, deadline_ns, now_ns);
		show(broadcast, now_ns);
	}
	bool is_complete = atomic_load(&rounds->completed) >= until;
	if (!is_complete)
		broadcast->bench->is_incomplete = true;
	return is_complete;
}

void broadcast_last_receiver(const struct rounds *rounds, uint32_t first,
			     struct histogram *ret_histogram)
{
	*ret_histogram = (struct histogram){0};
	for (uint32_t i = first; i < atomic_load(&rounds->issued); i++) {
		uint64_t done_ns = atomic_load(&rounds->list[i].done_ns);

		if (done_ns > 0)
			histogram_add(ret_histogram, done_ns - rounds->list[i].published_ns);
	}
}
