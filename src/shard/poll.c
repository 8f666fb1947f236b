/* shard/poll.c - a poll from its request to its answer. */
#include "shard/poll.h"

#include <stdio.h>
#include <stdlib.h>

#include "shard/confirm.h"
#include "shard/poll_answer.h"
#include "shard/poll_query.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/receiver.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/http_answer.h"

#define LINES_SIZE_MAX 768   /* header lines of an answer, beside the common ones */
#define BRIEF_WAIT_MS 5000u  /* wait=0 waits so long for the router to find what was missed */
#define KEEP_ALIVE_MS 65000u /* an idle client's connection stays so long; more than wait */
#define NO_STORE "Cache-Control: no-store\r\n"

/* conn->own */
struct poll {
	struct event_id after; /* has_after: what the client named */
	uint64_t epoch;
	uint32_t wait_ms;
	uint32_t limit;
	uint32_t unread;
	bool has_after;
	bool is_recovered;
	bool has_unread;
	bool is_live;     /* all up to the shard's newest is in the outbox, or on tapes */
	bool keeps_alive; /* the client wants to use the connection again */
	uint16_t lines_size;
	char lines[]; /* header lines for pages of other origins */
};

static struct poll *poll_of(const struct conn *conn)
{
	ASSERT(conn->protocol == PROTOCOL_POLL && conn->own != NULL);
	return conn->own;
}

/* The header lines, in the caller's memory. */
static const char *write_lines(const struct poll *poll, const char *more, char text[LINES_SIZE_MAX])
{
	struct writer writer;

	writer_init(&writer, text, LINES_SIZE_MAX - 1);
	writer_text(&writer, NO_STORE);
	writer_text(&writer, more);
	writer_bytes(&writer, poll->lines, poll->lines_size);
	ASSERT(!writer.overflow);
	text[writer.size] = '\0';
	return text;
}

/* ---- the request ---- */

static struct poll *create(const struct receiver *receiver, const struct poll_query *query)
{
	struct slice lines = slice_of_text(receiver->lines);
	struct poll *poll = calloc(1, sizeof(*poll) + lines.size);

	ASSERT(lines.size <= UINT16_MAX);
	if (!poll)
		return NULL;
	poll->has_after = receiver->resume.has_after;
	poll->after = receiver->resume.after;
	poll->wait_ms = query->wait_ms;
	poll->limit = query->limit;
	/* HTTP/1.0 would have to be told that the connection stays: it is simpler to end it. */
	poll->keeps_alive =
		receiver->head->minor_version > 0 && http_head_is_persistent(receiver->head);
	poll->lines_size = (uint16_t)lines.size;
	if (lines.size > 0)
		memcpy(poll->lines, lines.bytes, lines.size);
	return poll;
}

void poll_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
		     const struct route_match *match)
{
	struct receiver receiver = {.head = head, .match = match};
	struct refusal refusal = admission_no_memory;
	struct poll_query query;

	switch (receiver_check(shard, conn, &receiver, &refusal)) {
	case RECEIVER_REFUSED:
		return;
	case RECEIVER_LATER:
		receiver_refuse(shard, conn, &receiver, &refusal.http);
		return;
	case RECEIVER_WELCOME:
		break;
	}
	if (!poll_query_read(head->query, &query)) {
		receiver_refuse(shard, conn, &receiver,
				&(struct http_refusal){400, "bad_parameter",
						       "wait and limit are whole numbers", NULL});
		return;
	}
	conn->protocol = PROTOCOL_POLL;
	conn->encoding = ENCODING_SSE;
	conn->own = create(&receiver, &query);
	if (!conn->own || !receiver_enter(shard, conn, &receiver))
		receiver_refuse(shard, conn, &receiver, &admission_no_memory.http);
}

static void on_attached(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	struct poll *poll = poll_of(conn);
	bool is_brief = poll->wait_ms == 0 || conn_has(conn, CONN_HUNG_UP);

	admission_settle(shard, conn, attached);
	conn_set(conn, CONN_HELD);
	ASSERT(conn->outbox == NULL); /* answers to requests before this one are out */
	poll->is_recovered = attached->recovered;
	poll->has_unread = attached->has_unread;
	poll->unread = attached->unread;
	poll->epoch = attached->epoch;
	if (poll->has_after)
		confirm_on_attached(shard, conn, attached, poll->after);
	if (is_brief)
		poll->wait_ms = 0;
	conn->deadline_ms = (uint32_t)shard->now_ms + (is_brief ? BRIEF_WAIT_MS : poll->wait_ms);
	timers_refresh(shard, conn);
}

static void on_refused(struct shard *shard, struct conn *conn)
{
	struct http_refusal refusal = admission_refusal(conn)->http;
	char lines[LINES_SIZE_MAX];

	refusal.extra = write_lines(poll_of(conn), "", lines);
	http_refuse(shard, conn, &refusal);
}

/* ---- the answer ---- */

/* Up to where the client will have everything; 0-0: it named nothing, and nothing is known. */
static struct event_id position_of(struct shard *shard, struct conn *conn)
{
	const struct poll *poll = poll_of(conn);

