/* router/reading.c - the window, again and again if need be, and what comes after it. */
#include "router/reading.h"

#include <string.h>

#include "base/log_line.h"
#include "router/fold.h"
#include "router/listing.h"
#include "router/redis_log.h"
#include "router/replay.h"

static bool is_zero(struct event_id id)
{
	return id.ms == 0 && id.sequence == 0;
}

void reading_deinit(struct reading *reading)
{
	history_destroy(reading->old);
	history_destroy(reading->partial);
	reading->old = reading->partial = NULL;
}

static struct history *create_history(const struct router *router)
{
	struct history_options options = {
		.retention_ms = router->config->retention_ms,
		.records_max = router->config->retention_entries,
		.dedupe_ms = router->config->dedupe_window_ms,
	};
	struct history *history = history_create(&options);

	ASSERT(history != NULL);
	return history;
}

/* Where the window begins, and from where on nothing is missing. */
static struct event_id window_start(const struct router *router, const struct redis_facts *facts,
				    struct event_id *ret_floor)
{
	struct event_id start = {0, 0}, floor = {0, 0};
	bool is_trimmed = !facts->has_entries_added || facts->entries_added > facts->length;

	if (facts->stream_exists && facts->last_id.ms > router->config->retention_ms)
		start.ms = facts->last_id.ms - router->config->retention_ms;
	if (facts->stream_exists && facts->length > 0 && is_trimmed)
		floor = event_id_before(facts->first_id);
	else if (facts->stream_exists && is_trimmed && facts->length == 0)
		floor = facts->last_id;
	if (facts->stream_exists && facts->length > 0 && event_id_is_after(start, floor) &&
	    !event_id_is_after(start, facts->first_id))
		start = floor; /* the whole stream is inside the window */
	*ret_floor = event_id_is_after(start, floor) ? start : floor;
	return start;
}

/* ---- a load ---- */

/* What an unfinished load has read stays known, or its new entries would go out twice. */
static void keep_partial(struct reading *reading, struct history *partial)
{
	const struct history *kept = reading->partial;

	if (kept && history_first(kept) < history_end(kept) &&
	    (history_first(partial) == history_end(partial) ||
	     event_id_is_after(history_id(kept, history_end(kept) - 1),
			       history_id(partial, history_end(partial) - 1)))) {
		history_destroy(partial);
		return;
	}
	history_destroy(reading->partial);
	reading->partial = partial;
}

/* The index of before makes room for a new one, which is compared with it. */
static void set_aside(struct redis_log *redis)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;

	replay_again_all(router);
	listing_refuse_all(router, "log_unavailable", "the log is being read again");
	if (reading->is_whole) {
		reading->old = router->history;
		reading->old_last = router->last;
		reading->live_from = history_floor(reading->old);
	} else {
		keep_partial(reading, router->history);
	}
	reading->is_whole = false;
	if (reading->old)
		reading->old_next = history_first(reading->old);
	reading->lost = 0;
	reading->common = (struct event_id){0, 0};
	router->history = create_history(router);
	bodies_clear(router->bodies);
}

static void begin_load(struct redis_log *redis, const struct redis_facts *facts)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;
	struct event_id floor;
	struct event_id start = window_start(router, facts, &floor);

	reading->until = facts->stream_exists ? facts->last_id : (struct event_id){0, 0};
	reading->began_ms = router->now_ms;
	reading->loaded = 0;
	reading->loaded_before = UINT64_MAX; /* no reply has come yet */
	if (reading->has_begun) {
		set_aside(redis);
	} else {
		reading->live_from = redis->attempts > 0 ? redis->started : reading->until;
	}
	history_raise_floor(router->history, floor);
	router->is_loaded = false;
	router->last = start;
	reading->has_begun = true;
	reading->state = READING_LOADING;
	redis_stream_start_after(&redis->stream, start);
	memcpy(redis->watch.replid, facts->replid, sizeof(redis->watch.replid));
	redis->watch.entries_added = facts->entries_added;
	reading_on_progress(redis);
}

/* The old index as far as `id`: what it has and the new log has not is lost. True: it has `id`. */
static bool compare_old(struct reading *reading, struct event_id id)
{
	bool has = false;

	while (reading->old_next < history_end(reading->old)) {
		struct event_id next = history_id(reading->old, reading->old_next);

		if (event_id_is_after(next, id))
			break;
		if (event_id_equal(next, id)) {
			has = true;
			if (reading->lost == 0)
				reading->common = id;
		} else {
			reading->lost++;
		}
		reading->old_next++;
	}
	return has;
}

static void tell_loss(struct redis_log *redis)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;

	log_line(LOG_ERROR, "router",
		 "the log has lost %lu entries after %lu-%lu: clients that were further on are "
		 "told recovered false",
		 reading->lost, reading->common.ms, reading->common.sequence);
	counter_add(&router->counters->log_lost, reading->lost);
	counter_add(&router->counters->epochs, 1);
	watch_new_epoch(&redis->watch, reading->common, reading->old_last);
}

