/* shard/socket_io.c - the first packet, then packets in, heartbeats, and the end. */
#include "shard/socket_io.h"

#include <stdlib.h>

#include "shard/confirm.h"
#include "shard/engine_poll.h"
#include "shard/message.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/rate.h"
#include "shard/send.h"
#include "shard/socket_io_session.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "shard/upstream.h"
#include "wire/command.h"
#include "wire/engine_io.h"
#include "wire/entry.h"
#include "wire/json.h"
#include "wire/socket_io_event.h"

/* Heartbeats are off here, but clients know no such thing: 24 days, as much as a timer of theirs
 * takes. */
#define FOREVER_MS 2000000000u

/* ---- the first packet ---- */

static void send_open(struct shard *shard, struct conn *conn, enum socket_io_transport transport)
{
	const struct config *config = shard->config;
	bool has_beat = config->heartbeat_interval_ms > 0;
	char sid[CONNECTION_ID_SIZE];
	uint8_t bytes[ENGINE_IO_OPEN_SIZE_MAX];
	struct writer writer;

	subscriptions_connection_id(shard, conn, sid);
	const struct engine_io_open open = {
		.sid = slice_of(sid, sizeof(sid)),
		.can_upgrade = transport == SOCKET_IO_POLLING,
		.ping_interval_ms = has_beat ? config->heartbeat_interval_ms : FOREVER_MS,
		.ping_timeout_ms =
			has_beat ? config->heartbeat_timeout_ms - config->heartbeat_interval_ms : 0,
		.max_payload = config->max_client_message,
	};

	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write_open(&writer, &open);
	ASSERT(!writer.overflow);
	send_frame(shard, conn, WS_TEXT, writer_written(&writer));
}

void socket_io_open(struct shard *shard, struct conn *conn, enum socket_io_transport transport)
{
	struct socket_io_session *session = calloc(1, sizeof(*session));

	ASSERT(conn->own == NULL);
	if (!session) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	conn->own = session;
	conn->protocol = PROTOCOL_SOCKET_IO;
	conn->encoding = ENCODING_SOCKET_IO;
	conn->state = CONN_OPEN;
	counter_add(&shard->counters->connections, 1);
	conn->heard_ms = conn->active_ms = (uint32_t)shard->now_ms;
	conn->deadline_ms = (uint32_t)shard->now_ms + shard->config->handshake_timeout_ms;
	send_open(shard, conn, transport);
	timers_refresh(shard, conn);
}

/* ---- packets of Socket.IO ---- */

/* Its attachments will follow, and are dropped; the events beside it go on. */
static void refuse_binary(struct shard *shard, struct conn *conn,
			  const struct socket_io_packet *packet)
{
	struct socket_io_session *session = socket_io_session(conn);

	session->attachments = (uint8_t)packet->attachments;
	session->has_refused_ack = packet->has_ack_id && packet->type == SOCKET_IO_BINARY_EVENT;
	session->refused_ack_id = packet->ack_id;
	if (session->attachments == 0)
		socket_io_on_binary(shard, conn);
}

static void say_about(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet,
		      const char *code, const char *text)
{
	uint8_t digits[20];
	struct writer writer;

	writer_init(&writer, digits, sizeof(digits));
	writer_u64(&writer, packet->ack_id);
	if (!code)
		socket_io_say_done(shard, conn, writer_written(&writer));
	else
		socket_io_say_error(shard, conn, code, text, writer_written(&writer));
}

/* An event that means nothing here may mean something to the backends. */
static bool hand_on(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet)
{
	struct command command;
	struct json_value argument;
	uint8_t digits[20];
	struct writer writer;
	size_t size;

	memset(&command, 0, offsetof(struct command, decoded));
	if (packet->event.type != JSON_STRING ||
	    !json_string_decode(packet->event.text, command.decoded, sizeof(command.decoded),
				&size) ||
	    !entry_word_is_valid(slice_of(command.decoded, size)))
		return false;
	command.event = slice_of(command.decoded, size);
	command.payload = socket_io_argument(packet, 0, &argument) ? argument.text : SLICE("null");
	writer_init(&writer, digits, sizeof(digits));
	writer_u64(&writer, packet->ack_id);
	if (packet->has_ack_id)
		command.ref = writer_written(&writer);
	return upstream_on_unknown(shard, conn, &command);
}

