/* router/replay_step.c - where a replay begins, and which records it is about. */
#include "router/replay_step.h"

#include <stdlib.h>

#include "router/cursor_store.h"
#include "router/needs.h"
#include "router/redis_log.h"
#include "router/replay_phase.h"
#include "router/router_state.h"
#include "router/takeover.h"

struct session *replay_session(const struct replay *replay)
{
	struct session *session = sessions_find(&replay->router->sessions, replay->shard,
						replay->slot, replay->generation);

	ASSERT(session != NULL);
	return session;
}

/* ---- where it begins ---- */

bool replay_reaches(const struct router *router, struct event_id after)
{
	const struct lost_range *lost = &router->lost;

	if (event_id_is_after(history_floor(router->history), after))
		return false;
	if (!event_id_is_after(after, lost->from) || event_id_is_after(after, lost->until))
		return true;
	/* Of several streams another one may have had an entry with the id before, too. */
	return (!router->redis || router->redis->partitions.count == 1) &&
	       history_has(router->history, after);
}

void replay_want_nothing_old(struct replay *replay)
{
	replay->recovery->from = RECOVERY_NOW;
	replay->is_recovered = false;
	replay->phase = REPLAY_ANSWER;
	replay->reached = history_end(replay->router->history);
}

enum word replay_park(struct replay *replay, enum replay_step *ret_step)
{
	struct redis_log *redis = replay->router->redis;

	if (replay->router->now_ms - replay->began_ms >= REPLAY_PATIENCE_MS) {
		if (redis && event_id_is_none(redis->let_in))
			redis->let_in.ms = replay->router->unix_ms - REPLAY_PATIENCE_MS;
		replay_want_nothing_old(replay);
		return WORD_ON;
	}
	*ret_step = REPLAY_STEP_PARK;
	return WORD_STOP;
}

/* The user's own channel from its cursor, or from the beginning for one who was never here;
 * shared channels from the cursor, or from now. */
static void place_at_cursor(struct replay *replay, const struct cursor *cursor)
{
	struct recovery *recovery = replay->recovery;
	struct router *router = replay->router;
	struct slice own = slice_of(replay_session(replay)->user->name,
				    replay_session(replay)->user->name_size);
	struct event_id confirmed = cursor->confirmed;

	replay->is_new_user = confirmed.ms == 0 && confirmed.sequence == 0;
	for (uint32_t i = 0; i < recovery->channels_count; i++)
		recovery->channels[i].after =
			replay->is_new_user && !slice_equal(recovery->channels[i].name, own)
				? router->last
				: confirmed;
	recovery->from = RECOVERY_AFTER;
	replay->is_recovered = replay_reaches(router, confirmed);
}

static enum word place_cursor(struct replay *replay, enum replay_step *ret_step)
{
	struct cursor *cursor = replay_session(replay)->cursor;

	if (!cursor) {
		replay_want_nothing_old(replay);
		return WORD_ON;
	}
	if (replay->router->redis && !replay->has_asked) {
		if (!cursor_store_ask(replay, cursor))
			return replay_park(replay, ret_step);
		*ret_step = REPLAY_STEP_WAITS;
		return WORD_STOP;
	}
	place_at_cursor(replay, cursor);
	replay->phase = REPLAY_COLLECT;
	return WORD_ON;
}

/* As far as this node has read. */
static struct event_id known(const struct router *router)
{
	return router->redis ? redis_log_known(router->redis) : router->last;
}

/* False: some position is from the future, as far as this node has read. */
static bool place_after(struct replay *replay, bool is_late)
{
	struct recovery *recovery = replay->recovery;
	struct router *router = replay->router;

	for (uint32_t i = 0; i < recovery->channels_count; i++) {
		struct event_id *after = &recovery->channels[i].after;

		if (event_id_is_after(*after, known(router))) {
			if (!is_late)
				return false;
			replay->is_recovered = false;
			*after = router->last;
		}
		replay->is_recovered &= replay_reaches(router, *after);
	}
	return true;
}

/* Everything that it is about is read here; else it will be. */
static bool has_all_parts(const struct replay *replay)
{
	const struct recovery *recovery = replay->recovery;
	bool has_all = true;

	for (uint32_t i = 0; i < recovery->channels_count; i++)
		if (!needs_has(replay->router, recovery->channels[i].name))
			has_all &= needs_ask(replay->router, recovery->channels[i].name);
	return has_all;
}

static bool is_coming(const struct router *router)
{
	return redis_log_is_loading(router->redis) ||
	       (router->is_loaded && redis_log_is_up(router->redis));
}

/* Redis is away. Who goes on without some partition is told all that is new in it later. */
static enum word park_without(struct replay *replay, enum replay_step *ret_step)
{
	const struct recovery *recovery = replay->recovery;
	enum word word = replay_park(replay, ret_step);

	for (uint32_t i = 0; word == WORD_ON && i < recovery->channels_count; i++)
		if (!needs_has(replay->router, recovery->channels[i].name))
			needs_promise(replay->router, recovery->channels[i].name);
	return word;
}

/* Of several streams this node reads some: another one may have that position. */
static void look_again(struct redis_log *redis)
{
	recall_want(redis);
	watch_all(&redis->watch);
}

static enum word place(struct replay *replay, enum replay_step *ret_step)
{
	struct router *router = replay->router;
	bool is_late = router->now_ms - replay->began_ms >= REPLAY_PATIENCE_MS;

