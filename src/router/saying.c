/* router/saying.c - upstream messages, one by one. */
#include "router/saying.h"

#include <stdio.h>
#include <stdlib.h>

#include "belfry/upstream.h"
#include "router/answers.h"
#include "router/inbox.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define COUNT_TEXT_MAX 12
#define MARK_SIZE_MAX 2048 /* an id, each byte escaped, and the rest */
#define TIME_SIZE 32
#define CHANNEL_ROOM (sizeof("ws:channel:typing:") + USER_SIZE_MAX)

/* Who is to hear what became of a message. */
struct asker {
	struct router *router;
	char *ref;
	uint32_t shard, generation;
	uint16_t slot;
};

struct append {
	struct redis_call call; /* the first member: a call is its append */
	void (*on_done)(void *owner, unsigned answer);
	void *owner;
};

/* ---- answers ---- */

static void answer(const struct asker *asker, unsigned result)
{
	struct delivery delivery = {
		.type = DELIVERY_ANSWER,
		.slot = asker->slot,
		.generation = asker->generation,
		.count = result,
		.ref = asker->ref,
	};

	if (result == UPSTREAM_ANSWER_OK && !asker->ref)
		return;
	answers_push(asker->router, asker->shard, &delivery);
}

static void on_said(void *owner, unsigned result)
{
	answer(owner, result);
	free(owner);
}

/* ---- into the log ---- */

static void on_appended(struct redis_call *call, enum status status,
			const struct redis_reply *reply)
{
	struct append *append = (struct append *)call;
	unsigned result = UPSTREAM_ANSWER_UNKNOWN;

	if (status == STATUS_OK)
		result = reply->values[0].type == REPLY_ERROR ? UPSTREAM_ANSWER_REFUSED
							      : UPSTREAM_ANSWER_OK;
	append->on_done(append->owner, result);
	free(append);
}

static enum status append_redis(struct router *router, const struct saying_entry *entry,
				struct append *append)
{
	struct redis_log *redis = router->redis;
	char length[COUNT_TEXT_MAX];

	snprintf(length, sizeof(length), "%u", redis_log_length_max(redis));
	struct slice words[16] = {
		SLICE("XADD"),
		redis_log_key(redis, redis_log_partition(redis, entry->channel)),
		SLICE("MAXLEN"),
		SLICE("~"),
		slice_of_text(length),
		SLICE("*"),
		SLICE("to"),
		entry->channel,
		SLICE("type"),
		entry->type,
		SLICE("data"),
		entry->data,
	};
	uint32_t count = 12;

	if (!slice_is_absent(entry->event)) {
		words[count++] = SLICE("event");
		words[count++] = entry->event;
	}
	return redis_client_add(redis_log_client(redis), words, count, &append->call);
}

static unsigned append_embedded(struct router *router, const struct saying_entry *entry)
{
	struct entry_field fields[4] = {
		{SLICE("to"), entry->channel},
		{SLICE("type"), entry->type},
		{SLICE("data"), entry->data},
		{SLICE("event"), entry->event},
	};
	struct entry checked;
	struct event_id id;

	if (appending_judge(router, fields, slice_is_absent(entry->event) ? 3 : 4, &checked) !=
	    ENTRY_OK)
		return UPSTREAM_ANSWER_TOO_LARGE;
	switch (appending_embedded(router, &checked, &id)) {
	case STATUS_OK:
		return embedded_log_sync(&router->embedded) == STATUS_OK ? UPSTREAM_ANSWER_OK
									 : UPSTREAM_ANSWER_UNKNOWN;
	case STATUS_AGAIN:
		return UPSTREAM_ANSWER_BUSY;
	default:
		return UPSTREAM_ANSWER_REFUSED;
	}
}

/* By the rule of entry_parse(): in Redis it would become a dead letter, behind an answer that
 * says it was taken. */
static bool is_too_large(const struct router *router, const struct saying_entry *entry)
{
	return entry->type.size + entry->event.size + entry->data.size >
	       router->config->max_message_size;
}

void saying_append(struct router *router, const struct saying_entry *entry,
		   void (*on_done)(void *owner, unsigned answer), void *owner)
{
	struct append *append;

	if (is_too_large(router, entry)) {
		on_done(owner, UPSTREAM_ANSWER_TOO_LARGE);
		return;
	}
	if (!router->redis) {
		on_done(owner, append_embedded(router, entry));
		return;
	}
	append = malloc(sizeof(*append));
	if (!append) {
		on_done(owner, UPSTREAM_ANSWER_BUSY);
		return;
	}
	*append = (struct append){{on_appended}, on_done, owner};
	switch (append_redis(router, entry, append)) {
	case STATUS_OK:
		return;
	case STATUS_UNAVAILABLE:
		on_done(owner, UPSTREAM_ANSWER_UNAVAILABLE);
		break;
	default:
		on_done(owner, UPSTREAM_ANSWER_BUSY);
	}
	free(append);
}

