/* router/join.c - a window aside, one index of two, one read of all. */
#include "router/join.h"

#include <stdlib.h>

#include "base/log_line.h"
#include "router/fold.h"
#include "router/history_merge.h"
#include "router/listing.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/router_state.h"

#define READ_COUNT_MIN 512 /* entries asked for at once, ... */
#define READ_COUNT_EACH 4  /* but not fewer of each stream */
#define HELD_MS_FIRST 200  /* the live read is not held for longer, ... */
#define HELD_MS_MAX 3200   /* but when Redis is so far away that this is not enough */

/* ---- the window ---- */

static void read_next(struct join *join)
{
	struct redis_log *redis = join->redis;

	if (join->stream.state != REDIS_STREAM_IDLE ||
	    (join->state != JOIN_LOADING && join->state != JOIN_FINISHING))
		return;
	join->stream.limit = redis_stream_known(&redis->stream);
	if (!event_id_is_after(join->stream.limit, join->known)) {
		recall_want(redis); /* or most would be left for when it is held */
		return;
	}
	uint32_t count = partition_set_count(&join->parts) * READ_COUNT_EACH;

	join->stream.is_hasty = true;
	redis->heard_ms[LINK_JOIN] = redis->router->now_ms;
	if (redis_stream_read(&join->stream, count > READ_COUNT_MIN ? count : READ_COUNT_MIN) !=
	    STATUS_OK)
		link_break(&redis->links[LINK_JOIN], "out of memory");
}

/* Of what was there when it was needed nobody is told. */
static void on_entry(void *owner, struct event_id id, const struct entry_field *fields,
		     uint32_t fields_count)
{
	struct join *join = owner;
	struct router *router = join->redis->router;
	uint32_t partition = join->stream.entry_partition;
	bool is_new = event_id_is_after(id, join->until[partition]);
	struct fold_place place = {
		.history = join->history,
		.partition = partition,
		.mode = is_new ? FOLD_DELIVER : FOLD_INDEX,
		.is_late = join->stream.entry_is_late,
		.is_aside = true,
	};

	join->entries++;
	watch_count(&join->redis->watch, partition, id);
	counter_add(&router->counters->late, place.is_late);
	reading_fold(join->redis, &place, id, (struct reading_fields){fields, fields_count});
	reading_note_unkept(&join->unkept, &place, id);
}

/* ---- one of two ---- */

/* The index of these partitions, with that of `other` unless it is NULL. */
static void make_index(struct redis_log *redis, const struct history *other)
{
	struct router *router = redis->router;
	struct history *merged = history_merge(router->history, other, &redis->reads);

	ASSERT(merged != NULL);
	history_destroy(router->history);
	router->history = merged;
}

struct event_id join_told(const struct join *join, uint32_t partition)
{
	if (join->state < JOIN_LOADING || !partition_set_has(&join->parts, partition))
		return (struct event_id){0, 0};
	struct event_id told = join->stream.parts[partition].told;

	return event_id_is_after(told, join->until[partition]) ? told : join->until[partition];
}

static void add_part(struct join *join, uint32_t partition)
{
	struct redis_stream *live = &join->redis->stream;
	const struct redis_stream_part *own = &join->stream.parts[partition];

	redis_stream_add(live, partition, own->position);
	live->parts[partition].told = join_told(join, partition);
	redis_stream_drop(&join->stream, partition);
}

static void forget(struct join *join)
{
	history_destroy(join->history);
	unkept_deinit(&join->unkept);
	join->history = NULL;
	join->parts = (struct partition_set){0};
	join->state = JOIN_NONE;
}

