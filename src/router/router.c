/* router/router.c - making the router, and its loop. */
#include "router/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "log/log_file.h"
#include "router/answers.h"
#include "router/cursor_store.h"
#include "router/fold.h"
#include "router/listing.h"
#include "router/online.h"
#include "router/queries.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/revoking.h"
#include "router/router_state.h"
#include "router/watch.h"

#define RING_ENTRIES 256
#define RING_COMPLETIONS 1024
#define EVENTS_BATCH 64
#define IDLE_WAIT_MS 1000
#define STOP_PATIENCE_MS 1000 /* for Redis to take the last cursors */
#define EMBEDDED_TRIM_MS 10000
#define EPOCH_MARK "epoch"
#define FETCHED_BODIES_SIZE (16u << 20) /* bodies that came back from Redis */

struct history *router_make_index(const struct router *router)
{
	struct history_options options = {
		.retention_ms = router->config->retention_ms,
		.records_max = router->config->retention_entries,
		.dedupe_ms = router->config->dedupe_window_ms,
	};

	return history_create(&options);
}

static bool init_memory(struct router *router)
{
	const struct config *config = router->config;
	size_t frame_size_max = config->max_message_size + ENVELOPE_SIZE_MAX;

	router->targets = malloc(ENTRY_CHANNELS_MAX * sizeof(*router->targets));
	router->chunk = malloc(REPLAY_CHUNK_SIZE + frame_size_max);
	router->history = router_make_index(router);
	router->bodies = bodies_create(config->history_memory, FETCHED_BODIES_SIZE);
	return router->targets && router->chunk && router->history && router->bodies &&
	       interests_init(&router->interests, router->options.channel_key) &&
	       sessions_init(&router->sessions, router->options.shards_count) &&
	       addresses_init(&router->addresses) &&
	       cursors_init(&router->cursors, router->options.channel_key,
			    !config->redis_server.on) &&
	       online_init(router) && revoking_init(router);
}

/* An entry that the log's file has kept. */
static void on_kept_entry(void *owner, struct event_id id, const struct entry_field *fields,
			  uint32_t fields_count)
{
	struct router *router = owner;
	struct entry entry;

	if (entry_parse(fields, fields_count, router->config->max_message_size, &entry) == ENTRY_OK)
		fold_entry(router, &entry, id,
			   &(struct fold_place){.history = router->history, .mode = FOLD_INDEX});
}

static void on_kept_mark(void *owner, struct slice key, struct slice value)
{
	struct router *router = owner;

	if (slice_equal(key, SLICE(EPOCH_MARK)))
		(void)!watch_read_number(value, &router->epoch);
	else if (!revoking_on_mark(router, key, value))
		cursor_store_on_mark(router, key, value);
}

/* The epoch is the file's, and another one when its end was not whole: of what is gone somebody
 * may have heard, if it was not synced. In memory each start is a new log. */
static enum status make_epoch(struct router *router, bool was_mended)
{
	char text[WATCH_NUMBER_SIZE + 1];

	if (router->epoch != 0 && !was_mended)
		return STATUS_OK;
	random_secret(&router->epoch, sizeof(router->epoch));
	snprintf(text, sizeof(text), WATCH_NUMBER_FORMAT, router->epoch);
	return embedded_log_mark(&router->embedded, SLICE(EPOCH_MARK), slice_of_text(text));
}

static enum status open_embedded(struct router *router, char *reason, size_t reason_size)
{
	struct embedded_log_options options = {
		.path = router->config->log_file,
		.fsync = (enum embedded_log_fsync)router->config->log_fsync,
		.now_ms = router->unix_ms,
		.listener = {on_kept_entry, on_kept_mark, router},
	};
	bool has_file = router->config->log_file[0] != '\0';
	enum status status = embedded_log_open(&router->embedded, &options, reason, reason_size);

	if (status != STATUS_OK)
		return status;
	if (reason[0] != '\0')
		log_line(LOG_WARN, "router", "%s", reason);
	status = make_epoch(router, reason[0] != '\0');
	if (status != STATUS_OK) {
		snprintf(reason, reason_size, "cannot write the log %s: %s", options.path,
			 log_file_advice(errno));
		return status;
	}
	/* In memory the log begins now; in a file with its first entry. */
	if (!has_file)
		history_raise_floor(router->history, router->embedded.last);
	router->last = router->embedded.last;
	router->is_loaded = true;
	counter_set(&router->counters->log_connected, 1);
	return STATUS_OK;
}

static enum status init_log(struct router *router, char *reason, size_t reason_size)
{
	uint64_t seed;