/* Appends with the connection as the one who hears of it. */
static void say(const struct asker *asker, const struct saying_entry *entry)
{
	struct asker *kept = malloc(sizeof(*kept));

	if (!kept) {
		answer(asker, UPSTREAM_ANSWER_BUSY);
		return;
	}
	*kept = *asker;
	saying_append(asker->router, entry, on_said, kept);
}

/* ---- up ---- */

static struct slice time_text(uint64_t unix_ms, uint8_t room[TIME_SIZE])
{
	struct writer writer;

	writer_init(&writer, room, TIME_SIZE);
	event_id_write_time(&writer, unix_ms);
	return writer_written(&writer);
}

static void tell_backends(struct router *router, const struct upstream *upstream, struct slice type,
			  struct slice data)
{
	uint8_t room[TIME_SIZE];
	struct slice words[] = {
		SLICE("XADD"),
		SLICE(UP_STREAM),
		SLICE("MAXLEN"),
		SLICE("~"),
		SLICE(UP_LENGTH_MAX),
		SLICE("*"),
		SLICE("user"),
		upstream->user,
		SLICE("connection_id"),
		upstream->connection_id,
		SLICE("type"),
		type,
		SLICE("data"),
		data,
		SLICE("ts"),
		time_text(router->unix_ms, room),
	};

	if (!router->redis || !router->config->upstream)
		return;
	if (redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words), NULL) !=
	    STATUS_OK)
		counter_add(&router->counters->upstream_lost, 1);
	else
		counter_add(&router->counters->upstream, 1);
}

/* ---- kinds ---- */

static struct slice own_channel(const struct upstream *upstream, uint8_t room[CHANNEL_SIZE_MAX])
{
	struct writer writer;

	writer_init(&writer, room, CHANNEL_SIZE_MAX);
	writer_text(&writer, "user:");
	writer_slice(&writer, upstream->user);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

static void mark_one(const struct asker *asker, const struct upstream *upstream, bool is_delete)
{
	uint8_t bytes[MARK_SIZE_MAX], name[CHANNEL_SIZE_MAX];
	struct slice type = is_delete ? SLICE("notification_deleted") : SLICE("notification_read");
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "{\"id\":");
	json_write_string(&writer, upstream->id);
	writer_text(&writer, is_delete ? ",\"deleted_at\":\"" : ",\"read_at\":\"");
	event_id_write_time(&writer, asker->router->unix_ms);
	writer_text(&writer, "\"}");
	ASSERT(!writer.overflow);
	struct saying_entry entry = {
		own_channel(upstream, name), type, {NULL, 0}, writer_written(&writer)};

	/* A backend may know one that is older than the window. */
	tell_backends(asker->router, upstream, is_delete ? SLICE("delete") : SLICE("mark_read"),
		      entry.data);
	if (inbox_may_have(asker->router, entry.channel, upstream->id))
		say(asker, &entry);
	else
		answer(asker, UPSTREAM_ANSWER_NOT_FOUND);
}

static void mark_all(const struct asker *asker, const struct upstream *upstream)
{
	uint8_t bytes[MARK_SIZE_MAX], name[CHANNEL_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "{\"all\":true,\"last\":\"");
	event_id_write(&writer, asker->router->last);
	writer_text(&writer, "\",\"read_at\":\"");
	event_id_write_time(&writer, asker->router->unix_ms);
	writer_text(&writer, "\"}");
	ASSERT(!writer.overflow);
	struct saying_entry entry = {own_channel(upstream, name),
				     SLICE("notification_read"),
				     {NULL, 0},
				     writer_written(&writer)};

	tell_backends(asker->router, upstream, SLICE("mark_all_read"), entry.data);
	say(asker, &entry);
}