static void finish_compare(struct redis_log *redis)
{
	struct reading *reading = &redis->reading;
	const struct event_id end = {UINT64_MAX, UINT64_MAX};

	compare_old(reading, end);
	/* What was trimmed by the log itself was lost before: the floor says it. */
	if (reading->lost > 0)
		tell_loss(redis);
}

void reading_on_progress(struct redis_log *redis)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;

	if (reading->state != READING_LOADING)
		return;
	/* A reply without entries is the end, too: the newest one may have been deleted. */
	if (event_id_is_after(reading->until, redis->stream.position) &&
	    reading->loaded != reading->loaded_before) {
		reading->loaded_before = reading->loaded;
		return;
	}
	if (reading->old)
		finish_compare(redis);
	reading_deinit(reading);
	reading->is_whole = true;
	reading->state = READING_LIVE;
	router->is_loaded = true;
	if (event_id_is_after(redis->stream.position, router->last))
		router->last = redis->stream.position;
	if (is_zero(reading->until))
		router->last = reading->until;
	log_line(LOG_INFO, "router", "%lu entries of the log were read back in %lu ms",
		 reading->loaded, router->now_ms - reading->began_ms);
}

void reading_again(struct redis_log *redis, const char *why)
{
	log_line(LOG_WARN, "router", "the log is read again: %s", why);
	counter_add(&redis->router->counters->log_reloads, 1);
	redis->reading.state = READING_WAITS;
}

/* ---- facts ---- */

/* Why this is not the log that was read so far; NULL: it is. */
static const char *difference(const struct redis_log *redis, const struct redis_facts *facts)
{
	const struct watch *watch = &redis->watch;

	if (strcmp(watch->replid, facts->replid) != 0)
		return "Redis has another replication id";
	if (!facts->stream_exists)
		return history_count(redis->router->history) > 0 ? "the stream is gone" : NULL;
	if (event_id_is_after(redis->stream.position, facts->last_id))
		return "its newest id is below one that was read";
	if (facts->has_entries_added && facts->entries_added < watch->asked_added)
		return "the stream was made anew";
	return NULL;
}

/* What the log no longer has need not be promised. */
static void follow_trimming(struct redis_log *redis, const struct redis_facts *facts)
{
	struct history *history = redis->router->history;

	if (facts->entries_added > redis->watch.entries_added)
		redis->watch.entries_added = facts->entries_added;
	if (facts->stream_exists && facts->length > 0 &&
	    history_first(history) < history_end(history) &&
	    event_id_is_after(facts->first_id, history_id(history, history_first(history))))
		history_trim_before(history, facts->first_id);
	if (facts->stream_exists && facts->length == 0 && facts->entries_added > 0)
		history_trim_before(
			history, (struct event_id){facts->last_id.ms, facts->last_id.sequence + 1});
}

void reading_on_facts(struct redis_log *redis, const struct redis_facts *facts)
{
	struct reading *reading = &redis->reading;
	const char *why = NULL;

	if (reading->has_begun && reading->state != READING_WAITS)
		why = difference(redis, facts);
	if (why)
		reading_again(redis, why);
	if (reading->state == READING_LIVE)
		follow_trimming(redis, facts);
	/* The position of a read that is under way is not to be moved. */
	if (redis->stream.state != REDIS_STREAM_IDLE) {
		if (reading->state == READING_WAITS)
			redis->watch.next_ms = redis->router->now_ms + 20;
		/* It may block for seconds, and the loss is to be told now. */
		if (reading->state == READING_WAITS && redis->stream.state == REDIS_STREAM_READING)
			link_break(&redis->links[LINK_READ], "the log is to be read again");
		return;
	}
	if (reading->state == READING_WAITS)
		begin_load(redis, facts);
}

/* ---- entries ---- */

static enum fold_mode mode_of(struct reading *reading, struct event_id id)
{
	bool is_known = false;

	if (reading->state == READING_LIVE)
		return FOLD_DELIVER;
	if (reading->old)
		is_known = compare_old(reading, id);
	if (reading->partial)
		is_known |= history_has(reading->partial, id);
	return !is_known && event_id_is_after(id, reading->live_from) ? FOLD_DELIVER : FOLD_INDEX;
}

void reading_on_entry(struct redis_log *redis, struct event_id id, const struct entry_field *fields,
		      uint32_t fields_count)
{
	struct router *router = redis->router;
	enum fold_mode mode = mode_of(&redis->reading, id);
	struct entry entry;
	enum entry_reason reason;

	redis->reading.loaded++;
	if (redis->reading.state == READING_LIVE)
		redis->watch.entries_added++;
	/* Of the past nobody is told, not even that it was dead: that was done then. */
	reason = mode == FOLD_INDEX && fields_count <= ENTRY_FIELDS_MAX
			 ? entry_parse(fields, fields_count, router->config->max_message_size,
				       &entry)
			 : appending_check(router, fields, fields_count, &entry);
	if (reason == ENTRY_OK) {
		fold_entry(router, &entry, id, mode);
		return;
	}
	router->last = id;
	counter_add(&router->counters->entries, 1);
	if (mode == FOLD_DELIVER)
		redis_log_bury(redis, fields, fields_count, reason);
}
