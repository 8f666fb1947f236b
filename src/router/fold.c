/* router/fold.c - dedupe, index, inbox, then whoever is there. */
#include "router/fold.h"

#include "base/log_line.h"
#include "belfry/close_reason.h"
#include "router/answers.h"
#include "router/inbox.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/channel_name.h"
#include "wire/config_switch.h"
#include "wire/partition.h"

#define USER_PREFIX "user:"

/* An entry on its way through its channels. */
struct fold {
	struct router *router;
	const struct entry *entry;
	struct event_id id;
	const struct fold_place *place;
	enum inbox_type type;
	bool was_indexed; /* in some channel: its body is kept */
	uint32_t targets;
	uint64_t shards;
	struct slice counted; /* the first inbox whose count has changed; absent */
	bool counts_more;     /* there are others */
};

bool fold_keeps_history(const struct router *router, struct slice name)
{
	return config_switch_for(&router->config->history_rules, channel_name_namespace(name));
}

bool fold_is_inbox(const struct router *router, struct slice name)
{
	return config_switch_for(&router->config->inbox_rules, channel_name_namespace(name));
}

/* Of several streams: another one is the channel's, and there it is looked for later. */
static bool is_misplaced(const struct fold *fold, struct slice name)
{
	const struct redis_log *redis = fold->router->redis;

	if (!redis || redis->partitions.count == 1 ||
	    redis_log_partition(redis, name) == fold->place->partition)
		return false;
	counter_add(&fold->router->counters->misplaced, 1);
	return true;
}

/* False: the channel has had this notification already. */
static bool index_channel(struct fold *fold, struct slice name, uint64_t channel)
{
	struct router *router = fold->router;
	const struct entry *entry = fold->entry;
	struct history_item item = {
		.id = fold->id,
		.channel = channel,
		.partition = fold->place->partition,
		.expires_ms = entry->ttl_s ? fold->id.ms + (uint64_t)entry->ttl_s * 1000 : 0,
		.counts = fold->type == INBOX_MESSAGE && fold_is_inbox(router, name),
	};

	if (!slice_is_absent(entry->id))
		item.id_hash = inbox_id_hash(router, channel, entry->id);
	if (!slice_is_absent(entry->key))
		item.key_hash = inbox_key_hash(router, channel, entry->key);
	if (fold->place->is_late)
		return !history_is_duplicate(fold->place->history, item.id_hash, fold->id);
	item.id_only = !fold_keeps_history(router, name) || is_misplaced(fold, name);
	if (item.id_only && item.id_hash == 0)
		return true;
	enum history_verdict verdict = history_add(fold->place->history, &item);

	ASSERT(verdict != HISTORY_NO_MEMORY);
	fold->was_indexed |= verdict == HISTORY_ADDED && !item.id_only;
	return verdict == HISTORY_ADDED;
}

static void note_counted(struct fold *fold, struct slice name)
{
	fold->counts_more = !slice_is_absent(fold->counted);
	if (!fold->counts_more)
		fold->counted = name;
}

static void apply_inbox(struct fold *fold, struct slice name, uint64_t channel)
{
	const struct inbox inbox = {fold->router, fold->place->history, channel, fold->id};

	if (fold->type == INBOX_MESSAGE || !fold_is_inbox(fold->router, name))
		return;
	if (inbox_apply(&inbox, fold->entry))
		note_counted(fold, name);
}

/* Some encodings tell with a message how many are unread then. */
static void tell_unread(struct fold *fold, uint64_t channel, struct notice_channel *target)
{
	target->has_unread =
		fold->type == INBOX_MESSAGE && fold_is_inbox(fold->router, target->name);
	if (target->has_unread)
		target->unread =
			history_unread(fold->place->history, channel, fold->router->unix_ms);
}

