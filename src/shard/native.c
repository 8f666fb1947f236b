/* shard/native.c - the native protocol as a table: JSON over WebSocket. */
#include "shard/confirm.h"
#include "shard/handshake.h"
#include "shard/message.h"
#include "shard/protocol.h"
#include "shard/rate.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/upstream.h"

static uint32_t beat_interval_ms(const struct shard *shard, const struct conn *conn)
{
	(void)conn;
	return shard->config->heartbeat_interval_ms;
}

static void beat(struct shard *shard, struct conn *conn)
{
	uint8_t text[EVENT_ID_TEXT_MAX];

	counter_add(&shard->counters->pings, 1);
	send_frame(shard, conn, WS_PING, confirm_ping(shard, conn, text));
}

static void warn_expiring(struct shard *shard, struct conn *conn)
{
	message_send_error(shard, conn, "token_expiring",
			   "the token ends soon; send {\"type\":\"auth\",\"token\":...}",
			   (struct slice){NULL, 0});
}

static void warn_token(struct shard *shard, struct conn *conn)
{
	message_send_error(shard, conn, "token_expired",
			   "the token has expired; send {\"type\":\"auth\",\"token\":...}",
			   (struct slice){NULL, 0});
}

static void warn_rate(struct shard *shard, struct conn *conn, struct slice ref)
{
	message_send_error(shard, conn, RATE_CODE, RATE_TEXT, ref);
}

static void on_answer(struct shard *shard, struct conn *conn, enum upstream_answer answer,
		      struct slice ref)
{
	if (answer == UPSTREAM_ANSWER_OK)
		message_send_ack(shard, conn, ref);
	else
		message_send_error(shard, conn, upstream_answer_code(answer),
				   upstream_answer_text(answer), ref);
}

const struct protocol protocol_native = {
	.has_close_frames = true,
	.is_heard = true,
	.on_attached = handshake_on_attached,
	.on_refused = handshake_on_refused,
	.on_bytes = receive_feed_ws,
	.on_text = message_on_text,
	.on_subscribed = message_send_subscribed,
	.on_unsubscribed = message_send_unsubscribed,
	.on_answer = on_answer,
	.beat_interval_ms = beat_interval_ms,
	.beat = beat,
	.warn_expiring = warn_expiring,
	.warn_token = warn_token,
	.warn_rate = warn_rate,
	.warn_going_away = message_send_going_away,
	.write_close = send_close_frame,
};