/* Goes the way of a native message: the same rules, the same errors. */
static void on_event(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet,
		     struct slice source)
{
	size_t size = socket_io_event_command_size(packet);
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	if (!bytes) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, size);
	switch (socket_io_event_read(packet, subscriptions_user(shard, conn), &writer)) {
	case SOCKET_IO_COMMAND:
		ASSERT(!writer.overflow);
		message_on_translated(shard, conn, writer_written(&writer), source);
		return;
	case SOCKET_IO_OWN_ROOM:
		if (packet->has_ack_id)
			say_about(shard, conn, packet, NULL, NULL);
		return;
	case SOCKET_IO_UNKNOWN:
		if (hand_on(shard, conn, packet))
			return;
		counter_add(&shard->counters->events_unknown, 1);
		if (packet->has_ack_id)
			say_about(shard, conn, packet, "unknown_event",
				  "there is no event of this name here");
		return;
	}
}

static void on_connect(struct shard *shard, struct conn *conn,
		       const struct socket_io_packet *packet, struct slice source)
{
	const struct socket_io_session *session = socket_io_session(conn);

	if (session->phase == SOCKET_IO_WAITING)
		socket_io_on_connect(shard, conn, packet, source);
	else if (slice_equal(packet->name_space, socket_io_name_space(shard, conn)))
		conn_close(shard, conn, CLOSE_PROTOCOL);
	else
		socket_io_send_connect_error(shard, conn, packet->name_space,
					     "One namespace for each connection: use forceNew",
					     "NAMESPACE_LIMIT");
}

