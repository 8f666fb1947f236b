/* router/watch.c - INFO, XINFO STREAM and the epoch's key. */
#include "router/watch.h"

#include <stdio.h>
#include <string.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/revoking.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define EPOCH_KEY "belfry:epoch"

void watch_init(struct watch *watch, struct redis_log *redis)
{
	*watch = (struct watch){.redis = redis};
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

/* ---- answers ---- */

static void on_answered(struct watch *watch, bool is_good)
{
	watch->pending--;
	watch->is_asking = watch->pending > 0;
	if (!is_good)
		watch->next_ms = watch->redis->router->now_ms + WATCH_INTERVAL_MS;
	if (watch->is_asking || !is_good)
		return;
	watch->is_fresh = true;
	warn(watch);
	reading_on_facts(watch->redis, &watch->facts);
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

/* The last of the three: now everything is known. */
static void on_epoch(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct watch *watch = (struct watch *)((char *)call - offsetof(struct watch, call_epoch));

	watch->has_epoch = false;
	if (!is_error(status, reply) && reply->values[0].type == REPLY_TEXT)
		on_epoch_text(watch, reply->values[0].text);
	on_answered(watch, !is_error(status, reply));
}

static void ask(struct watch *watch)
{
	struct redis_client *client = &watch->redis->client;
	struct slice info[] = {SLICE("INFO")};
	struct slice stream[] = {SLICE("XINFO"), SLICE("STREAM"), redis_log_key(watch->redis, 0)};
	struct slice epoch[] = {SLICE("GET"), SLICE(EPOCH_KEY)};

	watch->next_ms = watch->redis->router->now_ms + WATCH_INTERVAL_MS;
	watch->asked_added = watch->entries_added;
	/* First: by the time that the log is read it is known who may not connect. */
	revoking_look(watch->redis->router);
	watch->call_info.on_reply = on_info;
	watch->call_stream.on_reply = on_stream;
	watch->call_epoch.on_reply = on_epoch;
	if (redis_client_add(client, info, 1, &watch->call_info) != STATUS_OK)
		return;
	watch->is_asking = true;
	watch->pending = 1;
	if (redis_client_add(client, stream, 3, &watch->call_stream) == STATUS_OK)
		watch->pending++;
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
