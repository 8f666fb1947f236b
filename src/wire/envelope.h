/* wire/envelope.h - the JSON messages that clients of the native protocol receive.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's writer
 * Errors  the writer's overflow
 *
 * A notification is written in three parts, so that an entry for many channels has one payload:
 * head, the channel as a JSON string, tail. Envelope = head + channel + tail.
 */
#ifndef BELFRY_WIRE_ENVELOPE_H
#define BELFRY_WIRE_ENVELOPE_H

#include "base/slice.h"
#include "base/writer.h"
#include "belfry/event_id.h"
#include "wire/entry.h"

/* {"type":..,"event":..,"event_id":..,"channel": */
void envelope_write_head(struct writer *writer, const struct entry *entry, struct event_id id);

/* ,"timestamp":..,"id":..,"key":..,"trace":..,"data":..} */
void envelope_write_tail(struct writer *writer, const struct entry *entry, struct event_id id);

/* Bytes that head and tail can take at most, together: for sizing memory before writing. */
size_t envelope_size_max(const struct entry *entry);

struct envelope_connected {
	struct slice user;
	struct slice connection_id;
	struct event_id last_event_id; /* 0-0 is written as "0-0" */
	uint64_t now_ms;               /* Unix */
	uint32_t heartbeat_interval_s;
	bool recovered;
	uint32_t replayed;
	bool has_unread;
	uint32_t unread; /* with has_unread */
	uint64_t epoch;  /* written as 16 hex digits */
};

/* {"type":"connected","message":"WebSocket connected successfully","user_id":..,
 * "connection_id":..,"timestamp":..,"last_event_id":..,"recovered":..,"replayed":..,
 * "unread":..,"epoch":"..","heartbeat_interval":..} */
void envelope_write_connected(struct writer *writer, const struct envelope_connected *connected);

/* {"type":"pong","timestamp":..,"ref":..}; `ref` is JSON text, absent: left out. */
void envelope_write_pong(struct writer *writer, uint64_t now_ms, struct slice ref);

/* What became of the position that a `subscribe` named. */
struct envelope_replay {
	bool recovered;
	uint32_t replayed;
};

/* {"type":"subscribed","channel":..,"recovered":..,"replayed":..,"ref":..}; `replay` NULL: no
 * position was named, the two are left out. */
void envelope_write_subscribed(struct writer *writer, struct slice channel,
			       const struct envelope_replay *replay, struct slice ref);

/* {"type":"unsubscribed"|..,"channel":..,"ref":..}; type is a plain word. */
void envelope_write_channel(struct writer *writer, const char *type, struct slice channel,
			    struct slice ref);

/* {"type":"ack","ref":..} */
void envelope_write_ack(struct writer *writer, struct slice ref);

/* {"type":"error","code":..,"message":..,"ref":..} */
void envelope_write_error(struct writer *writer, const char *code, const char *message,
			  struct slice ref);

/* {"type":"going_away","reconnect_in_ms":..} */
void envelope_write_going_away(struct writer *writer, uint32_t reconnect_in_ms);

#endif
