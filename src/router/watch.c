/* router/watch.c - INFO, XINFO STREAM and the epoch's key. */
#include "router/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/revoking.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define EPOCH_KEY "belfry:epoch"
#define REFUSED_LOG_MS 10000

enum status watch_init(struct watch *watch, struct redis_log *redis)
{
	uint32_t count = redis->partitions.count;

	*watch = (struct watch){.redis = redis};
	if (count == 1)
		return STATUS_OK;
	watch->parts = calloc(count, sizeof(*watch->parts));
	for (uint32_t i = 0; watch->parts && i < count; i++)
		watch->parts[i].watch = watch;
	return watch->parts ? STATUS_OK : STATUS_NO_MEMORY;
}

void watch_deinit(struct watch *watch)
{
	free(watch->parts);
}

static struct watch_added added_of(const struct redis_facts *facts)
{
	return (struct watch_added){facts->entries_added, facts->last_id};
}

void watch_adopt(struct watch *watch, const struct partition_set *parts)
{
	memcpy(watch->replid, watch->facts.replid, sizeof(watch->replid));
	watch->added = added_of(&watch->facts);
	for (uint32_t i = 0; watch->parts && i < watch->redis->partitions.count; i++)
		if (partition_set_has(parts, i))
			watch->parts[i].added = added_of(&watch->parts[i].facts);
}

/* Facts that have more know of all that was read before they were asked for: what is read from now
 * on counts when it is behind them, or it would be counted twice. */
static void follow(struct watch_added *added, const struct redis_facts *facts)
{
	if (facts->entries_added >= added->count)
		*added = added_of(facts);
}

static void count(struct watch_added *added, struct event_id id)
{
	if (event_id_is_after(id, added->upto))
		added->count++;
}

void watch_follow(struct watch *watch)
{
	follow(&watch->added, &watch->facts);
	for (uint32_t i = 0; watch->parts && i < watch->redis->partitions.count; i++)
		follow(&watch->parts[i].added, &watch->parts[i].facts);
}

void watch_count(struct watch *watch, uint32_t partition, struct event_id id)
{
	count(watch->parts ? &watch->parts[partition].added : &watch->added, id);
}

void watch_forget(struct watch *watch)
{
	watch->next_ms = 0;
	watch->is_fresh = false;
	revoking_forget(watch->redis->router);
}

static void warn(struct watch *watch)
{
	const struct redis_facts *facts = &watch->facts;

	if (facts->evicts && !watch->told_eviction)
		log_line(LOG_WARN, "router",
			 "Redis may evict the log: maxmemory-policy is not noeviction");
	watch->told_eviction = facts->evicts;
	if (!facts->is_master && !watch->told_replica)
		log_line(LOG_WARN, "router",
			 "Redis is a replica: it can be read, publishing is refused");
	watch->told_replica = !facts->is_master;
	/* With Sentinels there is a master somewhere else by now. */
	if (!facts->is_master && watch->redis->server.sentinels.count > 0)
		watch->must_break = true; /* not here: a reply is being read */
}

/* ---- the epoch ---- */

static void on_written(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch *watch = (struct watch *)((char *)call - offsetof(struct watch, call_write));

	watch->is_writing_epoch = false;
	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR)
		watch->must_write_epoch = false;
}

