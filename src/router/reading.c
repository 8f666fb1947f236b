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

static struct event_id next_id(struct event_id id)
{
	if (id.sequence < UINT64_MAX)
		return (struct event_id){id.ms, id.sequence + 1};
	return (struct event_id){id.ms + 1, 0};
}

/* What a load needs and nobody later. */
static void end_load(struct reading *reading)
{
	history_destroy(reading->old);
	history_destroy(reading->partial);
	unkept_deinit(&reading->unkept_old);
	reading->old = reading->partial = NULL;
}

void reading_deinit(struct reading *reading)
{
	end_load(reading);
	unkept_deinit(&reading->unkept);
}

/* What one has trimmed the others may still have, but nobody knows which channels those entries
 * were for. */
struct event_id reading_window(const struct redis_log *redis, const struct partition_set *parts,
			       struct event_id *ret_floor)
{
	uint64_t retention_ms = redis->router->config->retention_ms;
	struct event_id floor, start = {0, 0};
	struct redis_facts facts = watch_sum(&redis->watch, parts, &floor);

	if (facts.stream_exists && facts.last_id.ms > retention_ms)
		start.ms = facts.last_id.ms - retention_ms;
	if (facts.length > 0 && !event_id_is_after(start, facts.first_id))
		start = (struct event_id){0, 0}; /* they are inside the window as a whole */
	*ret_floor = event_id_is_after(start, floor) ? start : floor;
	return start;
}

/* Where the window begins, and from where on nothing is missing. */
static struct event_id window_start(const struct router *router, const struct redis_facts *facts,
				    struct event_id *ret_floor)
{
	struct event_id start = {0, 0}, floor = {0, 0};
	bool is_trimmed = !facts->has_entries_added || facts->entries_added > facts->length;

	if (router->redis->watch.parts)
		return reading_window(router->redis, &router->redis->reads, ret_floor);
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
		reading->unkept_old = reading->unkept;
		reading->unkept = (struct unkept){0};
		reading->old_parts = redis->reads;
	} else {
		keep_partial(reading, router->history);
	}
	reading->is_whole = false;
	if (reading->old)
		reading->old_next = history_first(reading->old);
	reading->unkept_next = 0;
	reading->lost = 0;
	reading->common = (struct event_id){0, 0};
	router->history = router_make_index(router);
	ASSERT(router->history != NULL);
	bodies_clear(router->bodies);
}

/* Of several streams: all that are needed by now are read, of which there are facts. */
static void choose_parts(struct redis_log *redis)
{
	for (uint32_t i = 0; redis->watch.parts && i < redis->partitions.count; i++) {
		if (!partition_set_has(&redis->watch.asked, i) ||
		    !partition_set_has(&redis->needs.wanted, i) ||
		    partition_set_has(&redis->reads, i))
			continue;
		partition_set_add(&redis->reads, i);
		redis_stream_add(&redis->stream, i, redis->stream.position);
	}
}

/* Whoever was let in before the log could be read gets what came since. */
static struct event_id first_live_from(const struct redis_log *redis)
{
	if (redis->attempts > 0)
		return redis->started;
	return event_id_is_none(redis->let_in) ? redis->reading.until : redis->let_in;
}

static void begin_load(struct redis_log *redis, const struct redis_facts *facts)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;
	struct event_id floor, start;

	if (reading->has_begun)
		set_aside(redis);
	choose_parts(redis);
	start = window_start(router, facts, &floor);
	reading->until = facts->stream_exists ? facts->last_id : (struct event_id){0, 0};
	reading->began_ms = router->now_ms;
	reading->loaded = 0;
	reading->loaded_before = UINT64_MAX; /* no reply has come yet */
	if (!reading->has_begun)
		reading->live_from = first_live_from(redis);
	reading->floor = floor;
	history_raise_floor(router->history, floor);
	router->is_loaded = false;
	router->last = start;
	reading->has_begun = true;
	reading->state = READING_LOADING;
	redis_stream_start_after(&redis->stream, start);
	watch_adopt(&redis->watch, &redis->reads);
	reading_on_progress(redis, false);
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

	reading_compare(reading, end, UINT32_MAX);
	if (!event_id_is_none(reading->vanished)) {
		reading->lost++;
		if (event_id_is_after(reading->vanished, reading->old_last))
			reading->old_last = reading->vanished;
	}
	reading->vanished = (struct event_id){0, 0};
	/* What was trimmed by the log itself was lost before: the floor says it. */
	if (reading->lost > 0)
		tell_loss(redis);
}

