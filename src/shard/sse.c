/* shard/sse.c - the head of the answer, then events, comments and a last word. */
#include "shard/sse.h"

#include <stdlib.h>

#include "shard/confirm.h"
#include "shard/message.h"
#include "shard/protocol.h"
#include "shard/receipts.h"
#include "shard/receive.h"
#include "shard/receiver.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"
#include "wire/envelope.h"
#include "wire/event_id.h"
#include "wire/json.h"
#include "wire/sse.h"

#define HEAD_SIZE_MAX 512 /* of the answer, without the lines for other origins */
#define TEXT_SIZE_MAX 512 /* an event of our own, but for `connected` */
#define OVERLOAD_RETRY_MS 5000u
#define CROWD_RETRY_MS 15000u /* too many of this user or address: somebody must leave first */

/* conn->own */
struct stream {
	struct event_id after; /* has_after: what the client named */
	struct event_id told;  /* the position that it was last told without a message */
	struct event_id noted; /* all up to there was given to the kernel; 0-0: nothing new was */
	struct event_id asked; /* likewise, when it was last asked what TCP has acknowledged */
	bool has_after;
	uint16_t lines_size;
	char lines[]; /* until ATTACHED: header lines for pages of other origins, with a final 0 */
};

static struct stream *stream_of(const struct conn *conn)
{
	ASSERT(conn->protocol == PROTOCOL_SSE && conn->own != NULL);
	return conn->own;
}

/* From one to one and a half times as long, so that those who went together come back apart. */
static uint32_t spread(struct shard *shard, uint32_t delay_ms)
{
	return delay_ms + (uint32_t)random_below(&shard->random, delay_ms / 2 + 1);
}

static void write_head(struct writer *writer, struct slice lines)
{
	writer_text(writer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			    "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
			    "Connection: close\r\n");
	writer_slice(writer, lines);
	writer_text(writer, "\r\n");
}

static void write_event(struct writer *writer, const char *type, struct event_id id,
			const struct writer *data)
{
	struct sse_event event = {
		.id = id,
		.type = slice_of_text(type),
		.parts = {writer_written(data)},
	};

	ASSERT(!data->overflow);
	sse_write_event(writer, &event);
}

static const struct event_id no_id = {0, 0};

/* ---- coming ---- */

static void write_close_event(struct writer *writer, uint16_t code, const char *text,
			      uint32_t retry_ms)
{
	uint8_t bytes[TEXT_SIZE_MAX];
	struct writer data;

	writer_init(&data, bytes, sizeof(bytes));
	writer_format(&data, "{\"type\":\"close\",\"code\":%u,\"reason\":", code);
	json_write_string(&data, slice_of_text(text));
	if (retry_ms > 0)
		writer_format(&data, ",\"reconnect_in_ms\":%u", retry_ms);
	writer_text(&data, "}");
	write_event(writer, "close", no_id, &data);
}

/* 200, a time to come back at, and the end. */
static void answer_later(struct shard *shard, struct conn *conn, const struct refusal *refusal,
			 struct slice lines)
{
	size_t size = HEAD_SIZE_MAX + 2 * TEXT_SIZE_MAX + lines.size;
	uint8_t *bytes = arena_take(&shard->arena, size);
	uint32_t retry_ms =
		spread(shard, refusal->http.status == 429 ? CROWD_RETRY_MS : OVERLOAD_RETRY_MS);
	struct writer writer;

	counter_add(&shard->counters->refusals, 1);
	if (!bytes) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, size);
	write_head(&writer, lines);
	sse_write_retry(&writer, retry_ms);
	write_close_event(&writer, conn_close_code(refusal->reason), refusal->http.message,
			  retry_ms);
	ASSERT(!writer.overflow);
	send_bytes(shard, conn, writer_written(&writer));
	conn_close(shard, conn, conn_has(conn, CONN_UNREAD) ? CLOSE_HTTP_REFUSED : CLOSE_HTTP_DONE);
}

static struct stream *create(const struct resume *resume, struct slice lines)
{
	struct stream *stream = calloc(1, sizeof(*stream) + lines.size + 1);

	ASSERT(lines.size <= UINT16_MAX);
	if (!stream)
		return NULL;
	stream->has_after = resume->has_after;
	stream->after = resume->after;
	stream->lines_size = (uint16_t)lines.size;
	if (lines.size > 0)
		memcpy(stream->lines, lines.bytes, lines.size);
	return stream;
}