static void write_epoch(struct watch *watch, bool only_if_missing)
{
	const struct router *router = watch->redis->router;
	uint8_t bytes[24 + 2 * EVENT_ID_TEXT_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_format(&writer, WATCH_NUMBER_FORMAT ":", router->epoch);
	event_id_write(&writer, router->lost.from);
	writer_text(&writer, ":");
	event_id_write(&writer, router->lost.until);
	ASSERT(!writer.overflow);
	struct slice words[] = {SLICE("SET"), SLICE(EPOCH_KEY), writer_written(&writer),
				SLICE("NX")};

	watch->call_write.on_reply = on_written;
	if (only_if_missing) /* if it fails it is missing again at the next look */
		(void)!redis_client_add(&watch->redis->client, words, 4, NULL);
	else
		watch->is_writing_epoch = redis_client_add(&watch->redis->client, words, 3,
							   &watch->call_write) == STATUS_OK;
}

void watch_new_epoch(struct watch *watch, struct event_id from, struct event_id until)
{
	struct router *router = watch->redis->router;

	random_secret(&router->epoch, sizeof(router->epoch));
	router->lost = (struct lost_range){from, until};
	watch->must_write_epoch = true;
}

bool watch_read_number(struct slice text, uint64_t *ret_epoch)
{
	char digits[WATCH_NUMBER_SIZE + 1] = {0};

	if (text.size != WATCH_NUMBER_SIZE)
		return false;
	memcpy(digits, text.bytes, text.size);
	return sscanf(digits, "%16lx", ret_epoch) == 1;
}

static bool parse_epoch(struct slice text, uint64_t *ret_epoch, struct lost_range *ret_lost)
{
	struct slice epoch = slice_cut(&text, ':'), from = slice_cut(&text, ':');

	return event_id_parse(from, &ret_lost->from) && event_id_parse(text, &ret_lost->until) &&
	       watch_read_number(epoch, ret_epoch);
}

static void on_epoch_text(struct watch *watch, struct slice text)
{
	struct router *router = watch->redis->router;
	struct lost_range lost;
	uint64_t epoch;

	watch->has_epoch = parse_epoch(text, &epoch, &lost);
	if (!watch->has_epoch || epoch == router->epoch || watch->must_write_epoch)
		return;
	if (router->epoch != 0)
		log_line(LOG_WARN, "router",
			 "the log has a new epoch: another node has seen a loss");
	router->epoch = epoch;
	router->lost = lost;
}

static void make_epoch(struct watch *watch)
{
	struct router *router = watch->redis->router;

	if (watch->has_epoch)
		return;
	if (router->epoch == 0)
		random_secret(&router->epoch, sizeof(router->epoch));
	write_epoch(watch, true);
}

/* ---- several streams ---- */

/* Up to where it no longer has what it had: nobody knows of a Redis that does not count. */
static struct event_id floor_of(const struct redis_facts *facts)
{
	bool is_trimmed = !facts->has_entries_added || facts->entries_added > facts->length;
	struct event_id first = facts->first_id;

	if (!facts->stream_exists || !is_trimmed)
		return (struct event_id){0, 0};
	if (facts->length == 0)
		return facts->last_id;
	if (first.sequence > 0)
		return (struct event_id){first.ms, first.sequence - 1};
	return first.ms > 0 ? (struct event_id){first.ms - 1, UINT64_MAX} : first;
}

static void add_facts(struct redis_facts *all, const struct redis_facts *one)
{
	bool is_first = all->length == 0 || event_id_is_after(all->first_id, one->first_id);

	if (!one->stream_exists)
		return;
	if (one->length > 0 && is_first)
		all->first_id = one->first_id;
	all->has_entries_added = one->has_entries_added;
	all->stream_exists = true;
	all->length += one->length;
	all->entries_added += one->entries_added;
	if (event_id_is_after(one->last_id, all->last_id))
		all->last_id = one->last_id;
}

struct redis_facts watch_sum(const struct watch *watch, const struct partition_set *parts,
			     struct event_id *ret_floor)
{
	struct redis_facts all = watch->facts;

	all.stream_exists = false;
	all.length = all.entries_added = 0;
	all.first_id = all.last_id = *ret_floor = (struct event_id){0, 0};
	for (uint32_t i = 0; i < watch->redis->partitions.count; i++) {
		struct event_id floor = floor_of(&watch->parts[i].facts);

		if (!partition_set_has(parts, i))
			continue;
		add_facts(&all, &watch->parts[i].facts);
		if (event_id_is_after(floor, *ret_floor))
			*ret_floor = floor;
	}
	return all;
}

/* What is live, or what is about to be read. */
static void sum_parts(struct watch *watch)
{
	const struct redis_log *redis = watch->redis;
	struct partition_set parts = redis->reads;
	struct event_id floor;

	watch->asked = watch->asking;
	watch->newest = watch_sum(watch, &watch->asked, &floor).last_id;
	if (redis->reading.state != READING_LIVE)
		partition_set_add_all(&parts, &redis->needs.wanted);
	partition_set_keep_all(&parts, &watch->asked);
	watch->facts = watch_sum(watch, &parts, &watch->floor);
}

/* ---- answers ---- */

static void on_answered(struct watch *watch, bool is_good)
{
	watch->pending--;
	watch->is_asking = watch->pending > 0;
	if (!is_good)
		watch->next_ms = watch->redis->router->now_ms + WATCH_INTERVAL_MS;
	if (watch->is_asking || !is_good || watch->part_failed)
		return;
	watch->is_fresh = true;
	if (watch->parts)
		sum_parts(watch);
	warn(watch);
	reading_on_facts(watch->redis, &watch->facts);
	if (watch->parts)
		join_on_facts(&watch->redis->join);
	make_epoch(watch);
}

static bool is_error(enum status status, const struct redis_reply *reply)
{
	return status != STATUS_OK || reply->values[0].type == REPLY_ERROR;
}

static void on_info(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch *watch = (struct watch *)((char *)call - offsetof(struct watch, call_info));

	on_answered(watch, status == STATUS_OK &&
				   redis_facts_read_server(&watch->facts, reply) == STATUS_OK);
}

static void on_stream(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch *watch = (struct watch *)((char *)call - offsetof(struct watch, call_stream));

	on_answered(watch, status == STATUS_OK &&
				   redis_facts_read_stream(&watch->facts, reply) == STATUS_OK);
}

/* Nothing is known of this one, and nobody is let in who needs it; the others go on. */
static void on_part_refused(struct watch *watch, uint32_t partition,
			    const struct redis_reply *reply)
{
	const struct redis_value *value = &reply->values[0];
	struct slice key = redis_log_key(watch->redis, partition);
	uint64_t now_ms = watch->redis->router->now_ms;

	partition_set_remove(&watch->asking, partition);
	if (watch->refused_ms != 0 && now_ms - watch->refused_ms < REFUSED_LOG_MS)
		return;
	watch->refused_ms = now_ms;
	log_line(LOG_ERROR, "router", "Redis refused XINFO STREAM %.*s: %.*s", (int)key.size,
		 (const char *)key.bytes, value->type == REPLY_ERROR ? (int)value->text.size : 0,
		 value->type == REPLY_ERROR ? (const char *)value->text.bytes : "");
}

static void on_part(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch_part *part = (struct watch_part *)call;
	struct watch *watch = part->watch;

	if (status == STATUS_OK && redis_facts_read_stream(&part->facts, reply) != STATUS_OK)
		on_part_refused(watch, (uint32_t)(part - watch->parts), reply);
	watch->part_failed |= status != STATUS_OK;
	on_answered(watch, status == STATUS_OK);
}

/* The last of them: now everything is known. */
static void on_epoch(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch *watch = (struct watch *)((char *)call - offsetof(struct watch, call_epoch));

	watch->has_epoch = false;
	if (!is_error(status, reply) && reply->values[0].type == REPLY_TEXT)
		on_epoch_text(watch, reply->values[0].text);
	on_answered(watch, !is_error(status, reply));
}

static void ask_stream(struct watch *watch, uint32_t partition, struct redis_call *call)
{
	struct slice stream[] = {SLICE("XINFO"), SLICE("STREAM"),
				 redis_log_key(watch->redis, partition)};

	if (redis_client_add(&watch->redis->client, stream, 3, call) == STATUS_OK)
		watch->pending++;
	else
		watch->part_failed = watch->parts != NULL;
}

static void ask_parts(struct watch *watch)
{
	watch->asking = watch->redis->needs.wanted;
	partition_set_add_all(&watch->asking, &watch->redis->reads);
	for (uint32_t i = 0; i < watch->redis->partitions.count; i++) {
		if (watch->must_ask_all)
			partition_set_add(&watch->asking, i);
		if (!partition_set_has(&watch->asking, i))
			continue;
		watch->parts[i].call.on_reply = on_part;
		watch->parts[i].told = partition_set_has(&watch->redis->reads, i)
					       ? watch->redis->stream.parts[i].told
					       : join_told(&watch->redis->join, i);
		watch->parts[i].asked_added = watch->parts[i].added.count;
		ask_stream(watch, i, &watch->parts[i].call);
	}
	watch->must_ask_all = false;
}

void watch_all(struct watch *watch)
{
	if (!watch->must_ask_all)
		watch->next_ms = 0;
	watch->must_ask_all = true;
}

static void ask(struct watch *watch)
{
	struct redis_client *client = &watch->redis->client;
	struct slice info[] = {SLICE("INFO")};
	struct slice epoch[] = {SLICE("GET"), SLICE(EPOCH_KEY)};

	watch->next_ms = watch->redis->router->now_ms + WATCH_INTERVAL_MS;
	watch->asks++;
	watch->told = watch->redis->stream.position;
	watch->asked_added = watch->added.count;
	/* First: by the time that the log is read it is known who may not connect. */
	revoking_look(watch->redis->router);
	watch->call_info.on_reply = on_info;
	watch->call_stream.on_reply = on_stream;
	watch->call_epoch.on_reply = on_epoch;
	if (redis_client_add(client, info, 1, &watch->call_info) != STATUS_OK)
		return;
	watch->is_asking = true;
	watch->pending = 1;
	watch->part_failed = false;
	if (watch->parts)
		ask_parts(watch);
	else
		ask_stream(watch, 0, &watch->call_stream);
	if (redis_client_add(client, epoch, 2, &watch->call_epoch) == STATUS_OK)
		watch->pending++;
}

void watch_turn(struct watch *watch)
{
	if (watch->must_break)
		redis_log_break(watch->redis, "it is a replica by now");
	watch->must_break = false;
	if (watch->must_write_epoch && !watch->is_writing_epoch && watch->redis->client.is_ready)
		write_epoch(watch, false);
	if (watch->redis->client.is_ready && !watch->is_asking &&
	    watch->redis->router->now_ms >= watch->next_ms)
		ask(watch);
}
