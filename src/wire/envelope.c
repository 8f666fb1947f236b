/* wire/envelope.c - the messages of the native protocol. */
#include "wire/envelope.h"

#include "wire/event_id.h"
#include "wire/json.h"

/* All names and punctuation of head and tail, an event id, a time: 170 bytes, rounded up. */
#define FIXED_SIZE_MAX 256

/* Writes `prefix` and the string, or nothing when it is absent. */
static void write_member(struct writer *writer, const char *prefix, struct slice value)
{
	if (slice_is_absent(value))
		return;
	writer_text(writer, prefix);
	json_write_string(writer, value);
}

static void write_event_id(struct writer *writer, const char *prefix, struct event_id id)
{
	writer_text(writer, prefix);
	writer_text(writer, "\"");
	event_id_write(writer, id);
	writer_text(writer, "\"");
}

static void write_time(struct writer *writer, const char *prefix, uint64_t unix_ms)
{
	writer_text(writer, prefix);
	writer_text(writer, "\"");
	event_id_write_time(writer, unix_ms);
	writer_text(writer, "\"");
}

static void write_end(struct writer *writer, struct slice ref)
{
	if (!slice_is_absent(ref)) {
		writer_text(writer, ",\"ref\":");
		writer_slice(writer, ref);
	}
	writer_text(writer, "}");
}

void envelope_write_head(struct writer *writer, const struct entry *entry, struct event_id id)
{
	write_member(writer, "{\"type\":", entry->type);
	write_member(writer, ",\"event\":", entry->event);
	write_event_id(writer, ",\"event_id\":", id);
	writer_text(writer, ",\"channel\":");
}

void envelope_write_tail(struct writer *writer, const struct entry *entry, struct event_id id)
{
	if (slice_is_absent(entry->ts))
		write_time(writer, ",\"timestamp\":", id.ms);
	write_member(writer, ",\"timestamp\":", entry->ts);
	write_member(writer, ",\"id\":", entry->id);
	write_member(writer, ",\"key\":", entry->key);
	write_member(writer, ",\"trace\":", entry->traceparent);
	writer_text(writer, ",\"data\":");
	writer_slice(writer, entry->data);
	writer_text(writer, "}");
}

size_t envelope_size_max(const struct entry *entry)
{
	const struct slice strings[] = {entry->type, entry->event, entry->ts,
					entry->id,   entry->key,   entry->traceparent};
	size_t size = FIXED_SIZE_MAX + entry->data.size;

	/* A control character takes six bytes: \u0000. */
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		size += 6 * strings[i].size;
	return size;
}

static void write_replay(struct writer *writer, bool recovered, uint32_t replayed)
{
	writer_text(writer, ",\"recovered\":");
	writer_text(writer, recovered ? "true" : "false");
	writer_text(writer, ",\"replayed\":");
	writer_u64(writer, replayed);
}

void envelope_write_connected(struct writer *writer, const struct envelope_connected *connected)
{
	writer_text(writer, "{\"type\":\"connected\","
			    "\"message\":\"WebSocket connected successfully\",\"user_id\":");
	json_write_string(writer, connected->user);
	writer_text(writer, ",\"connection_id\":");
	json_write_string(writer, connected->connection_id);
	write_time(writer, ",\"timestamp\":", connected->now_ms);
	write_event_id(writer, ",\"last_event_id\":", connected->last_event_id);
	write_replay(writer, connected->recovered, connected->replayed);
	if (connected->has_unread) {
		writer_text(writer, ",\"unread\":");
		writer_u64(writer, connected->unread);
	}
	writer_format(writer, ",\"epoch\":\"%016lx\"", connected->epoch);
	writer_text(writer, ",\"heartbeat_interval\":");
	writer_u64(writer, connected->heartbeat_interval_s);
	writer_text(writer, "}");
}

void envelope_write_pong(struct writer *writer, uint64_t now_ms, struct slice ref)
{
	write_time(writer, "{\"type\":\"pong\",\"timestamp\":", now_ms);
	write_end(writer, ref);
}

void envelope_write_channel(struct writer *writer, const char *type, struct slice channel,
			    struct slice ref)
{
	write_member(writer, "{\"type\":", slice_of_text(type));
	writer_text(writer, ",\"channel\":");
	json_write_string(writer, channel);
	write_end(writer, ref);
}

void envelope_write_subscribed(struct writer *writer, struct slice channel,
			       const struct envelope_replay *replay, struct slice ref)
{
	writer_text(writer, "{\"type\":\"subscribed\",\"channel\":");
	json_write_string(writer, channel);
	if (replay)
		write_replay(writer, replay->recovered, replay->replayed);
	write_end(writer, ref);
}

void envelope_write_ack(struct writer *writer, struct slice ref)
{
	writer_text(writer, "{\"type\":\"ack\"");
	write_end(writer, ref);
}

void envelope_write_error(struct writer *writer, const char *code, const char *message,
			  struct slice ref)
{
	write_member(writer, "{\"type\":\"error\",\"code\":", slice_of_text(code));
	write_member(writer, ",\"message\":", slice_of_text(message));
	write_end(writer, ref);
}

void envelope_write_going_away(struct writer *writer, uint32_t reconnect_in_ms)
{
	writer_text(writer, "{\"type\":\"going_away\",\"reconnect_in_ms\":");
	writer_u64(writer, reconnect_in_ms);
	writer_text(writer, "}");
}
