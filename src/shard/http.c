/* shard/http.c - which request gets which answer. */
#include "shard/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "shard/cors.h"
#include "shard/handshake.h"
#include "shard/identity.h"
#include "shard/pages.h"
#include "shard/poll.h"
#include "shard/postponed.h"
#include "shard/engine_poll.h"
#include "shard/receive.h"
#include "shard/route.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/sse.h"
#include "shard/timers.h"
#include "wire/http_answer.h"
#include "wire/http_head.h"

#define ANSWER_HEAD_MAX 1536            /* bytes of an answer without its body */
#define EXTRA_MAX (256 + CORS_SIZE_MAX) /* of them, further header lines of a refusal */
#define RETRY_NODE_S 5    /* Retry-After: after so long the node may have room again */
#define RETRY_CLIENT_S 10 /* likewise the client, who must end a connection or wait */

void http_send(struct shard *shard, struct conn *conn, const struct http_answer *answer)
{
	size_t capacity = ANSWER_HEAD_MAX + answer->body.size;
	uint8_t *bytes = arena_take(&shard->arena, capacity);
	struct writer writer;

	if (!bytes) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, capacity);
	http_answer_write(&writer, answer);
	ASSERT(!writer.overflow);
	send_bytes(shard, conn, writer_written(&writer));
	counter_add(&shard->counters->http_requests, 1);
	if (answer->close)
		conn_close(shard, conn, CLOSE_HTTP_DONE);
	else
		timers_arm(shard, conn, shard->config->handshake_timeout_ms);
}

/* The further header lines of a refusal. */
static const char *write_extra(struct shard *shard, const struct http_refusal *refusal,
			       char lines[EXTRA_MAX])
{
	const char *extra = refusal->extra ? refusal->extra : "";
	uint32_t least_s = refusal->status == 503   ? RETRY_NODE_S
			   : refusal->status == 429 ? RETRY_CLIENT_S
						    : 0;

	if (least_s == 0 || strstr(extra, "Retry-After:"))
		return extra;
	int size = snprintf(lines, EXTRA_MAX, "%sRetry-After: %u\r\n", extra,
			    least_s + (uint32_t)random_below(&shard->random, least_s + 1u));

	ASSERT(size > 0 && size < EXTRA_MAX);
	return lines;
}

void http_refuse(struct shard *shard, struct conn *conn, const struct http_refusal *refusal)
{
	uint8_t *bytes = arena_take(&shard->arena, ANSWER_HEAD_MAX);
	char lines[EXTRA_MAX];
	struct writer writer;

	counter_add(&shard->counters->refusals, 1);
	if (!bytes) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, ANSWER_HEAD_MAX);
	http_answer_write_error(&writer, refusal->status, refusal->code, refusal->message,
				write_extra(shard, refusal, lines));
	ASSERT(!writer.overflow);
	send_bytes(shard, conn, writer_written(&writer));
	/* What the client still sends would turn a plain close into a reset that may overtake
	 * the answer: when nothing more is there the connection ends at once. */
	conn_close(shard, conn, conn_has(conn, CONN_UNREAD) ? CLOSE_HTTP_REFUSED : CLOSE_HTTP_DONE);
}

static void refuse_head(struct shard *shard, struct conn *conn, int status)
{
	switch (status) {
	case 414:
		http_refuse(shard, conn,
			    &(struct http_refusal){
				    status, "target_too_long",
				    "the request target is longer than max_header_bytes", NULL});
		return;
	case 431:
		http_refuse(shard, conn,
			    &(struct http_refusal){
				    status, "headers_too_large",
				    "the request head is over max_header_bytes or 64 lines", NULL});
		return;
	case 505:
		http_refuse(shard, conn,
			    &(struct http_refusal){status, "http_version",
						   "HTTP/1.1 and HTTP/1.0 are spoken", NULL});
		return;
	default:
		http_refuse(shard, conn,
			    &(struct http_refusal){400, "bad_request",
						   "this is not an HTTP/1.1 request", NULL});
	}
}

/* Adds what pages of other origins need to the header lines of an answer. */
static bool add_cors(struct shard *shard, const struct http_head *head, struct http_answer *answer)
{
	size_t capacity = strlen(answer->extra) + CORS_SIZE_MAX;
	uint8_t *lines = arena_take(&shard->arena, capacity + 1);
	struct writer writer;

	if (!lines)
		return false;
	writer_init(&writer, lines, capacity);
	writer_text(&writer, answer->extra);
	cors_write(shard->config, head, &writer);
	ASSERT(!writer.overflow);
	lines[writer.size] = '\0';
	answer->extra = (const char *)lines;
	return true;
}

static void on_page(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	bool is_head = slice_equal_text(head->method, "HEAD");
	struct http_answer answer;

	if (!is_head && !slice_equal_text(head->method, "GET")) {
		http_refuse(shard, conn,
			    &(struct http_refusal){405, "method",
						   "this path answers to GET and HEAD",
						   "Allow: GET, HEAD\r\n"});
		return;
	}
	if (!pages_answer(shard, head->path, &answer) || !add_cors(shard, head, &answer)) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	answer.head_only = is_head;
	answer.close = !http_head_is_persistent(head);
	http_send(shard, conn, &answer);
}

