/* shard/turn.c - the loop: completions, deliveries, timers, sends, sleep. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "lane/verified.h"
#include "shard/deliver.h"
#include "shard/protocol.h"
#include "shard/postponed.h"
#include "shard/receipts.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"

#define EVENTS_BATCH 256
#define IDLE_WAIT_NS 1000000000u /* wakes once a second for its gauges */
#define STOP_PATIENCE_MS 3000    /* after the last close frame, then what is left is cut */
#define TURN_MAX_WINDOW_MS 10000
#define STOP_BATCH 256 /* connections closed in one turn when stopping */

/* The connection a tag means; NULL when its slot has another one by now. */
static struct conn *conn_of_tag(struct shard *shard, uint64_t tag)
{
	struct conn *conn = conn_at(shard, (uint32_t)(tag & 0xFFFF));
	uint32_t generation = (uint32_t)(tag >> 32) & 0xFFFF;

	return conn->state != CONN_FREE && (conn->generation & 0xFFFF) == generation ? conn : NULL;
}

static void on_conn_event(struct shard *shard, const struct uring_event *event)
{
	struct conn *conn = conn_of_tag(shard, event->tag);
	uint32_t argument = (uint32_t)(event->tag >> 16) & 0xFFFF;

	if (!conn)
		return;
	switch ((enum shard_op)ring_tag_op(event->tag)) {
	case SHARD_OP_READABLE:
		receive_on_readable(shard, conn, event);
		return;
	case SHARD_OP_RECEIVE:
		ASSERT(shard->received_count < TURN_RECEIVES_MAX);
		shard->received[shard->received_count++] = *event;
		return;
	case SHARD_OP_SEND:
		if (conn->state != CONN_FINISHING)
			send_on_short(shard, conn, argument, event->result);
		return;
	case SHARD_OP_WRITABLE:
		if (conn->state != CONN_FINISHING)
			send_on_writable(shard, conn);
		return;
	case SHARD_OP_CLOSE:
		conn_close_finish(shard, conn);
		return;
	case SHARD_OP_UNACKNOWLEDGED:
		if (conn->state == CONN_OPEN && protocol_of(conn)->on_unacknowledged)
			protocol_of(conn)->on_unacknowledged(shard, conn, event->result);
		return;
	}
}

/* All connections hear 1001, a batch per turn, over the drain window. */
static void begin_stop(struct shard *shard)
{
	if (shard->is_stopping)
		return;
	shard->is_stopping = true;
	shard->stop_began_ms = shard->now_ms;
	shard->stop_sockets = shard->sockets;
	shard->stop_until_ms = shard->now_ms + shard->config->drain_window_ms +
			       shard->config->close_timeout_ms + STOP_PATIENCE_MS;
}

static void on_event(struct shard *shard, const struct uring_event *event)
{
	switch (ring_tag_op(event->tag)) {
	case RING_OP_NONE:
	case RING_OP_WAKE:
		return;
	case RING_OP_STOP:
		begin_stop(shard);
		return;
	case RING_OP_KEYRING:
		tokens_renew(&shard->tokens, ring_tag_pointer(event->tag));
		return;
	case RING_OP_VERIFIED:
		tokens_learn(&shard->tokens, ring_tag_pointer(event->tag));
		return;
	case RING_OP_HANDOFF:
		if (event->result >= 0)
			conn_open(shard, (uint32_t)event->result, event->tag);
		return;
	default:
		on_conn_event(shard, event);
	}
}

static void take_completions(struct shard *shard)
{
	struct uring_event events[EVENTS_BATCH];
	uint32_t count;

	while ((count = uring_reap(shard->uring, events, EVENTS_BATCH)) > 0)
		for (uint32_t i = 0; i < count; i++)
			on_event(shard, &events[i]);
}

/* Only when the last turn's sends are settled: what is answered is a send of this turn. */
static void read_received(struct shard *shard)
{
	for (uint32_t i = 0; i < shard->received_count; i++) {
		const struct uring_event *event = &shard->received[i];
		struct conn *conn = conn_of_tag(shard, event->tag);

		if (conn)
			receive_on_bytes(shard, conn, (uint32_t)(event->tag >> 16) & 0xFFFF, event);
	}
	shard->received_count = 0;
}

/* How many connections may have been closed by now. */
static uint32_t stop_target(const struct shard *shard)
{
	uint64_t window_ms = shard->config->drain_window_ms;
	uint64_t passed_ms = shard->now_ms - shard->stop_began_ms;

	if (passed_ms >= window_ms)
		return UINT32_MAX;
	return (uint32_t)(shard->stop_sockets * passed_ms / window_ms);
}

/* In a drain clients are asked to come back at different moments. */
static void stop_conn(struct shard *shard, struct conn *conn)
{
	uint32_t window_ms = shard->config->drain_window_ms;

	if (window_ms > 0 && conn->state == CONN_OPEN && protocol_of(conn)->warn_going_away)
		protocol_of(conn)->warn_going_away(
			shard, conn, (uint32_t)random_below(&shard->random, window_ms));
	conn_close(shard, conn, CLOSE_GOING_AWAY);
}