	if (replay->must_ask_identity && takeover_ask(replay)) {
		*ret_step = REPLAY_STEP_WAITS;
		return WORD_STOP;
	}
	if (!router->is_loaded || !has_all_parts(replay)) {
		/* The window is being read: that may take a while and is worth it. */
		if (router->redis && is_coming(router)) {
			replay->began_ms = router->now_ms;
			*ret_step = REPLAY_STEP_PARK;
			return WORD_STOP;
		}
		return park_without(replay, ret_step);
	}
	if (router->redis && replay->recovery->from != RECOVERY_NOW &&
	    redis_log_is_doubtful(router->redis))
		return replay_park(replay, ret_step);
	switch (replay->recovery->from) {
	case RECOVERY_NOW:
		replay_want_nothing_old(replay);
		return WORD_ON;
	case RECOVERY_CURSOR:
		return place_cursor(replay, ret_step);
	case RECOVERY_AFTER:
		break;
	}
	if (!place_after(replay, is_late)) {
		if (router->redis && router->redis->partitions.count > 1)
			look_again(router->redis);
		*ret_step = REPLAY_STEP_PARK;
		return WORD_STOP;
	}
	replay->phase = REPLAY_COLLECT;
	return WORD_ON;
}

/* ---- which records ---- */

static bool add_record(struct replay *replay, uint64_t record)
{
	if (replay->records_count == replay->records_capacity) {
		uint32_t capacity = replay->records_capacity ? replay->records_capacity * 2 : 16;
		uint64_t *grown = realloc(replay->records, capacity * sizeof(*grown));

		ASSERT(grown != NULL);
		replay->records = grown;
		replay->records_capacity = capacity;
	}
	replay->records[replay->records_count++] = record;
	return replay->records_count <= replay->router->config->replay_limit;
}

static bool is_parted(const struct router *router)
{
	return router->redis && router->redis->partitions.count > 1;
}

/* Of several streams two may give the same id, and the receiver may have only the first of those
 * entries: only of the first of its channels that have this id is it sure to have it. */
static bool may_lack_equal(const struct replay *replay, struct slice name, struct event_id id)
{
	const struct recovery *recovery = replay->recovery;
	const struct router *router = replay->router;
	uint32_t partition = redis_log_partition(router->redis, name);

	for (uint32_t i = 0; i < recovery->channels_count; i++) {
		struct slice other = recovery->channels[i].name;

		if (redis_log_partition(router->redis, other) < partition &&
		    history_find_event(router->history, router_hash(router, other), id) != 0)
			return true;
	}
	return false;
}

/* The receiver has it, by what it said; nothing of its channel before it is looked at then. */
static bool is_behind_it(const struct replay *replay, const struct recovery_channel *channel,
			 struct event_id id)
{
	if (event_id_is_after(id, channel->after))
		return false;
	return !is_parted(replay->router) || !event_id_equal(id, channel->after) ||
	       !may_lack_equal(replay, channel->name, id);
}

/* From the newest record of the channel back to where the receiver is. False: too many. */
static bool collect_channel(struct replay *replay, uint32_t index)
{
	const struct recovery_channel *channel = &replay->recovery->channels[index];
	struct history *history = replay->router->history;
	uint64_t number = history_newest(history, router_hash(replay->router, channel->name));

	for (; number != 0 && number >= replay->reached;
	     number = history_previous(history, number)) {
		if (is_behind_it(replay, channel, history_id(history, number)))
			return true;
		if (history_is_current(history, number, replay->router->unix_ms) &&
		    !add_record(replay, number * REPLAY_CHANNELS + index))
			return false;
	}
	return true;
}

static int compare_records(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* A long list is work, too: others and new entries get their turn in between. */
static void charge(const struct replay *replay, uint32_t *budget)
{
	bool was_too_long = replay->phase == REPLAY_ANSWER;
	uint32_t records =
		was_too_long ? replay->router->config->replay_limit : replay->records_count;
	uint32_t cost = records / REPLAY_RECORDS_COST;

	*budget -= cost < *budget ? cost : *budget;
}

/* False: more than the limit. */
bool replay_collect(struct replay *replay)
{
	bool fits = true;

	replay->records_count = replay->at = 0;
	for (uint32_t i = 0; fits && i < replay->recovery->channels_count; i++)
		fits = collect_channel(replay, i);
	if (!fits)
		replay->records_count = 0;
	if (replay->records_count > 1)
		qsort(replay->records, replay->records_count, sizeof(*replay->records),
		      compare_records); /* in the log's order */
	replay->reached = history_end(replay->router->history);
	return fits;
}

static enum word collect_first(struct replay *replay, enum replay_step *ret_step)
{
	(void)ret_step;
	replay->reached = 0;
	if (!replay_collect(replay)) {
		if (replay->type == RECEIPT_CATCH_UP) {
			replay->is_recovered =
				false; /* answered with the end: see replay_answer() */
		} else {
			replay_want_nothing_old(replay);
			return WORD_ON;
		}
	}
	if (replay->is_new_user && !replay->is_answered)
		replay->is_recovered = replay->is_recovered && replay->records_count > 0;
	replay->phase = REPLAY_CHECK;
	return WORD_ON;
}

enum replay_step replay_step(struct replay *replay, uint32_t *budget)
{
	enum replay_step step = REPLAY_STEP_DONE;
	enum word word = WORD_ON;

	while (word == WORD_ON) {
		if (replay->phase == REPLAY_SEND &&
		    fanout_answer_room(replay->router, replay->shard) < 2)
			return REPLAY_STEP_LATER;
		switch (replay->phase) {
		case REPLAY_PLACE:
			word = place(replay, &step);
			break;
		case REPLAY_COLLECT:
			word = collect_first(replay, &step);
			charge(replay, budget);
			break;
		case REPLAY_CHECK:
			word = replay_check(replay, &step);
			break;
		case REPLAY_ANSWER:
			word = replay_answer(replay, &step);
			break;
		case REPLAY_SEND:
			word = replay_send(replay, &step, budget);
			break;
		}
	}
	return step;
}