static void on_joined_packet(struct shard *shard, struct conn *conn,
			     const struct socket_io_packet *packet, struct slice source)
{
	switch (packet->type) {
	case SOCKET_IO_DISCONNECT:
		conn_close(shard, conn, CLOSE_PEER_CLOSED);
		return;
	case SOCKET_IO_EVENT:
		on_event(shard, conn, packet, source);
		return;
	case SOCKET_IO_ACK:
		return; /* nothing here asks for one */
	case SOCKET_IO_BINARY_EVENT:
	case SOCKET_IO_BINARY_ACK:
		refuse_binary(shard, conn, packet);
		return;
	case SOCKET_IO_CONNECT:
	case SOCKET_IO_CONNECT_ERROR:
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
}

/* `source` begins with the `4`. */
static void on_message(struct shard *shard, struct conn *conn, struct slice source)
{
	const struct socket_io_session *session = socket_io_session(conn);
	struct socket_io_packet packet;

	conn->active_ms = (uint32_t)shard->now_ms;
	if (session->attachments > 0 || !socket_io_parse(slice_skip(source, 1), &packet)) {
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
	if (packet.type == SOCKET_IO_CONNECT)
		on_connect(shard, conn, &packet, source);
	else if (session->phase == SOCKET_IO_JOINED &&
		 slice_equal(packet.name_space, socket_io_name_space(shard, conn)))
		on_joined_packet(shard, conn, &packet, source);
	else if (packet.type != SOCKET_IO_DISCONNECT)
		conn_close(shard, conn, CLOSE_PROTOCOL); /* that namespace was not joined */
}

void socket_io_on_binary(struct shard *shard, struct conn *conn)
{
	struct socket_io_session *session = socket_io_session(conn);
	struct socket_io_packet packet = {.ack_id = session->refused_ack_id};

	if (session->attachments > 0)
		session->attachments--;
	if (session->attachments > 0 || !session->has_refused_ack)
		return;
	session->has_refused_ack = false;
	say_about(shard, conn, &packet, "binary", "only JSON is taken here, no binary attachments");
}

/* ---- packets of Engine.IO ---- */

/* The client has all that went before its answer's ping; it answers them in order. */
static void on_pong(struct shard *shard, struct conn *conn)
{
	struct socket_io_session *session = socket_io_session(conn);

	if (session->pings_out == 0)
		return; /* nobody has asked */
	if (--session->pings_out > 0 || session->phase != SOCKET_IO_JOINED ||
	    event_id_is_none(session->pinged))
		return;
	confirm_on_ack(shard, conn, session->pinged);
	session->pinged = (struct event_id){0, 0};
}

static void on_attachment(struct shard *shard, struct conn *conn)
{
	if (socket_io_session(conn)->attachments > 0)
		socket_io_on_binary(shard, conn);
	else
		conn_close(shard, conn, CLOSE_PROTOCOL);
}

/* The id of the acknowledgement that a packet asks for, as text; absent: none. */
static struct slice ack_of(const struct engine_io_packet *packet, uint8_t digits[20])
{
	struct socket_io_packet message;
	struct writer writer;

	if (packet->type != ENGINE_IO_MESSAGE || !socket_io_parse(packet->payload, &message) ||
	    !message.has_ack_id || message.type != SOCKET_IO_EVENT)
		return (struct slice){NULL, 0};
	writer_init(&writer, digits, 20);
	writer_u64(&writer, message.ack_id);
	return writer_written(&writer);
}

/* The binary attachments of an event that is dropped are dropped, too. */
static void drop_attachments(struct conn *conn, const struct engine_io_packet *packet)
{
	struct socket_io_session *session = socket_io_session(conn);
	struct socket_io_packet message;

	if (packet->type == ENGINE_IO_BINARY && session->attachments > 0)
		session->attachments--;
	if (packet->type == ENGINE_IO_MESSAGE && socket_io_parse(packet->payload, &message) &&
	    (message.type == SOCKET_IO_BINARY_EVENT || message.type == SOCKET_IO_BINARY_ACK))
		session->attachments = (uint8_t)message.attachments;
}

/* Each packet counts but the answer to a ping. */
static bool is_within_rate(struct shard *shard, struct conn *conn,
			   const struct engine_io_packet *packet)
{
	uint8_t digits[20];

	if (packet->type == ENGINE_IO_PONG && socket_io_session(conn)->pings_out > 0)
		return true;
	switch (rate_on_message(shard, conn)) {
	case RATE_GO_ON:
		return true;
	case RATE_SLOWED:
		drop_attachments(conn, packet);
		socket_io_warn_rate(shard, conn, ack_of(packet, digits));
		return false;
	case RATE_CLOSE:
		conn_close(shard, conn, CLOSE_RATE);
		return false;
	}
	return false;
}

void socket_io_on_packet(struct shard *shard, struct conn *conn, struct slice text)
{
	struct engine_io_packet packet;

	conn->heard_ms = (uint32_t)shard->now_ms;
	if (!engine_io_parse(text, &packet)) {
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
	if (!is_within_rate(shard, conn, &packet))
		return;
	switch (packet.type) {
	case ENGINE_IO_MESSAGE:
		on_message(shard, conn, text);
		return;
	case ENGINE_IO_PONG:
		on_pong(shard, conn);
		return;
	case ENGINE_IO_CLOSE:
		conn_close(shard, conn, CLOSE_PEER_CLOSED);
		return;
	case ENGINE_IO_NOOP:
		return;
	case ENGINE_IO_BINARY:
		on_attachment(shard, conn);
		return;
	case ENGINE_IO_OPEN:
	case ENGINE_IO_PING:
	case ENGINE_IO_UPGRADE:
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
}

static void on_binary_piece(struct shard *shard, struct conn *conn, bool is_last)
{
	if (is_last)
		on_attachment(shard, conn);
}

/* ---- the table ---- */

static uint32_t beat_interval_ms(const struct shard *shard, const struct conn *conn)
{
	return socket_io_session(conn)->phase == SOCKET_IO_WAITING
		       ? shard->config->handshake_timeout_ms
		       : shard->config->heartbeat_interval_ms;
}

static void beat(struct shard *shard, struct conn *conn)
{
	struct socket_io_session *session = socket_io_session(conn);

	if (session->phase == SOCKET_IO_WAITING) {
		conn_close(shard, conn, CLOSE_HANDSHAKE);
		return;
	}
	counter_add(&shard->counters->pings, 1);
	confirm_position(shard, conn, &session->pinged);
	if (session->pings_out < UINT8_MAX)
		session->pings_out++;
	send_frame(shard, conn, WS_TEXT, SLICE("2"));
}

/* It comes back by itself, and its auth function brings a new one. */
static void warn_token(struct shard *shard, struct conn *conn)
{
	conn_close(shard, conn, CLOSE_TOKEN);
}

static void write_close(struct shard *shard, struct conn *conn, uint16_t code, const char *text)
{
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;

	/* Only this one is not to come back. */
	if (code == 4403 && socket_io_session(conn)->phase == SOCKET_IO_JOINED) {
		socket_io_begin(&writer, bytes);
		socket_io_write_disconnect(&writer, socket_io_name_space(shard, conn));
		socket_io_send(shard, conn, &writer);
	}
	send_close_frame(shard, conn, code, text);
}

static void on_gone(struct shard *shard, struct conn *conn)
{
	(void)shard;
	free(socket_io_session(conn)->request);
}

const struct protocol protocol_socket_io = {
	.has_close_frames = true,
	.is_heard = true,
	.on_attached = socket_io_on_attached,
	.on_refused = socket_io_on_refused,
	.on_bytes = receive_feed_ws,
	.on_text = socket_io_on_packet,
	.on_binary = on_binary_piece,
	.on_subscribed = socket_io_on_subscribed,
	.on_unsubscribed = socket_io_on_unsubscribed,
	.on_answer = socket_io_on_answer,
	.say_done = socket_io_say_done,
	.say_error = socket_io_say_error,
	.beat_interval_ms = beat_interval_ms,
	.beat = beat,
	.warn_token = warn_token,
	.warn_rate = socket_io_warn_rate,
	.write_close = write_close,
	.on_held = engine_poll_flush,
	.on_gone = on_gone,
};