/* A reply without entries is the end, too: the newest one may have been deleted. */
static bool is_at_end(struct reading *reading, struct event_id position, bool has_read)
{
	bool has_more = !has_read || reading->loaded != reading->loaded_before;

	if (has_read)
		reading->loaded_before = reading->loaded;
	return !has_more || !event_id_is_after(reading->until, position);
}

void reading_on_progress(struct redis_log *redis, bool has_read)
{
	struct reading *reading = &redis->reading;
	struct router *router = redis->router;

	if (reading->state != READING_LOADING)
		return;
	if (redis->stream.holds)
		return; /* of several streams: more has come than was told */
	if (!is_at_end(reading, redis->stream.position, has_read))
		return;
	if (reading->old)
		finish_compare(redis);
	end_load(reading);
	needs_keep_promises(&redis->needs, &redis->reads);
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
	join_cancel(&redis->join);
}

/* ---- facts ---- */

static const char *difference_of_part(const struct watch_part *part)
{
	if (event_id_is_after(part->told, part->facts.last_id))
		return part->facts.stream_exists
			       ? "the newest id of a partition is below one that was read"
			       : "a partition is gone";
	if (part->facts.has_entries_added && part->facts.entries_added < part->asked_added)
		return "a partition was made anew";
	return NULL;
}

/* Likewise, of several streams, by what was known of each when it was asked for. */
static const char *difference_of_parts(struct redis_log *redis)
{
	const char *why = NULL;

	for (uint32_t i = 0; i < redis->partitions.count; i++) {
		const struct watch_part *part = &redis->watch.parts[i];
		bool is_joining = !event_id_is_none(join_told(&redis->join, i));
		const char *here = NULL;

		if (partition_set_has(&redis->watch.asked, i) &&
		    (is_joining || partition_set_has(&redis->reads, i)))
			here = difference_of_part(part);
		why = here ? here : why;
		/* Nothing of it is in the index yet that could be compared. */
		if (here && is_joining && event_id_is_after(part->told, redis->reading.vanished))
			redis->reading.vanished = part->told;
	}
	return why;
}

/* Why this is not the log that was read so far; NULL: it is. */
static const char *difference(struct redis_log *redis, const struct redis_facts *facts)
{
	const struct watch *watch = &redis->watch;

	if (strcmp(watch->replid, facts->replid) != 0)
		return "Redis has another replication id";
	if (watch->parts)
		return difference_of_parts(redis);
	if (!facts->stream_exists)
		return is_zero(watch->told) ? NULL : "the stream is gone";
	if (event_id_is_after(watch->told, facts->last_id))
		return "its newest id is below one that was read";
	if (facts->has_entries_added && facts->entries_added < watch->asked_added)
		return "the stream was made anew";
	return NULL;
}

