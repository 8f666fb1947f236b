/* tests/model/fanout_stubs.c - a shard without a ring; functions that do nothing. */
#include "fanout_stubs.h"

#include <stdlib.h>

#include "shard/http.h"
#include "shard/postponed.h"
#include "shard/protocol.h"
#include "shard/receipts.h"
#include "shard/receive.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"

struct shard *fanout_shard_create(const struct shard_options *options)
{
	struct shard *shard = calloc(1, sizeof(*shard));

	ASSERT(shard);
	shard->config = options->config;
	shard->all_counters = options->counters;
	shard->counters = &options->counters->shards[0];
	shard->slots = options->slots;
	shard->deliveries = options->deliveries;
	shard->departures = options->departures;
	shard->sleeper = options->sleeper;
	shard->connection_key = options->connection_key;
	shard->turn = 1;
	shard->lagging = malloc(options->slots * sizeof(uint16_t));
	shard->sendable.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->arena.capacity = 4096;
	shard->arena.bytes = malloc(shard->arena.capacity);
	shard->conns = calloc(options->slots, sizeof(*shard->conns));
	shard->falls = calloc(options->slots, sizeof(*shard->falls));
	ASSERT(shard->falls && shard->lagging && shard->sendable.slots);
	ASSERT(shard->arena.bytes && shard->conns);
	wheel_init(&shard->wheel, 0, timers_at, shard);
	bool is_ready = channels_init(&shard->channels, options->channel_key);

	ASSERT(is_ready);
	is_ready = subscriptions_hold_all(shard);
	ASSERT(is_ready);
	return shard;
}

void fanout_shard_destroy(struct shard *shard)
{
	channels_deinit(&shard->channels);
	free(shard->lagging);
	free(shard->sendable.slots);
	free(shard->arena.bytes);
	free(shard->conns);
	free(shard->falls);
	free(shard);
}


void http_go_on(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
}

void uring_poll_readable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	(void)slot;
	(void)tag;
}

struct wheel_timer *timers_at(void *owner, uint32_t slot)
{
	return &conn_at(owner, slot)->timer;
}

void timers_arm(struct shard *of, struct conn *conn, uint32_t delay_ms)
{
	wheel_arm(&of->wheel, conn_slot(of, conn), delay_ms);
}

void timers_refresh(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
}

void receipts_interest(struct shard *of, struct slice channel)
{
	(void)of;
	(void)channel;
}

void receipts_disinterest(struct shard *of, struct slice channel)
{
	(void)of;
	(void)channel;
}

void receipts_confirm(struct shard *of, const struct conn *conn, struct event_id id)
{
	(void)of;
	(void)conn;
	(void)id;
	abort();
}

void receipts_flush(struct shard *of)
{
	(void)of;
}

void timers_advance(struct shard *of)
{
	(void)of;
}

uint64_t timers_wait_ms(const struct shard *of)
{
	(void)of;
	return UINT64_MAX;
}

void receive_queue(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
}

void receive_rest(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
}

void receive_go_on(struct shard *of)
{
	(void)of;
}

void receive_flush(struct shard *of)
{
	(void)of;
}

bool receive_has_more(const struct shard *of)
{
	(void)of;
	return false;
}

void receive_on_readable(struct shard *of, struct conn *conn, const struct uring_event *event)
{
	(void)of;
	(void)conn;
	(void)event;
	abort();
}

void postponed_serve(struct shard *of)
{
	(void)of;
}

bool postponed_has_more(const struct shard *of)
{
	(void)of;
	return false;
}

void uring_wake(struct uring *uring, int target_fd, uint64_t target_tag)
{
	(void)uring;
	(void)target_fd;
	(void)target_tag;
	abort();
}

enum status uring_start(struct uring *uring)
{
	(void)uring;
	return STATUS_OK;
}