static void finish(struct join *join)
{
	struct redis_log *redis = join->redis;
	struct router *router = redis->router;

	partition_set_add_all(&redis->reads, &join->parts);
	replay_again_all(router);
	make_index(redis, join->history);
	listing_again_all(router);
	unkept_merge(&redis->reading.unkept, &join->unkept, &redis->reads);
	for (uint32_t i = 0; i < redis->partitions.count; i++)
		if (partition_set_has(&join->parts, i))
			add_part(join, i);
	if (event_id_is_after(join->stream.position, redis->stream.position))
		redis->stream.position = join->stream.position;
	if (event_id_is_after(join->stream.position, router->last))
		router->last = join->stream.position;
	counter_add(&router->counters->partition_joins, partition_set_count(&join->parts));
	log_line(LOG_INFO, "router",
		 "%u partitions are read from now on, %u in all: %lu entries read back in %lu ms",
		 partition_set_count(&join->parts), partition_set_count(&redis->reads),
		 join->entries, router->now_ms - join->began_ms);
	forget(join);
}

static void leave(struct join *join)
{
	struct redis_log *redis = join->redis;
	struct router *router = redis->router;
	struct partition_set parts = redis->reads;

	partition_set_remove_all(&parts, &redis->needs.wanted);
	if (partition_set_is_empty(&parts) || router->now_ms < join->leave_ms)
		return;
	join->leave_ms = router->now_ms + router->config->partition_linger_ms;
	partition_set_remove_all(&redis->reads, &parts);
	replay_again_all(router);
	make_index(redis, NULL);
	listing_again_all(router);
	unkept_merge(&redis->reading.unkept, NULL, &redis->reads);
	for (uint32_t i = 0; i < redis->partitions.count; i++)
		if (partition_set_has(&parts, i))
			redis_stream_drop(&redis->stream, i);
	counter_add(&router->counters->partition_leaves, partition_set_count(&parts));
	log_line(LOG_INFO, "router", "%u partitions are not read any more, %u are",
		 partition_set_count(&parts), partition_set_count(&redis->reads));
}

/* ---- step by step ---- */

/* The facts of the next question are waited for, and it is asked soon. */
static void ask(struct join *join)
{
	join->asked = join->redis->watch.asks + 1;
	join->redis->watch.next_ms = 0;
}

static void begin(struct join *join)
{
	struct redis_log *redis = join->redis;

	join->parts = redis->needs.wanted;
	partition_set_remove_all(&join->parts, &redis->reads);
	if (partition_set_is_empty(&join->parts) || redis->router->now_ms < join->begin_ms)
		return;
	join->state = JOIN_ASKS;
	join->began_ms = redis->router->now_ms;
	ask(join);
}

static void load(struct join *join)
{
	struct redis_log *redis = join->redis;
	struct event_id start, floor;

	start = reading_window(redis, &join->parts, &floor);
	join->history = router_make_index(redis->router);
	ASSERT(join->history != NULL);
	history_raise_floor(join->history, floor);
	join->entries = 0;
	join->known = redis_stream_known(&redis->stream);
	join->held_ms_max = HELD_MS_FIRST;
	watch_adopt(&redis->watch, &join->parts);
	for (uint32_t i = 0; i < redis->partitions.count; i++) {
		if (!partition_set_has(&join->parts, i))
			continue;
		join->until[i] = redis->watch.parts[i].facts.last_id;
		redis_stream_add(&join->stream, i, start);
	}
	redis_stream_start_after(&join->stream, start);
	join->state = JOIN_LOADING;
	read_next(join);
}

void join_on_facts(struct join *join)
{
	const struct redis_log *redis = join->redis;

	if (redis->watch.asks < join->asked || redis->reading.state != READING_LIVE)
		return;
	if (join->state == JOIN_PROVING)
		finish(join);
	if (join->state != JOIN_ASKS || join->stream.state > REDIS_STREAM_IDLE)
		return;
	/* Those that are no streams are left out, and asked for once more a little later. */
	partition_set_keep_all(&join->parts, &redis->watch.asked);
	if (!partition_set_is_empty(&join->parts)) {
		load(join);
		return;
	}
	join->state = JOIN_NONE;
	join->begin_ms = redis->router->now_ms + WATCH_INTERVAL_MS;
}