static void on_route(struct shard *shard, struct conn *conn, const struct http_head *head,
		     const struct route_match *match)
{
	switch (match->tree) {
	case ROUTE_WS:
		handshake_on_request(shard, conn, head, match);
		return;
	case ROUTE_SSE:
		sse_on_request(shard, conn, head, match);
		return;
	case ROUTE_POLL:
		poll_on_request(shard, conn, head, match);
		return;
	}
}

static void on_bodiless(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	bool is_echo = shard->config->debug_echo && slice_equal_text(head->path, "/echo");
	struct route_match match;
	uint64_t body_size;

	if (!http_head_body_size(head, &body_size))
		http_refuse(shard, conn,
			    &(struct http_refusal){
				    400, "bad_body",
				    "Content-Length is wrong or Transfer-Encoding is used", NULL});
	else if (body_size > 0)
		http_refuse(
			shard, conn,
			&(struct http_refusal){413, "body", "no request body is taken here", NULL});
	else if (cors_is_preflight(head))
		cors_on_preflight(shard, conn, head);
	else if (is_echo)
		handshake_on_echo(shard, conn, head);
	else if (pages_has(shard, head->path))
		on_page(shard, conn, head);
	else if (route_find(head->path, &match))
		on_route(shard, conn, head, &match);
	else
		http_refuse(shard, conn,
			    &(struct http_refusal){404, "not_found",
						   "there is nothing at this path", NULL});
}

/* Returns how many of the bytes, which begin with the head, it took. */
static size_t on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			 struct slice bytes)
{
	if (engine_poll_is_for(head))
		return engine_poll_on_request(shard, conn, head, bytes);
	on_bodiless(shard, conn, head);
	return head->head_size;
}

/* After a request: what follows it belongs to the next one, or to the WebSocket. */
static void pass_on(struct shard *shard, struct conn *conn, struct slice rest)
{
	if (rest.size == 0 || conn->state >= CONN_CLOSING)
		return;
	if (conn->state != CONN_ATTACHING && conn->state != CONN_SERVING) {
		receive_feed(shard, conn, (uint8_t *)(uintptr_t)rest.bytes, rest.size);
		return;
	}
	if (conn_store(conn, rest, SIZE_MAX) != STATUS_OK) /* one receive at most */
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

static bool must_wait(const struct shard *shard, const struct http_head *head)
{
	struct identity_request request = {
		.head = head,
		.protocols = http_head_find(head, "Sec-WebSocket-Protocol"),
	};

	return identity_must_wait(shard->config, &shard->tokens, &request);
}

/* Answers to requests before are not known to be out. */
static bool has_unsent(const struct shard *shard, const struct conn *conn)
{
	return conn->outbox || conn_is_sending(shard, conn);
}

/* One request after the other: the next one is looked at when the answer to the last is out. */
static void pause_until_sent(struct shard *shard, struct conn *conn, struct slice bytes)
{
	if (conn_store(conn, bytes, SIZE_MAX) == STATUS_OK)
		send_queue(shard, conn);
	else
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}

static void feed_whole(struct shard *shard, struct conn *conn, struct slice bytes)
{
	struct http_head head;

	while (bytes.size > 0 && conn->state == CONN_HEAD) {
		if (has_unsent(shard, conn)) {
			pause_until_sent(shard, conn, bytes);
			return;
		}
		int status = http_head_parse(bytes, shard->config->max_header_bytes, &head);

		if (status == HTTP_HEAD_PARTIAL) {
			if (conn_store(conn, bytes, SIZE_MAX) != STATUS_OK)
				conn_close_join(shard, conn, CLOSE_NO_MEMORY);
			return;
		}
		if (status != HTTP_HEAD_COMPLETE) {
			refuse_head(shard, conn, status);
			return;
		}
		if (!engine_poll_is_for(&head) && must_wait(shard, &head)) {
			postponed_add_request(shard, conn, bytes);
			return;
		}
		bytes = slice_skip(bytes, on_request(shard, conn, &head, bytes));
	}
	pass_on(shard, conn, bytes);
}

void http_go_on(struct shard *shard, struct conn *conn)
{
	struct inbound *before = conn->inbound;

	ASSERT(conn->state == CONN_HEAD);
	if (!before || conn_has(conn, CONN_POSTPONED))
		return; /* whoever serves what was postponed goes on */
	conn->inbound = NULL;
	feed_whole(shard, conn, slice_of(before->bytes, before->size));
	free(before->bytes);
	free(before);
}

void http_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	struct inbound *before = conn->inbound;

	ASSERT(conn->state == CONN_HEAD);
	if (!before) {
		feed_whole(shard, conn, slice_of(bytes, size));
		return;
	}
	/* max_header_bytes is checked by the parser; here one receive more may be stored. */
	if (conn_store(conn, slice_of(bytes, size), SIZE_MAX) != STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	http_go_on(shard, conn);
}
