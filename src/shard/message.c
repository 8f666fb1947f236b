/* shard/message.c - what a client asks for, done or refused with a word. */
#include "shard/message.h"

#include <stdlib.h>

#include "shard/admission.h"
#include "shard/confirm.h"
#include "shard/postponed.h"
#include "shard/protocol.h"
#include "shard/rate.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "shard/upstream.h"
#include "wire/command.h"
#include "wire/envelope.h"

#define ANSWER_SIZE_MAX 1024 /* a channel name, each byte escaped, a ref, and the rest */

static void send_written(struct shard *shard, struct conn *conn, const struct writer *writer)
{
	ASSERT(!writer->overflow);
	send_frame(shard, conn, WS_TEXT, writer_written(writer));
}

void message_send_error(struct shard *shard, struct conn *conn, const char *code, const char *text,
			struct slice ref)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	if (protocol_of(conn)->say_error) {
		protocol_of(conn)->say_error(shard, conn, code, text, ref);
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_error(&writer, code, text, ref);
	send_written(shard, conn, &writer);
}

void message_send_going_away(struct shard *shard, struct conn *conn, uint32_t reconnect_in_ms)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_going_away(&writer, reconnect_in_ms);
	send_written(shard, conn, &writer);
}

void message_write_connected(struct shard *shard, struct conn *conn,
			     const struct attached *attached, struct writer *writer)
{
	uint32_t interval_ms = protocol_of(conn)->beat_interval_ms(shard, conn);
	char id[CONNECTION_ID_SIZE];

	subscriptions_connection_id(shard, conn, id);
	struct envelope_connected connected = {
		.user = subscriptions_user(shard, conn),
		.connection_id = slice_of(id, sizeof(id)),
		.last_event_id = attached->last,
		.now_ms = shard->unix_ms,
		.heartbeat_interval_s = (interval_ms + 999) / 1000,
		.recovered = attached->recovered,
		.replayed = attached->replayed,
		.has_unread = attached->has_unread,
		.unread = attached->unread,
		.epoch = attached->epoch,
	};

	envelope_write_connected(writer, &connected);
}

void message_send_subscribed(struct shard *shard, struct conn *conn, struct slice channel,
			     const struct envelope_replay *replay, struct slice ref)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_subscribed(&writer, channel, replay, ref);
	send_written(shard, conn, &writer);
}

void message_send_unsubscribed(struct shard *shard, struct conn *conn, struct slice channel,
			       struct slice ref)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_channel(&writer, "unsubscribed", channel, ref);
	send_written(shard, conn, &writer);
}

void message_send_ack(struct shard *shard, struct conn *conn, struct slice ref)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	if (protocol_of(conn)->say_done) {
		protocol_of(conn)->say_done(shard, conn, ref);
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_ack(&writer, ref);
	send_written(shard, conn, &writer);
}

static void send_pong(struct shard *shard, struct conn *conn, struct slice ref)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	envelope_write_pong(&writer, shard->unix_ms, ref);
	send_written(shard, conn, &writer);
}

/* The connection's subscription to a channel by name; NULL: none. */
static struct subscription *find_by_name(struct shard *shard, struct conn *conn, struct slice name)
{
	struct channel_key key = {name, hash_bytes(shard->channels.key, name),
				  (enum encoding)conn->encoding};
	uint32_t channel = channels_find(&shard->channels, &key);

	return channel == CHANNEL_NONE ? NULL : subscriptions_find(conn, channel);
}

/* Asks the router. False: out of memory. */
static bool ask_for_channel(struct shard *shard, struct conn *conn, const struct command *command)
{
	const struct event_id *after = command->has_last_event_id ? &command->last_event_id : NULL;
	char *ref = NULL;
	uint32_t channel;

	if (!slice_is_absent(command->ref))
		ref = slice_to_text(command->ref);
	if (!subscriptions_add(shard, conn, command->channel, &channel)) {
		free(ref);
		return false;
	}
	if (recovery_subscribe(shard, conn, channel, after, ref))
		return true;
	free(ref);
	subscriptions_remove(shard, conn, subscriptions_find(conn, channel));
	return false;
}

static void on_subscribe(struct shard *shard, struct conn *conn, const struct command *command)
{
	struct identity_asker asker = {
		.user = subscriptions_user(shard, conn),
		.is_admin = conn_has(conn, CONN_ADMIN),
		.claims = conn->claims,
	};
	const struct subscription *found = find_by_name(shard, conn, command->channel);

	if (found && recovery_is_leaving(shard, conn, found->channel))
		message_send_error(shard, conn, "pending",
				   "the channel is being left; ask again after unsubscribed",
				   command->ref);
	else if (found)
		protocol_of(conn)->on_subscribed(shard, conn, command->channel, NULL, command->ref);
	else if (!identity_allows_channel(shard->config, &asker, command->channel))
		message_send_error(shard, conn, "not_allowed", "this channel is not open to you",
				   command->ref);
	else if (conn->subscriptions_count >= shard->config->max_subscriptions)
		message_send_error(shard, conn, "too_many_subscriptions",
				   "the connection has as many subscriptions as allowed",
				   command->ref);
	else if (!ask_for_channel(shard, conn, command))
		message_send_error(shard, conn, "overload", "out of memory", command->ref);
}