	random_secret(&seed, sizeof(seed));
	random_init(&router->random, seed);
	router->now_ms = clock_monotonic_ns() / 1000000;
	router->unix_ms = clock_unix_ms();
	if (router->config->redis_server.on)
		return redis_log_create(router);
	return open_embedded(router, reason, reason_size);
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
		status = init_log(router, reason, reason_size);
	if (status != STATUS_OK) {
		router_destroy(router);
		return status;
	}
	*ret_router = router;
	return STATUS_OK;
}

/* Of connections whose end did not come through any more. */
static void drop_replays(struct router *router)
{
	uint32_t shard = 0, slot = 0;
	struct session *session;

	while ((session = sessions_next(&router->sessions, &shard, &slot)) != NULL)
		replay_drop_all(router, session);
	replay_free_queued(router);
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	uring_destroy(router->uring);
	online_deinit(router);
	revoking_deinit(router);
	drop_replays(router);
	redis_log_destroy(router->redis);
	embedded_log_close(&router->embedded);
	answers_drop(router);
	sessions_deinit(&router->sessions);
	addresses_deinit(&router->addresses);
	cursors_deinit(&router->cursors);
	departed_deinit(&router->departed);
	history_destroy(router->history);
	bodies_destroy(router->bodies);
	interests_deinit(&router->interests);
	free(router->targets);
	free(router->chunk);
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

/* What the file has before the window is not needed any more. */
static void trim_embedded(struct router *router)
{
	embedded_log_tick(&router->embedded, router->unix_ms);
	if (router->now_ms < router->trimmed_ms)
		return;
	router->trimmed_ms = router->now_ms + EMBEDDED_TRIM_MS;
	embedded_log_trim(&router->embedded, history_floor(router->history));
}

static void show(struct router *router)
{
	struct router_counters *counters = router->counters;

	counter_set(&counters->history_records, history_count(router->history));
	counter_set(&counters->history_bytes, history_size(router->history));
	counter_set(&counters->bodies_bytes, bodies_size(router->bodies));
	counter_set(&counters->cursors, router->cursors.count);
}

/* True: something was left for want of room; look again soon. */
static bool turn(struct router *router)
{
	bool has_more;

	router->now_ms = clock_monotonic_ns() / 1000000;
	router->unix_ms = clock_unix_ms();
	take_completions(router);
	has_more = answers_flush(router);
	has_more |= attend_receipts(router);
	has_more |= appending_drain(router);
	has_more |= queries_drain(router);
	queries_turn(router);
	listing_turn(router);
	has_more |= replay_turn(router);
	cursor_store_turn(router);
	has_more |= revoking_turn(router);
	online_turn(router);
	/* Last of those who give commands to Redis: what they added goes out before the sleep. */
	if (router->redis)
		redis_log_turn(router);
	else
		trim_embedded(router);
	show(router);
	fanout_tell_position(router);
	fanout_wake(router);
	wake_admin(router);
	return has_more;
}

static bool lanes_are_empty(struct router *router)
{
	for (uint32_t i = 0; i < router->options.shards_count; i++)
		if (ring_peek(&router->options.receipts[i].ring))
			return false;
	return ring_peek(&router->options.publications->ring) == NULL &&
	       ring_peek(&router->options.queries->ring) == NULL;
}

static uint64_t sleep_ms(const struct router *router)
{
	uint64_t wait_ms = router->redis ? redis_log_wait_ms(router) : IDLE_WAIT_MS;

	if (online_wait_ms(router) < wait_ms)
		wait_ms = online_wait_ms(router);
	if (router->parked.count > 0 && wait_ms > REPLAY_PARK_MS)
		wait_ms = REPLAY_PARK_MS;
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

/* The end: what was confirmed is written, every publication gets an answer. */
static void stop(struct router *router)
{
	uint64_t until_ms = router->now_ms + STOP_PATIENCE_MS;

	attend_receipts(router); /* confirmations and ends of the last connections */
	cursor_store_flush(router);
	online_stop(router);
	while (router->redis && redis_log_is_up(router->redis) &&
	       redis_log_client(router->redis)->count > 0 && router->now_ms < until_ms) {
		router->now_ms = clock_monotonic_ns() / 1000000;
		redis_log_turn(router);
		uring_wait(router->uring, 5000000);
		take_completions(router);
	}
	if (router->redis)
		redis_log_stop(router);
	appending_drain(router);
	listing_refuse_all(router, "stopping", "this node is stopping");
	while (queries_drain(router))
		continue;
	queries_turn(router);
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
	stop(router);
	log_line(LOG_DEBUG, "router", "the router has ended");
	return NULL;
}