bool join_holds(struct join *join)
{
	if (join->state == JOIN_NONE && join->redis->reading.state == READING_LIVE)
		leave(join);
	if (join->state == JOIN_CALLING && !join->redis->recall.is_wanted) {
		join->state = JOIN_FINISHING;
		join->finishing_ms = join->redis->router->now_ms;
		read_next(join);
	}
	return join->state >= JOIN_FINISHING;
}

static void on_idle(struct join *join, bool has_read)
{
	bool is_there = has_read && join->stream.is_at_limit;

	if (is_there && join->state == JOIN_FINISHING) {
		join->state = JOIN_PROVING;
		ask(join);
	} else if (is_there && join->state == JOIN_LOADING) {
		join->state = JOIN_CALLING;
		recall_want(join->redis);
	}
	read_next(join);
}

void join_turn(struct join *join)
{
	struct redis_log *redis = join->redis;

	if (!join->until)
		return;
	needs_turn(redis->router);
	counter_set(&redis->router->counters->partitions_read, partition_set_count(&redis->reads));
	if (join->state == JOIN_NONE && redis->reading.state == READING_LIVE)
		begin(join);
	if (join->state != JOIN_NONE && redis_log_is_up(redis) &&
	    needs_is_promised(&redis->needs, &join->parts))
		reading_again(redis, "connections went on without a partition");
	if (join->state >= JOIN_FINISHING &&
	    redis->router->now_ms - join->finishing_ms > join->held_ms_max) {
		join->state = JOIN_LOADING; /* once more, and the others go on */
		if (join->held_ms_max < HELD_MS_MAX)
			join->held_ms_max *= 2;
	}
	read_next(join);
}

void join_cancel(struct join *join)
{
	if (join->state == JOIN_NONE)
		return;
	if (join->stream.state == REDIS_STREAM_READING)
		link_break(&join->redis->links[LINK_JOIN], "the log is to be read again");
	for (uint32_t i = 0; i < join->redis->partitions.count; i++)
		if (partition_set_has(&join->parts, i))
			redis_stream_drop(&join->stream, i);
	forget(join);
}

/* ---- the link ---- */

static enum status on_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_JOIN] = redis->router->now_ms;
	return redis_stream_open(&redis->join.stream);
}

static void on_down(void *owner)
{
	struct join *join = &((struct redis_log *)owner)->join;

	redis_stream_close(&join->stream);
	if (join->state > JOIN_LOADING)
		join->state = JOIN_LOADING;
}

static enum status on_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;
	struct redis_stream *stream = &redis->join.stream;
	bool has_read = stream->state == REDIS_STREAM_READING;

	redis->heard_ms[LINK_JOIN] = redis->router->now_ms;
	if (redis_session_feed(&stream->session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_JOIN], stream->session.error);
		join_cancel(&redis->join); /* one may not be a stream any more: facts will say */
		return STATUS_INVALID;
	}
	link_is_good(&redis->links[LINK_JOIN]);
	if (stream->state == REDIS_STREAM_IDLE)
		on_idle(&redis->join, has_read);
	return STATUS_OK;
}

static struct slice output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->join.stream.session);
}

static void sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->join.stream.session, size);
}

const struct link_user join_link_user = {on_up, on_down, on_bytes, output, sent, NULL};

enum status join_init(struct join *join, struct redis_log *redis)
{
	struct redis_stream_keys keys = {redis->partitions.keys, redis->partitions.count};
	struct redis_stream_listener entries = {on_entry, join};

	*join = (struct join){.redis = redis};
	if (keys.count == 1)
		return STATUS_OK;
	join->until = calloc(keys.count, sizeof(*join->until));
	if (!join->until)
		return STATUS_NO_MEMORY;
	return redis_stream_init(&join->stream, &redis->server, keys, entries);
}

void join_deinit(struct join *join)
{
	if (!join->until)
		return;
	forget(join);
	free(join->until);
	redis_stream_deinit(&join->stream);
}