static void fold_channel(struct fold *fold, struct slice name)
{
	struct router *router = fold->router;
	uint64_t channel = router_hash(router, name);

	if (!index_channel(fold, name, channel)) {
		counter_add(&router->counters->duplicates, 1);
		return;
	}
	apply_inbox(fold, name, channel);
	if (fold->place->mode == FOLD_INDEX || fold->place->is_aside)
		return;
	uint64_t wanting = fanout_resolve(router, name, channel, &router->targets[fold->targets]);

	if (wanting != 0)
		tell_unread(fold, channel, &router->targets[fold->targets++]);
	fold->shards |= wanting;
}

static void keep_body(struct fold *fold)
{
	struct router *router = fold->router;
	struct event_id id = fold->id;

	if (router->redis && router->redis->partitions.count > 1)
		id.sequence = id.sequence * PARTITIONS_MAX + fold->place->partition;
	bool kept = bodies_add(router->bodies, id, fold->entry);

	ASSERT(kept);
	/* Without Redis what is not in memory is nowhere. */
	struct event_id oldest = bodies_oldest(router->bodies);
	uint64_t first = history_first(router->history);

	if (!router->redis && event_id_is_after(oldest, history_id(router->history, first)))
		history_trim_before(router->history, oldest);
}

/* Closes the connections of the users that the entry names. */
static void disconnect(struct router *router, const struct entry *entry)
{
	struct delivery close = {.type = DELIVERY_CLOSE, .count = CLOSE_DISCONNECTED};
	const struct session *session;
	uint32_t cursor = 0;
	struct slice name;

	while (entry_next_channel(entry, &cursor, &name)) {
		const struct interest *user =
			interests_find(&router->interests, name, router_hash(router, name));
		uint32_t place = user ? user->first_conn : 0;

		for (; place != 0; place = session->next) {
			session = sessions_at_place(&router->sessions, place);
			close.generation = session->generation;
			close.slot = (uint16_t)session_place_slot(place);
			answers_push(router, session_place_shard(place), &close);
		}
	}
}

/* Its ttl was over before it could be read, as after an outage: it is as old as any of the past,
 * which is folded like it. */
static bool is_expired(const struct fold *fold)
{
	uint64_t ttl_ms = (uint64_t)fold->entry->ttl_s * 1000;

	return ttl_ms > 0 && fold->router->unix_ms > fold->id.ms + ttl_ms;
}

/* The entry brings room for one: others are told as far as lanes have more than is kept free. */
static void tell_counts(const struct fold *fold)
{
	struct router *router = fold->router;
	uint32_t cursor = 0;
	struct slice name;

	inbox_tell_count(router, fold->counted, 0);
	while (fold->counts_more && entry_next_channel(fold->entry, &cursor, &name))
		if (!slice_equal(name, fold->counted) && fold_is_inbox(router, name))
			inbox_tell_count(router, name, FANOUT_RESERVE);
}

void fold_entry(struct router *router, const struct entry *entry, struct event_id id,
		const struct fold_place *place)
{
	struct fold fold = {
		.router = router,
		.entry = entry,
		.id = id,
		.place = place,
		.type = inbox_type_of(entry->type),
	};
	uint32_t cursor = 0;
	struct slice name;

	counter_add(&router->counters->entries, 1);
	if (!place->is_late && !place->is_aside)
		router->last = id;
	if (slice_equal(entry->type, SLICE(FOLD_DISCONNECT))) {
		if (place->mode == FOLD_DELIVER)
			disconnect(router, entry);
		return;
	}
	while (entry_next_channel(entry, &cursor, &name))
		fold_channel(&fold, name);
	if (place->is_aside)
		return;
	if (fold.was_indexed)
		keep_body(&fold);
	if (place->mode == FOLD_DELIVER && is_expired(&fold))
		counter_add(&router->counters->expired, 1);
	else if (fold.shards != 0)
		fanout_entry(router, entry, id, fold.targets, fold.shards);
	if (place->mode == FOLD_DELIVER && !slice_is_absent(fold.counted))
		tell_counts(&fold);
}