static void on_unsubscribe(struct shard *shard, struct conn *conn, const struct command *command)
{
	struct subscription *found = find_by_name(shard, conn, command->channel);

	if (!found)
		message_send_error(shard, conn, "not_subscribed",
				   "the connection is not subscribed to this channel",
				   command->ref);
	else if (channel_is_all(found->channel) || found == subscriptions_identity(shard, conn))
		message_send_error(shard, conn, "not_allowed",
				   "every connection is in all and in its conn channel",
				   command->ref);
	else if (found->member == MEMBER_NONE || recovery_is_leaving(shard, conn, found->channel))
		message_send_error(shard, conn, "pending",
				   "the answer to the last request for this channel is on its way",
				   command->ref);
	else
		recovery_unsubscribe(shard, conn, found, command->ref);
}

/* A new token for the same user: takes the old one's place. */
static void on_auth(struct shard *shard, struct conn *conn, const struct command *command)
{
	struct jwt_claims claims;
	enum jwt_result result = tokens_verify(&shard->tokens, command->token,
					       (int64_t)(shard->unix_ms / 1000), &claims);

	if (result == JWT_OK && !slice_equal(slice_of(claims.user, claims.user_size),
					     subscriptions_user(shard, conn))) {
		message_send_error(shard, conn, jwt_result_code(JWT_SUBJECT),
				   "the token belongs to another user", command->ref);
		return;
	}
	if (result != JWT_OK) {
		message_send_error(shard, conn, jwt_result_code(result), jwt_result_text(result),
				   command->ref);
		return;
	}
	if (!admission_renew(shard, conn, &claims)) {
		message_send_error(shard, conn, "overload", "out of memory", command->ref);
		return;
	}
	timers_refresh(shard, conn);
	message_send_ack(shard, conn, command->ref);
}

static void on_ack(struct shard *shard, struct conn *conn, const struct command *command)
{
	confirm_on_ack(shard, conn, command->last_event_id);
	if (!slice_is_absent(command->ref))
		message_send_ack(shard, conn, command->ref);
}

static void on_command(struct shard *shard, struct conn *conn, const struct command *command)
{
	switch (command->type) {
	case COMMAND_BAD:
		if (upstream_on_unknown(shard, conn, command))
			return;
		message_send_error(shard, conn, command->code, command->text, command->ref);
		return;
	case COMMAND_PING_TEXT:
		send_frame(shard, conn, WS_TEXT, SLICE("pong"));
		return;
	case COMMAND_PING:
		send_pong(shard, conn, command->ref);
		return;
	case COMMAND_PONG:
	case COMMAND_PONG_TEXT:
		return; /* it was heard, that is all a pong is for */
	case COMMAND_ACK:
		on_ack(shard, conn, command);
		return;
	case COMMAND_SUBSCRIBE:
		on_subscribe(shard, conn, command);
		return;
	case COMMAND_UNSUBSCRIBE:
		on_unsubscribe(shard, conn, command);
		return;
	case COMMAND_AUTH:
		on_auth(shard, conn, command);
		return;
	case COMMAND_MARK_READ:
	case COMMAND_MARK_ALL_READ:
	case COMMAND_DELETE:
	case COMMAND_TYPING:
	case COMMAND_PUBLISH:
		upstream_on_command(shard, conn, command);
		return;
	}
}

static void note_message(struct shard *shard, struct conn *conn)
{
	counter_add(&shard->counters->messages_in, 1);
	conn->active_ms = (uint32_t)shard->now_ms;
}

/* What has to wait for a verification is fed again later, and counted then. */
static bool has_to_wait(const struct shard *shard, const struct command *command)
{
	return command->type == COMMAND_AUTH && tokens_must_wait(&shard->tokens, command->token);
}

void message_on_text(struct shard *shard, struct conn *conn, struct slice text)
{
	struct command command;

	command_parse(text, &command);
	if (has_to_wait(shard, &command)) {
		postponed_add_message(shard, conn, text);
		return;
	}
	note_message(shard, conn);
	if (rate_allows(shard, conn, command.ref))
		on_command(shard, conn, &command);
}

void message_on_translated(struct shard *shard, struct conn *conn, struct slice text,
			   struct slice source)
{
	struct command command;

	command_parse(text, &command);
	if (has_to_wait(shard, &command)) {
		postponed_add_message(shard, conn, source);
		return;
	}
	note_message(shard, conn);
	on_command(shard, conn, &command);
}

/* A message is here whole. */
static void on_whole(struct shard *shard, struct conn *conn, struct slice bytes, bool compressed)
{
	struct slice text;

	if (!compressed) {
		protocol_of(conn)->on_text(shard, conn, bytes);
	} else if (compression_inflate(shard, conn, WS_TEXT, bytes, &text)) {
		protocol_of(conn)->on_text(shard, conn, text);
		free((void *)(uintptr_t)text.bytes);
	}
}

/* The last piece of a message that came in several. */
static void on_collected(struct shard *shard, struct conn *conn, bool compressed)
{
	struct inbound *in = conn->inbound;
	uint8_t *bytes = in->bytes;
	size_t size = in->size;

	in->bytes = NULL;
	in->size = in->capacity = 0;
	on_whole(shard, conn, slice_of(bytes, size), compressed);
	free(bytes);
}

void message_on_piece(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event)
{
	if (event->opcode != WS_TEXT) {
		if (protocol_of(conn)->on_binary)
			protocol_of(conn)->on_binary(shard, conn, event->last);
		else
			conn_close(shard, conn, CLOSE_NOT_TEXT);
		return;
	}
	if (event->first && event->last) {
		on_whole(shard, conn, event->payload, event->compressed);
		return;
	}
	if (conn_store(conn, event->payload, compression_bound(shard, conn, event->compressed)) !=
	    STATUS_OK) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	if (event->last)
		on_collected(shard, conn, event->compressed);
}