void sse_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
		    const struct route_match *match)
{
	struct receiver receiver = {.head = head, .match = match};
	struct refusal refusal = admission_no_memory;

	switch (receiver_check(shard, conn, &receiver, &refusal)) {
	case RECEIVER_REFUSED:
		return;
	case RECEIVER_LATER:
		answer_later(shard, conn, &refusal, slice_of_text(receiver.lines));
		return;
	case RECEIVER_WELCOME:
		break;
	}
	resume_prefer_header(head, &receiver.resume);
	conn->protocol = PROTOCOL_SSE;
	conn->encoding = ENCODING_SSE;
	conn->own = create(&receiver.resume, slice_of_text(receiver.lines));
	if (!conn->own || !receiver_enter(shard, conn, &receiver))
		answer_later(shard, conn, &admission_no_memory, slice_of_text(receiver.lines));
}

/* The id under which a client that names it later has missed nothing; 0-0: it cannot be said. */
static struct event_id safe_id(const struct stream *stream, const struct attached *attached)
{
	if (attached->replayed == 0)
		return attached->last;
	return stream->has_after && attached->recovered ? stream->after : no_id;
}

static void write_gap(struct writer *writer, const struct stream *stream,
		      const struct attached *attached)
{
	uint8_t bytes[TEXT_SIZE_MAX];
	struct writer data;

	writer_init(&data, bytes, sizeof(bytes));
	writer_text(&data, "{\"type\":\"gap\",\"from\":\"");
	event_id_write(&data, stream->after);
	writer_text(&data, "\",\"to\":\"");
	event_id_write(&data, attached->last);
	writer_text(&data, "\"}");
	write_event(writer, "gap", no_id, &data);
}

/* The head and the first events. */
static void write_start(struct shard *shard, struct conn *conn, const struct attached *attached,
			struct writer *writer)
{
	const struct stream *stream = stream_of(conn);
	uint8_t bytes[CONNECTED_SIZE_MAX];
	struct writer data;

	write_head(writer, slice_of(stream->lines, stream->lines_size));
	sse_write_retry(writer, spread(shard, shard->config->sse_retry_ms));
	writer_init(&data, bytes, sizeof(bytes));
	message_write_connected(shard, conn, attached, &data);
	write_event(writer, "connected", safe_id(stream, attached), &data);
	if (stream->has_after && !attached->recovered)
		write_gap(writer, stream, attached);
}

static void drop_lines(struct conn *conn)
{
	struct stream *less = realloc(conn->own, sizeof(*less));

	if (!less)
		return;
	less->lines_size = 0;
	conn->own = less;
}

static void on_attached(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	struct stream *stream = stream_of(conn);
	size_t size = HEAD_SIZE_MAX + stream->lines_size + CONNECTED_SIZE_MAX + 2 * TEXT_SIZE_MAX;
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	admission_settle(shard, conn, attached);
	writer_init(&writer, bytes, size);
	if (bytes)
		write_start(shard, conn, attached, &writer);
	ASSERT(!writer.overflow);
	/* Behind answers to earlier requests, which may still be on their way. */
	if (!bytes ||
	    outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) != STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	if (stream->has_after)
		confirm_on_attached(shard, conn, attached, stream->after);
	stream->told = safe_id(stream, attached);
	drop_lines(conn);
	conn_drop_inbound(conn);
	timers_start_heartbeat(shard, conn);
	send_queue(shard, conn);
	receive_queue(shard, conn);
}

static void on_refused(struct shard *shard, struct conn *conn)
{
	const struct stream *stream = stream_of(conn);
	struct refusal refusal = *admission_refusal(conn);

	if (refusal.http.status == 429 || refusal.http.status == 503) {
		answer_later(shard, conn, &refusal, slice_of(stream->lines, stream->lines_size));
		return;
	}
	refusal.http.extra = stream->lines;
	http_refuse(shard, conn, &refusal.http);
}

/* ---- while it is there ---- */

static void on_bytes(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	(void)shard;
	(void)conn;
	(void)bytes;
	(void)size;
}

static void send_written(struct shard *shard, struct conn *conn, const struct writer *writer)
{
	uint8_t *bytes = arena_take(&shard->arena, writer->size);

	ASSERT(!writer->overflow);
	if (!bytes)
		return; /* a beat less; a last word less */
	memcpy(bytes, writer->bytes, writer->size);
	send_bytes(shard, conn, slice_of(bytes, writer->size));
}

