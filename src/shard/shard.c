/* shard/shard.c - making and unmaking a shard. */
#include "shard/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "lane/keyring.h"
#include "lane/verified.h"
#include "shard/receipts.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"

#define RING_ENTRIES 2048 /* a turn's sends, receives and closes */
#define RING_COMPLETIONS 16384

static enum status create_ring(struct shard *shard, char *reason, size_t reason_size)
{
	struct uring_options options = {
		.entries = RING_ENTRIES,
		.completions = RING_COMPLETIONS,
		.slots = shard->slots,
		.restricted = true,
	};

	return uring_create(&options, &shard->uring, reason, reason_size);
}

/* Address space, all zero; the kernel gives pages as they are used. NULL: out of memory. */
static void *reserve(size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return bytes == MAP_FAILED ? NULL : bytes;
}

/* For every slot: all zero is the state CONN_FREE. */
static bool reserve_conns(struct shard *shard)
{
	shard->conns_size = shard->slots * sizeof(struct conn);
	shard->falls_size = shard->slots * sizeof(struct fall);
	shard->conns = reserve(shard->conns_size);
	shard->falls = reserve(shard->falls_size);
	return shard->conns && shard->falls;
}

static bool init_memory(struct shard *shard, struct hash_key channel_key)
{
	shard->readable.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->sendable.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->postponed.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->spent.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->lagging = malloc(shard->slots * sizeof(uint16_t));
	shard->receive_bytes = malloc((size_t)TURN_RECEIVES_MAX * RECEIVE_SIZE);
	shard->arena.bytes = malloc(TURN_ARENA_SIZE);
	shard->arena.capacity = TURN_ARENA_SIZE;
	if (!shard->lagging || !shard->readable.slots || !shard->sendable.slots ||
	    !shard->postponed.slots || !shard->spent.slots || !shard->receive_bytes ||
	    !shard->arena.bytes || !reserve_conns(shard))
		return false;
	if (!channels_init(&shard->channels, channel_key))
		return false;
	return subscriptions_hold_all(shard) && compression_init(shard);
}

static void set_bounds(struct shard *shard)
{
	uint32_t frame_size_max = shard->config->max_message_size + ENVELOPE_SIZE_MAX;

	shard->tape_size_max =
		4 * frame_size_max > TAPE_SIZE_MAX ? 4 * frame_size_max : TAPE_SIZE_MAX;
	shard->outbox_size_max = shard->config->max_outbox_bytes;
	if (shard->outbox_size_max < 2 * frame_size_max)
		shard->outbox_size_max = 2 * frame_size_max;
}

enum status shard_create(const struct shard_options *options, struct shard **ret_shard,
			 char *reason, size_t reason_size)
{
	struct shard *shard = calloc(1, sizeof(*shard));
	uint64_t seed;

	ASSERT(options->slots > 0 && options->slots <= SLOTS_MAX);
	if (!shard) {
		snprintf(reason, reason_size, "out of memory");
		return STATUS_NO_MEMORY;
	}
	shard->config = options->config;
	shard->all_counters = options->counters;
	shard->counters = &options->counters->shards[options->index];
	shard->index = options->index;
	shard->slots = options->slots;
	shard->connection_key = options->connection_key;
	shard->deliveries = options->deliveries;
	shard->receipts = options->receipts;
	shard->departures = options->departures;
	shard->sleeper = options->sleeper;
	shard->shard_ring_fds = options->shard_ring_fds;
	tokens_init(&shard->tokens, options->keyring, options->token_keys, shard->counters);
	shard->rates = options->rates;
	shard->arrivals = options->arrivals;
	shard->turn = 1;
	set_bounds(shard);
	shard->now_ms = clock_monotonic_ns() / 1000000;
	random_secret(&seed, sizeof(seed));
	random_init(&shard->random, seed);
	wheel_init(&shard->wheel, shard->now_ms, timers_at, shard);
	enum status status = create_ring(shard, reason, reason_size);

	if (status == STATUS_OK && !init_memory(shard, options->channel_key)) {
		snprintf(reason, reason_size, "out of memory");
		status = STATUS_NO_MEMORY;
	}
	if (status != STATUS_OK) {
		shard_destroy(shard);
		return status;
	}
	*ret_shard = shard;
	return STATUS_OK;
}

/* References that came when its thread had ended. */
static void drop_told(struct shard *shard)
{
	struct uring_event event;

	while (uring_reap(shard->uring, &event, 1) > 0) {
		if (ring_tag_op(event.tag) == RING_OP_KEYRING)
			keyring_unref(ring_tag_pointer(event.tag));
		if (ring_tag_op(event.tag) == RING_OP_VERIFIED)
			verified_unref(ring_tag_pointer(event.tag));
	}
}

void shard_destroy(struct shard *shard)
{
	if (!shard)
		return;
	if (shard->uring)
		drop_told(shard);
	uring_destroy(shard->uring);
	if (shard->channels.heads)
		channels_deinit(&shard->channels);
	if (shard->conns)
		munmap(shard->conns, shard->conns_size);
	if (shard->falls)
		munmap(shard->falls, shard->falls_size);
	free(shard->readable.slots);
	free(shard->sendable.slots);
	free(shard->postponed.slots);
	free(shard->spent.slots);
	tokens_deinit(&shard->tokens);
	free(shard->lagging);
	free(shard->receive_bytes);
	free(shard->arena.bytes);
	compression_deinit(shard);
	receipts_drop_waiting(shard);
	free(shard);
}

int shard_ring_fd(const struct shard *shard)
{
	return uring_fd(shard->uring);
}