/* Ephemeral: over Pub/Sub to all nodes, this one too; without it to this node alone. */
static bool spread(struct router *router, struct slice channel, struct slice text)
{
	uint8_t room[CHANNEL_ROOM];
	struct writer writer;

	if (!router->redis || !router->config->pubsub)
		return fanout_ephemeral(router, channel, text, FANOUT_RESERVE);
	writer_init(&writer, room, sizeof(room));
	writer_text(&writer, "ws:channel:");
	writer_slice(&writer, channel);
	ASSERT(!writer.overflow);
	struct slice words[] = {SLICE("PUBLISH"), writer_written(&writer), text};

	return redis_client_add(redis_log_client(router->redis), words, 3, NULL) == STATUS_OK;
}

/* Nodes take no larger text from Pub/Sub, and no tape has room for one. */
static unsigned send_typing(const struct asker *asker, const struct upstream *upstream,
			    struct slice channel, struct slice text)
{
	if (text.size > asker->router->config->max_message_size)
		return UPSTREAM_ANSWER_TOO_LARGE;
	if (!spread(asker->router, channel, text))
		return UPSTREAM_ANSWER_UNAVAILABLE;
	tell_backends(asker->router, upstream, SLICE("typing"), text);
	return UPSTREAM_ANSWER_OK;
}

static void type_to(const struct asker *asker, const struct upstream *upstream)
{
	size_t capacity = 1024 + 8 * USER_SIZE_MAX + 2 * upstream->data.size;
	uint8_t *bytes = malloc(capacity), name[CHANNEL_SIZE_MAX];
	struct writer writer, channel;

	if (!bytes) {
		answer(asker, UPSTREAM_ANSWER_BUSY);
		return;
	}
	writer_init(&channel, name, sizeof(name));
	writer_text(&channel, "typing:");
	writer_slice(&channel, upstream->to);
	ASSERT(!channel.overflow); /* command_parse() has bounded it */
	writer_init(&writer, bytes, capacity);
	writer_text(&writer, "{\"type\":\"typing\",\"channel\":");
	json_write_string(&writer, writer_written(&channel));
	writer_text(&writer, ",\"user_id\":");
	json_write_string(&writer, upstream->user);
	writer_text(&writer, ",\"timestamp\":\"");
	event_id_write_time(&writer, asker->router->unix_ms);
	writer_text(&writer, "\",\"data\":");
	writer_slice(&writer, slice_is_absent(upstream->data) ? SLICE("null") : upstream->data);
	writer_text(&writer, "}");
	ASSERT(!writer.overflow);
	answer(asker,
	       send_typing(asker, upstream, writer_written(&channel), writer_written(&writer)));
	free(bytes);
}

/* For the backends: where it went as well. */
static void tell_publication(struct router *router, const struct upstream *upstream,
			     const struct saying_entry *entry)
{
	size_t capacity = 64 + 6 * (entry->channel.size + entry->event.size) + entry->data.size;
	uint8_t *bytes = malloc(capacity);
	struct writer writer;

	if (!bytes) {
		counter_add(&router->counters->upstream_lost, 1);
		return;
	}
	writer_init(&writer, bytes, capacity);
	writer_text(&writer, "{\"channel\":");
	json_write_string(&writer, entry->channel);
	if (!slice_is_absent(entry->event)) {
		writer_text(&writer, ",\"event\":");
		json_write_string(&writer, entry->event);
	}
	writer_text(&writer, ",\"data\":");
	writer_slice(&writer, entry->data);
	writer_text(&writer, "}");
	ASSERT(!writer.overflow);
	tell_backends(router, upstream, SLICE("publish"), writer_written(&writer));
	free(bytes);
}

static void publish(const struct asker *asker, const struct upstream *upstream)
{
	struct saying_entry entry = {
		upstream->channel,
		SLICE("notification"),
		upstream->event,
		slice_is_absent(upstream->data) ? SLICE("null") : upstream->data,
	};

	if (is_too_large(asker->router, &entry)) {
		answer(asker, UPSTREAM_ANSWER_TOO_LARGE);
		return;
	}
	tell_publication(asker->router, upstream, &entry);
	say(asker, &entry);
}

void saying_take(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	struct upstream *upstream = receipt->upstream;
	struct asker asker = {router, upstream->ref, shard, receipt->generation, receipt->slot};

	switch (upstream->type) {
	case UPSTREAM_MARK_READ:
	case UPSTREAM_DELETE:
		mark_one(&asker, upstream, upstream->type == UPSTREAM_DELETE);
		break;
	case UPSTREAM_MARK_ALL_READ:
		mark_all(&asker, upstream);
		break;
	case UPSTREAM_TYPING:
		type_to(&asker, upstream);
		break;
	case UPSTREAM_PUBLISH:
		publish(&asker, upstream);
		break;
	}
	free(upstream);
}
