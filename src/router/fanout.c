/* router/fanout.c - one entry, the shards that want it, one delivery each. */
#include "base/log_line.h"
#include "belfry/delivery.h"
#include "lane/notice.h"
#include "router/framing.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/connection_id.h"

#define CONN_PREFIX "conn:"
#define POSITION_INTERVAL_MS 1000

static uint64_t all_shards(const struct router *router)
{
	uint32_t count = router->options.shards_count;

	return count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

uint64_t fanout_resolve(const struct router *router, struct slice name, uint64_t hash,
			struct notice_channel *ret_target)
{
	struct slice prefix = SLICE(CONN_PREFIX);
	struct connection_id id;

	*ret_target = (struct notice_channel){.name = name, .hash = hash, .target = TARGET_NAMED};
	if (slice_equal_text(name, "all")) {
		ret_target->target = TARGET_ALL;
		return all_shards(router);
	}
	/* First by name: an id that was taken up by another connection is a channel like others. */
	const struct interest *interest = interests_find(&router->interests, name, hash);

	if (interest || !slice_starts_with(name, prefix))
		return interest ? interest->shards : 0;
	if (!connection_id_parse(slice_skip(name, prefix.size), router->options.connection_key,
				 &id) ||
	    id.shard >= router->options.shards_count)
		return 0;
	ret_target->target = TARGET_CONN;
	ret_target->shard = id.shard;
	ret_target->slot = id.slot;
	ret_target->generation = id.generation;
	return UINT64_C(1) << id.shard;
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

void fanout_entry(struct router *router, const struct entry *entry, struct event_id id,
		  uint32_t count, uint64_t shards)
{
	struct notice *notice = framing_create(entry, id, router->targets, count);

	ASSERT(count > 0 && shards != 0);
	ASSERT(notice != NULL); /* going on without it would be silent loss */
	counter_add(&router->counters->notices, 1);
	deliver(router, notice, shards);
	if (!slice_is_absent(entry->traceparent))
		log_line(LOG_DEBUG, "router", "%lu-%lu goes out; trace %.*s", id.ms, id.sequence,
			 (int)entry->traceparent.size, (const char *)entry->traceparent.bytes);
}

bool fanout_ephemeral(struct router *router, struct slice channel, struct slice text,
		      uint32_t reserve)
{
	struct notice_channel target;
	uint64_t shards = fanout_resolve(router, channel, router_hash(router, channel), &target);

	if (shards == 0)
		return true;
	if (fanout_room(router) <= reserve)
		return false;
	struct notice *notice = framing_create_text(text, &target);

	if (!notice)
		return false;
	deliver(router, notice, shards);
	return true;
}

uint32_t fanout_answer_room(struct router *router, uint32_t shard)
{
	uint32_t vacant = ring_room(&router->options.deliveries[shard].ring);

	return vacant > FANOUT_RESERVE ? vacant - FANOUT_RESERVE : 0;
}

void fanout_push(struct router *router, uint32_t shard, const struct delivery *delivery)
{
	bool pushed = ring_push(&router->options.deliveries[shard].ring, delivery);

	ASSERT(pushed);
	router->shards_to_wake |= UINT64_C(1) << shard;
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

/* What the log had when it was read anew may not be what it had before. */
static bool has_position(const struct router *router)
{
	return router->is_loaded && !event_id_is_none(router->last) &&
	       !(router->redis && redis_log_is_doubtful(router->redis));
}

void fanout_tell_position(struct router *router)
{
	struct delivery delivery = {.type = DELIVERY_POSITION, .id = router->last};

	if (router->now_ms - router->position_told_ms < POSITION_INTERVAL_MS ||
	    event_id_equal(router->last, router->position_told) || !has_position(router))
		return;
	for (uint32_t i = 0; i < router->options.shards_count; i++)
		if (fanout_answer_room(router, i) > 0)
			fanout_push(router, i, &delivery);
	router->position_told = router->last;
	router->position_told_ms = router->now_ms;
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
