/* router/router.c - making the router, and its loop. */
#include "router/router.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "router/router_state.h"

#define RING_ENTRIES 256
#define RING_COMPLETIONS 1024
#define EVENTS_BATCH 64
#define IDLE_WAIT_MS 1000

static bool init_memory(struct router *router)
{
	router->targets = malloc(ENTRY_CHANNELS_MAX * sizeof(*router->targets));
	return router->targets && interests_init(&router->interests, router->options.channel_key);
}

static enum status init_log(struct router *router)
{
	uint64_t seed;

	random_secret(&seed, sizeof(seed));
	random_init(&router->random, seed);
	router->now_ms = clock_monotonic_ns() / 1000000;
	router->unix_ms = clock_unix_ms();
	if (router->config->redis_server.on)
		return redis_log_create(router);
	embedded_log_init(&router->embedded, router->unix_ms);
	router->last = router->embedded.last;
	counter_set(&router->counters->log_connected, 1);
	return STATUS_OK;
}

enum status router_create(const struct router_options *options, struct router **ret_router,
			  char *reason, size_t reason_size)
{
	struct router *router = calloc(1, sizeof(*router));
	struct uring_options ring = {
		.entries = RING_ENTRIES,
		.completions = RING_COMPLETIONS,
	};
	enum status status = STATUS_NO_MEMORY;

	ASSERT(options->shards_count > 0 && options->shards_count <= SHARDS_MAX);
	snprintf(reason, reason_size, "out of memory");
	if (router) {
		router->options = *options;
		router->config = options->config;
		router->counters = options->counters;
		if (init_memory(router))
			status = uring_create(&ring, &router->uring, reason, reason_size);
	}
	if (status == STATUS_OK)
		status = init_log(router);
	if (status != STATUS_OK) {
		router_destroy(router);
		return status;
	}
	*ret_router = router;
	return STATUS_OK;
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	uring_destroy(router->uring);
	redis_log_destroy(router->redis);
	interests_deinit(&router->interests);
	free(router->targets);
	free(router);
}

int router_ring_fd(const struct router *router)
{
	return uring_fd(router->uring);
}

static void on_event(struct router *router, const struct uring_event *event)
{
	switch (ring_tag_op(event->tag)) {
	case RING_OP_NONE:
	case RING_OP_WAKE:
		return;
	case RING_OP_STOP:
		router->is_stopping = true;
		return;
	default:
		redis_log_on_event(router, event);
	}
}

static void take_completions(struct router *router)
{
	struct uring_event events[EVENTS_BATCH];
	uint32_t count;

	while ((count = uring_reap(router->uring, events, EVENTS_BATCH)) > 0)
		for (uint32_t i = 0; i < count; i++)
			on_event(router, &events[i]);
}

static void wake_admin(struct router *router)
{
	struct sleeper *sleeper = router->options.outcomes->consumer;

	if (router->must_wake_admin && sleeper_must_wake(sleeper))
		uring_wake(router->uring, sleeper->ring_fd, ring_tag(RING_OP_WAKE, 0));
	router->must_wake_admin = false;
}

/* True: something was left for want of room; look again soon. */
static bool turn(struct router *router)
{
	bool has_more;

	router->now_ms = clock_monotonic_ns() / 1000000;
	router->unix_ms = clock_unix_ms();
	take_completions(router);
	has_more = attend_receipts(router);
	has_more |= appending_drain(router);
	if (router->redis)
		redis_log_turn(router);
	fanout_wake(router);
	wake_admin(router);
	return has_more;
}

static bool lanes_are_empty(struct router *router)
{
	for (uint32_t i = 0; i < router->options.shards_count; i++)
		if (ring_peek(&router->options.receipts[i].ring))
			return false;
	return ring_peek(&router->options.publications->ring) == NULL;
}

static uint64_t sleep_ms(const struct router *router)
{
	uint64_t wait_ms = router->redis ? redis_log_wait_ms(router) : IDLE_WAIT_MS;

	return wait_ms > IDLE_WAIT_MS ? IDLE_WAIT_MS : wait_ms ? wait_ms : 1;
}

static void submit_and_sleep(struct router *router, bool has_more)
{
	sleeper_announce(router->options.sleeper);
	if (has_more) /* a lane is full: its shard empties it within a turn of its own */
		uring_wait(router->uring, 200000);
	else if (!lanes_are_empty(router))
		uring_wait(router->uring, 0);
	else
		uring_wait(router->uring, sleep_ms(router) * 1000000);
	sleeper_rise(router->options.sleeper);
}

void *router_run(void *owner)
{
	struct router *router = owner;
	enum status status = uring_start(router->uring);

	ASSERT(status == STATUS_OK);
	counter_set(&router->counters->running, 1);
	while (!router->is_stopping) {
		bool has_more = turn(router);

		if (!router->is_stopping)
			submit_and_sleep(router, has_more);
	}
	if (router->redis)
		redis_log_stop(router);
	appending_drain(router); /* every publication gets an answer */
	log_line(LOG_DEBUG, "router", "the router has ended");
	return NULL;
}