/* What the log no longer has need not be promised. */
static void follow_trimming(struct redis_log *redis, const struct redis_facts *facts)
{
	struct history *history = redis->router->history;

	watch_follow(&redis->watch);
	if (redis->watch.parts) {
		struct event_id floor = redis->watch.floor;

		if (event_id_is_after(floor, history_floor(history)))
			history_trim_before(history, next_id(floor));
		return;
	}
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

/* From when on entries go to whoever is there. */
static struct event_id live_from(const struct redis_log *redis)
{
	uint32_t partition = redis->stream.entry_partition;
	const struct needs *needs = &redis->needs;

	if (!redis->reading.old || !needs->parts ||
	    partition_set_has(&redis->reading.old_parts, partition))
		return redis->reading.live_from;
	/* It was not read before, and nobody waits for it but by a promise, which holds for the
	 * whole millisecond. */
	if (needs->parts[partition].promised_ms == 0)
		return (struct event_id){UINT64_MAX, 0};
	return event_id_before((struct event_id){needs->parts[partition].promised_ms, 0});
}

static enum fold_mode mode_of(struct redis_log *redis, struct event_id id)
{
	uint32_t partition = redis->stream.entry_partition;
	struct reading *reading = &redis->reading;
	bool is_known = false;

	if (reading->state == READING_LIVE)
		return FOLD_DELIVER;
	if (reading->old)
		is_known = reading_compare(reading, id, partition);
	if (reading->partial)
		is_known |= history_has_of(reading->partial, id, partition);
	is_known |= unkept_has(&reading->unkept, id, partition);
	return !is_known && event_id_is_after(id, live_from(redis)) ? FOLD_DELIVER : FOLD_INDEX;
}

/* In no channel it can be replayed. */
static bool keeps_nothing(const struct router *router, const struct entry *entry)
{
	uint32_t cursor = 0;
	struct slice name;

	while (entry_next_channel(entry, &cursor, &name))
		if (fold_keeps_history(router, name))
			return false;
	return true;
}

/* It was read for sure before the log was another one, when nobody remembers it any more. */
static bool was_unkept(const struct redis_log *redis, const struct entry *entry, struct event_id id)
{
	const struct reading *reading = &redis->reading;

	return reading->state == READING_LOADING &&
	       unkept_forgot(reading->old ? &reading->unkept_old : &reading->unkept, id) &&
	       keeps_nothing(redis->router, entry);
}

void reading_note_unkept(struct unkept *unkept, const struct fold_place *place, struct event_id id)
{
	const struct history *history = place->history;
	uint64_t end = history_end(history);

	if (place->is_late ||
	    (end > history_first(history) && event_id_equal(history_id(history, end - 1), id) &&
	     history_partition(history, end - 1) == place->partition))
		return;
	unkept_add(unkept, id, place->partition);
}

/* Of the past nobody is told, not even that it was dead: that was done then. */
void reading_fold(struct redis_log *redis, const struct fold_place *place, struct event_id id,
		  struct reading_fields fields)
{
	struct router *router = redis->router;
	bool is_past = place->mode == FOLD_INDEX && fields.count <= ENTRY_FIELDS_MAX;
	struct entry entry;
	enum entry_reason reason =
		is_past ? entry_parse(fields.fields, fields.count, router->config->max_message_size,
				      &entry)
			: appending_check(router, fields.fields, fields.count, &entry);

	if (reason == ENTRY_OK) {
		struct fold_place here = *place;

		if (!place->is_aside && was_unkept(redis, &entry, id))
			here.mode = FOLD_INDEX;
		fold_entry(router, &entry, id, &here);
		return;
	}
	if (!place->is_late && !place->is_aside)
		router->last = id;
	counter_add(&router->counters->entries, 1);
	if (place->mode == FOLD_DELIVER)
		redis_log_bury(redis, fields.fields, fields.count, reason);
}

void reading_on_entry(struct redis_log *redis, struct event_id id, const struct entry_field *fields,
		      uint32_t fields_count)
{
	struct router *router = redis->router;
	struct fold_place place = {
		.history = router->history,
		.partition = redis->stream.entry_partition,
		.mode = mode_of(redis, id),
		.is_late = redis->stream.entry_is_late,
	};

	redis->reading.loaded++;
	if (redis->reading.state == READING_LIVE)
		watch_count(&redis->watch, place.partition, id);
	counter_add(&router->counters->late, place.is_late);
	reading_fold(redis, &place, id, (struct reading_fields){fields, fields_count});
	reading_note_unkept(&redis->reading.unkept, &place, id);
}