static uint32_t beat_interval_ms(const struct shard *shard, const struct conn *conn)
{
	(void)conn;
	return shard->config->sse_heartbeat_ms;
}

/* The log has moved on, and nothing of it was for this client since the last beat: what it would
 * name when it comes back grows old, unless it is told. */
static bool must_tell_position(struct shard *shard, struct conn *conn)
{
	return confirm_has_all(shard, conn) && !conn_has(conn, CONN_UNCONFIRMED) &&
	       !event_id_is_none(shard->newest) &&
	       !event_id_equal(shard->newest, stream_of(conn)->told);
}

static void write_cursor(struct writer *writer, struct event_id position)
{
	uint8_t bytes[TEXT_SIZE_MAX];
	struct writer data;

	writer_init(&data, bytes, sizeof(bytes));
	writer_text(&data, "{\"type\":\"cursor\",\"last_event_id\":\"");
	event_id_write(&data, position);
	writer_text(&data, "\"}");
	write_event(writer, "cursor", position, &data);
}

/* A client that never comes back names nothing. What its TCP has acknowledged it has, as far as a
 * server can know: what was noted at one beat is asked for at the next. */
static void ask_what_arrived(struct shard *shard, struct conn *conn)
{
	struct stream *stream = stream_of(conn);

	if (!shard->config->sse_confirm || shard->is_older_kernel)
		return;
	if (!event_id_is_none(stream->noted)) {
		stream->asked = stream->noted;
		stream->noted = no_id;
		uring_unacknowledged(shard->uring, conn_slot(shard, conn),
				     conn_tag(shard, conn, SHARD_OP_UNACKNOWLEDGED, 0));
	}
	if (conn_has(conn, CONN_UNCONFIRMED) && !conn->outbox && confirm_has_all(shard, conn))
		stream->noted = shard->newest;
}

static void on_unacknowledged(struct shard *shard, struct conn *conn, int32_t size)
{
	struct stream *stream = stream_of(conn);

	if (size < 0)
		shard->is_older_kernel = true;
	else if (size == 0)
		receipts_confirm(shard, conn, stream->asked);
	else if (event_id_is_none(stream->noted))
		stream->noted = stream->asked; /* at the next beat once more */
}

static void beat(struct shard *shard, struct conn *conn)
{
	uint8_t bytes[TEXT_SIZE_MAX];
	struct writer writer;

	ask_what_arrived(shard, conn); /* before more is sent */
	counter_add(&shard->counters->pings, 1);
	writer_init(&writer, bytes, sizeof(bytes));
	if (must_tell_position(shard, conn)) {
		write_cursor(&writer, shard->newest);
		stream_of(conn)->told = shard->newest;
	} else {
		sse_write_comment(&writer, "hb");
	}
	conn_clear(conn, CONN_UNCONFIRMED);
	send_written(shard, conn, &writer);
}

static void warn_token(struct shard *shard, struct conn *conn)
{
	uint8_t bytes[TEXT_SIZE_MAX], text[TEXT_SIZE_MAX];
	struct writer writer, data;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_init(&data, text, sizeof(text));
	envelope_write_error(&data, "token_expired",
			     "the token has expired; open a stream with a new one",
			     (struct slice){NULL, 0});
	write_event(&writer, "token_expired", no_id, &data);
	send_written(shard, conn, &writer);
}

static void warn_going_away(struct shard *shard, struct conn *conn, uint32_t reconnect_in_ms)
{
	uint8_t bytes[TEXT_SIZE_MAX], text[TEXT_SIZE_MAX];
	struct writer writer, data;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_init(&data, text, sizeof(text));
	sse_write_retry(&writer, reconnect_in_ms);
	envelope_write_going_away(&data, reconnect_in_ms);
	write_event(&writer, "going_away", no_id, &data);
	send_written(shard, conn, &writer);
}

/* ---- going ---- */

static void write_close(struct shard *shard, struct conn *conn, uint16_t code, const char *text)
{
	uint8_t bytes[TEXT_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	write_close_event(&writer, code, text, 0);
	ASSERT(!writer.overflow);
	if (outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

const struct protocol protocol_sse = {
	.on_attached = on_attached,
	.on_refused = on_refused,
	.on_bytes = on_bytes,
	.on_unacknowledged = on_unacknowledged,
	.beat_interval_ms = beat_interval_ms,
	.beat = beat,
	.warn_token = warn_token,
	.warn_going_away = warn_going_away,
	.write_close = write_close,
};
