/* router/fanout.c - one entry, the shards that want it, one delivery each. */
#include "belfry/delivery.h"
#include "lane/notice.h"
#include "router/framing.h"
#include "router/router_state.h"
#include "wire/connection_id.h"

#define CONN_PREFIX "conn:"

static uint64_t all_shards(const struct router *router)
{
	uint32_t count = router->options.shards_count;

	return count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* Fills in what a channel means and returns the shards that want it. */
static uint64_t resolve(const struct router *router, struct slice name,
			struct notice_channel *target)
{
	struct slice prefix = SLICE(CONN_PREFIX);
	struct connection_id id;

	*target = (struct notice_channel){.name = name, .target = TARGET_NAMED};
	if (slice_equal_text(name, "all")) {
		target->target = TARGET_ALL;
		return all_shards(router);
	}
	if (slice_starts_with(name, prefix)) {
		if (!connection_id_parse(slice_skip(name, prefix.size),
					 router->options.connection_key, &id) ||
		    id.shard >= router->options.shards_count)
			return 0;
		target->target = TARGET_CONN;
		target->shard = id.shard;
		target->slot = id.slot;
		target->generation = id.generation;
		return UINT64_C(1) << id.shard;
	}
	target->hash = hash_bytes(router->interests.key, name);
	const struct interest *interest = interests_find(&router->interests, name, target->hash);

	return interest ? interest->shards : 0;
}

/* The channels that somebody here wants, and the shards who do. */
static uint64_t find_targets(struct router *router, const struct entry *entry, uint32_t *ret_count)
{
	uint64_t shards = 0;
	uint32_t cursor = 0, count = 0;
	struct slice name;

	while (entry_next_channel(entry, &cursor, &name)) {
		uint64_t wanting = resolve(router, name, &router->targets[count]);

		if (wanting != 0)
			count++;
		shards |= wanting;
	}
	*ret_count = count;
	return shards;
}

static void deliver(struct router *router, struct notice *notice, uint64_t shards)
{
	struct delivery delivery = {.type = DELIVERY_NOTICE, .notice = notice};
	uint32_t count = (uint32_t)__builtin_popcountll(shards);

	if (count > 1)
		notice_ref(notice, count - 1);
	counter_add(&router->counters->handed_out, count);
	router->shards_to_wake |= shards;
	while (shards != 0) {
		uint32_t shard = (uint32_t)__builtin_ctzll(shards);
		bool pushed = ring_push(&router->options.deliveries[shard].ring, &delivery);

		ASSERT(pushed); /* fanout_room was asked before */
		shards &= shards - 1;
	}
}

void fanout_entry(struct router *router, const struct entry *entry, struct event_id id)
{
	uint32_t count;
	uint64_t shards = find_targets(router, entry, &count);

	counter_add(&router->counters->entries, 1);
	router->last = id;
	if (shards == 0)
		return;
	struct notice *notice = framing_create(entry, id, router->targets, count);

	ASSERT(notice != NULL); /* going on without it would be silent loss */
	counter_add(&router->counters->notices, 1);
	deliver(router, notice, shards);
}

uint32_t fanout_room(struct router *router)
{
	uint32_t room = UINT32_MAX;

	for (uint32_t i = 0; i < router->options.shards_count; i++) {
		uint32_t here = ring_room(&router->options.deliveries[i].ring);

		if (here < room)
			room = here;
	}
	return room;
}

void fanout_wake(struct router *router)
{
	while (router->shards_to_wake != 0) {
		uint32_t shard = (uint32_t)__builtin_ctzll(router->shards_to_wake);
		struct sleeper *sleeper = router->options.deliveries[shard].consumer;

		if (sleeper_must_wake(sleeper))
			uring_wake(router->uring, sleeper->ring_fd, ring_tag(RING_OP_WAKE, 0));
		router->shards_to_wake &= router->shards_to_wake - 1;
	}
}
