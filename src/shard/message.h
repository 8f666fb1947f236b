/* shard/message.h - messages of the native protocol.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a message in pieces is collected on the heap, up to max_client_message
 * Errors  an `error` message; the connection stays
 */
#ifndef BELFRY_SHARD_MESSAGE_H
#define BELFRY_SHARD_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"

struct attached;
struct conn;
struct envelope_replay;
struct shard;
struct writer;
struct ws_inbound_event;

void message_on_piece(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event);

/* A user id of 250 bytes, each escaped, and the rest. */
#define CONNECTED_SIZE_MAX 2304

/* {"type":"connected",..}: the first message, of any protocol that tells in JSON. */
void message_write_connected(struct shard *shard, struct conn *conn,
			     const struct attached *attached, struct writer *writer);

/* A native message. */
void message_on_text(struct shard *shard, struct conn *conn, struct slice text);

/* The same, made of a text of another protocol, which has looked at the rate of its packets;
 * `source` is what comes again when the message has to wait for a verification. */
void message_on_translated(struct shard *shard, struct conn *conn, struct slice text,
			   struct slice source);

/* {"type":"subscribed",..}; `replay` NULL: no position was named. */
void message_send_subscribed(struct shard *shard, struct conn *conn, struct slice channel,
			     const struct envelope_replay *replay, struct slice ref);

/* {"type":"unsubscribed",..}; `ref` is JSON text or absent. */
void message_send_unsubscribed(struct shard *shard, struct conn *conn, struct slice channel,
			       struct slice ref);

/* {"type":"ack",..}, or what the connection's protocol says; `ref` is JSON text or absent. */
void message_send_ack(struct shard *shard, struct conn *conn, struct slice ref);

/* {"type":"going_away",..}: before a drain closes the connection. */
void message_send_going_away(struct shard *shard, struct conn *conn, uint32_t reconnect_in_ms);

/* {"type":"error",..}, likewise. */
/* {"type":"error",..}, likewise. */
/* {"type":"error",..}; `ref` is JSON text or absent. */
void message_send_error(struct shard *shard, struct conn *conn, const char *code, const char *text,
			struct slice ref);

#endif