static bool may_stop_more(const struct shard *shard)
{
	return shard->stop_cursor < shard->slots && shard->stop_closed < stop_target(shard);
}

static void stop_some(struct shard *shard)
{
	bool is_late = shard->now_ms >= shard->stop_until_ms;

	for (uint32_t n = 0; n < STOP_BATCH && may_stop_more(shard);) {
		struct conn *conn = conn_at(shard, shard->stop_cursor++);

		if (conn->state == CONN_FREE)
			continue;
		stop_conn(shard, conn);
		shard->stop_closed++;
		n++;
	}
	if (!is_late && shard->stop_cursor < shard->slots)
		return;
	/* A socket may have been handed over behind the cursor: look at all of them again. */
	for (uint32_t slot = 0; shard->sockets > 0 && slot < shard->slots; slot++) {
		struct conn *conn = conn_at(shard, slot);

		if (conn->state == CONN_FREE || conn->state == CONN_FINISHING)
			continue;
		if (is_late)
			conn_close_join(shard, conn, CLOSE_GOING_AWAY);
		else if (conn->state < CONN_CLOSING)
			stop_conn(shard, conn);
	}
}

static bool has_work(struct shard *shard)
{
	return send_has_more(shard) || receive_has_more(shard) || postponed_has_more(shard) ||
	       shard->sends_count > 0 || (shard->is_stopping && may_stop_more(shard));
}

/* Milliseconds of `wait` at most until something is due, in nanoseconds. */
static uint64_t sleep_ns(const struct shard *shard)
{
	uint64_t wait_ms = timers_wait_ms(shard);

	if (shard->is_stopping && wait_ms > 20)
		wait_ms = 20;
	return wait_ms >= IDLE_WAIT_NS / 1000000 ? IDLE_WAIT_NS
						 : (wait_ms ? wait_ms * 1000000 : 1000);
}

static void submit_and_sleep(struct shard *shard)
{
	uint64_t wait_ns = 0;

	if (!has_work(shard)) {
		sleeper_announce(shard->sleeper);
		if (!deliver_has_more(shard))
			wait_ns = sleep_ns(shard);
	}
	uring_wait(shard->uring, wait_ns);
	sleeper_rise(shard->sleeper);
}

static void count_turn(struct shard *shard, uint64_t busy_ns)
{
	struct shard_counters *counters = shard->counters;

	counter_add(&counters->turns, 1);
	counter_add(&counters->busy_ns, busy_ns);
	if (shard->now_ms >= shard->turn_max_until_ms) {
		shard->turn_max_until_ms = shard->now_ms + TURN_MAX_WINDOW_MS;
		counter_set(&counters->turn_max_ns, busy_ns);
	} else if (busy_ns > counter_read(&counters->turn_max_ns)) {
		counter_set(&counters->turn_max_ns, busy_ns);
	}
}

/* A client that comes again may be placed on any shard. */
static void tell_verified(struct shard *shard)
{
	uint32_t shards_count = shard->all_counters->shards_count;
	struct verified *verified;

	while ((verified = tokens_take_fresh(&shard->tokens)) != NULL) {
		for (uint32_t i = 0; shard->shard_ring_fds && i < shards_count; i++) {
			if (i == shard->index)
				continue;
			verified_ref(verified, 1);
			uring_wake(shard->uring, shard->shard_ring_fds[i],
				   ring_tag_of_pointer(RING_OP_VERIFIED, verified));
		}
		verified_unref(verified);
	}
}

static void turn(struct shard *shard)
{
	uint64_t began_ns = clock_monotonic_ns();

	shard->now_ms = began_ns / 1000000;
	shard->unix_ms = clock_unix_ms();
	take_completions(shard);
	send_settle(shard);
	deliver_release(shard);
	arena_reset(&shard->arena);
	tokens_begin_turn(&shard->tokens);
	postponed_serve(shard);
	receive_go_on(shard);
	read_received(shard);
	timers_advance(shard);
	deliver_drain(shard);
	if (shard->is_stopping)
		stop_some(shard);
	send_flush(shard);
	receive_flush(shard);
	receipts_flush(shard);
	tell_verified(shard);
	uring_submit(shard->uring);
	count_turn(shard, clock_monotonic_ns() - began_ns);
}

void *shard_run(void *owner)
{
	struct shard *shard = owner;
	enum status status = uring_start(shard->uring);

	ASSERT(status == STATUS_OK);
	counter_set(&shard->counters->running, 1);
	while (!shard->is_stopping || shard->sockets > 0) {
		turn(shard);
		submit_and_sleep(shard);
	}
	take_completions(shard);
	send_settle(shard);
	deliver_release(shard);
	arena_reset(&shard->arena);
	log_line(LOG_DEBUG, "shard", "shard %u has ended", shard->index);
	return NULL;
}