	if (conn_has(conn, CONN_FALLING) || conn_has(conn, CONN_BEHIND))
		return shard->falls[conn_slot(shard, conn)].at;
	if (poll->is_live)
		return shard->newest;
	return poll->has_after ? poll->after : (struct event_id){0, 0};
}

/* The body, in the arena; absent: out of memory. The outbox is empty then. */
static struct slice write_body(struct shard *shard, struct conn *conn)
{
	const struct poll *poll = poll_of(conn);
	struct poll_answer answer = {
		.limit = poll->limit,
		.position = position_of(shard, conn),
		.is_recovered = poll->is_recovered,
		.has_unread = poll->has_unread,
		.unread = poll->unread,
		.epoch = poll->epoch,
	};
	size_t size = poll_answer_size_max(conn->outbox);
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	if (!bytes)
		return (struct slice){NULL, 0};
	writer_init(&writer, bytes, size);
	poll_answer_write(&writer, &answer, &conn->outbox);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

static void answer(struct shard *shard, struct conn *conn, const char *more_lines)
{
	struct poll *poll = poll_of(conn);
	bool keeps_alive =
		poll->keeps_alive && !conn_has(conn, CONN_HUNG_UP) && !shard->is_stopping;
	char lines[LINES_SIZE_MAX];

	if (poll->is_live)
		subscriptions_catch_up(shard, conn);
	struct slice body = write_body(shard, conn);
	struct http_answer http = {
		.status = 200,
		.content_type = "application/json",
		.body = body,
		.extra = write_lines(poll, more_lines, lines),
		.close = !keeps_alive,
	};

	if (slice_is_absent(body)) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	conn_reuse(shard, conn);
	http_send(shard, conn, &http);
	if (conn->state != CONN_HEAD)
		return;
	timers_arm(shard, conn, KEEP_ALIVE_MS);
	http_go_on(shard, conn);
	if (conn_has(conn, CONN_UNREAD) && conn->state != CONN_FINISHING)
		receive_queue(shard, conn);
}

static void on_held(struct shard *shard, struct conn *conn)
{
	answer(shard, conn, "");
}

static void on_live(struct shard *shard, struct conn *conn)
{
	struct poll *poll = poll_of(conn);

	poll->is_live = true;
	if (poll->wait_ms == 0 && !conn->outbox)
		answer(shard, conn, "");
}

static uint32_t beat_interval_ms(const struct shard *shard, const struct conn *conn)
{
	(void)shard;
	(void)conn;
	return POLL_WAIT_MAX_S * 1000;
}

/* The time to wait is over. */
static void beat(struct shard *shard, struct conn *conn)
{
	answer(shard, conn, "");
}

/* The answer is for the router to find yet, or there are others on the way: at the next look. */
static void on_hung_up(struct shard *shard, struct conn *conn)
{
	conn->deadline_ms = (uint32_t)shard->now_ms;
	timers_refresh(shard, conn);
}

/* The next poll is refused for it, and its client knows what to do then. */
static void warn_token(struct shard *shard, struct conn *conn)
{
	if (poll_of(conn)->is_live)
		answer(shard, conn, "");
	else
		poll_of(conn)->wait_ms = 0;
}

static void warn_going_away(struct shard *shard, struct conn *conn, uint32_t reconnect_in_ms)
{
	char line[48];

	snprintf(line, sizeof(line), "Retry-After: %u\r\n", (reconnect_in_ms + 999) / 1000);
	answer(shard, conn, line);
}

/* ---- the end ---- */

/* What a client is told of a close code; 200: what there is, and it may go on elsewhere. */
static int status_of(uint16_t code)
{
	switch (code) {
	case 1000:
	case 1001:
		return 200;
	case 4401:
		return 401;
	case 4403:
		return 403;
	default:
		return 503;
	}
}

static void write_end(struct shard *shard, struct conn *conn, int status, struct writer *writer)
{
	char lines[LINES_SIZE_MAX];
	struct http_answer http = {
		.status = status,
		.content_type = "application/json",
		.extra = write_lines(poll_of(conn), status == 503 ? "Retry-After: 1\r\n" : "",
				     lines),
		.close = true,
	};

	if (status == 200)
		http.body = write_body(shard, conn);
	else if (status == 503)
		http.body = SLICE("{\"error\":\"overload\",\"message\":\"ask again\"}");
	else
		http.body =
			SLICE("{\"error\":\"closed\",\"message\":\"the connection was closed\"}");
	http_answer_write(writer, &http);
}

static void write_close(struct shard *shard, struct conn *conn, uint16_t code, const char *text)
{
	size_t size = 2 * LINES_SIZE_MAX + poll_answer_size_max(conn->outbox);
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	(void)text;
	writer_init(&writer, bytes, size);
	if (bytes)
		write_end(shard, conn, status_of(code), &writer);
	ASSERT(!writer.overflow);
	outbox_destroy(&conn->outbox);
	if (!bytes || outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

const struct protocol protocol_poll = {
	.on_attached = on_attached,
	.on_refused = on_refused,
	.on_hung_up = on_hung_up,
	.on_live = on_live,
	.on_held = on_held,
	.beat_interval_ms = beat_interval_ms,
	.beat = beat,
	.warn_token = warn_token,
	.warn_going_away = warn_going_away,
	.write_close = write_close,
};
