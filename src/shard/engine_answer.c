/* shard/engine_answer.c - status, header lines, body. */
#include "shard/engine_answer.h"

#include <stdlib.h>

#include "shard/cors.h"
#include "shard/http.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "wire/http_answer.h"
#include "wire/http_head.h"

#define LINES_MAX (CORS_SIZE_MAX + 64)
#define ERROR_SIZE_MAX 96 /* bytes of an error's body */

/* Header lines of the answer to this request. */
static void write_lines(const struct engine_asked *asked, bool is_last, char lines[LINES_MAX])
{
	struct writer writer;

	writer_init(&writer, lines, LINES_MAX - 1);
	writer_text(&writer, "Cache-Control: no-store\r\n");
	cors_write(asked->shard->config, asked->head, &writer);
	if (is_last)
		writer_text(&writer, "Connection: close\r\n");
	else if (asked->head->minor_version == 0)
		writer_text(&writer, "Connection: keep-alive\r\n");
	ASSERT(!writer.overflow);
	lines[writer.size] = '\0';
}

/* The error's status and its body, which stays in `body`. */
static void write_error(struct http_answer *say, enum engine_io_error error,
			uint8_t body[ERROR_SIZE_MAX])
{
	struct writer writer;

	writer_init(&writer, body, ERROR_SIZE_MAX);
	engine_io_write_error(&writer, error);
	ASSERT(!writer.overflow);
	say->status = engine_io_error_status(error);
	say->content_type = "application/json";
	say->body = writer_written(&writer);
}

/* An end with bytes unread would become a reset, which may overtake the answer. */
static void end(struct shard *shard, struct conn *conn, bool is_whole)
{
	if (conn->state == CONN_HEAD)
		conn_close(shard, conn, is_whole ? CLOSE_HTTP_DONE : CLOSE_HTTP_REFUSED);
}

static void refuse(const struct engine_asked *asked, struct http_answer *say)
{
	char lines[LINES_MAX];

	write_lines(asked, true, lines);
	say->extra = lines;
	say->head_only = slice_equal_text(asked->head->method, "HEAD");
	counter_add(&asked->shard->counters->refusals, 1);
	http_send(asked->shard, asked->conn, say);
	end(asked->shard, asked->conn, asked->is_whole);
}

void engine_answer_refuse(const struct engine_asked *asked, enum engine_io_error error)
{
	uint8_t body[ERROR_SIZE_MAX];
	struct http_answer say = {.extra = NULL};

	write_error(&say, error, body);
	refuse(asked, &say);
}

void engine_answer_too_large(const struct engine_asked *asked)
{
	refuse(asked, &(struct http_answer){.status = 413});
}

bool engine_answer_prepare(const struct engine_asked *asked)
{
	struct conn *conn = asked->conn;
	struct inbound *in = conn_need_inbound(conn);
	char lines[LINES_MAX];

	if (!in)
		return false;
	in->is_last = !http_head_is_persistent(asked->head);
	write_lines(asked, in->is_last, lines);
	in->answer_lines = strdup(lines);
	return in->answer_lines != NULL;
}

/* What follows the request that was answered is the next one. */
static void keep_rest(struct conn *conn)
{
	struct inbound *in = conn->inbound;

	if (in->size <= in->body_size) {
		conn_drop_inbound(conn);
		return;
	}
	free(in->answer_lines);
	in->answer_lines = NULL;
	in->size -= in->body_size;
	memmove(in->bytes, in->bytes + in->body_size, in->size);
	in->body_size = in->body_taken = 0;
}

void engine_answer_give(struct shard *shard, struct conn *conn, struct http_answer *say)
{
	const struct inbound *in = conn->inbound;
	bool is_last, is_whole;

	ASSERT(conn->state == CONN_SERVING && in != NULL);
	is_last = in->is_last || shard->is_stopping;
	is_whole = in->size >= in->body_size;
	engine_session_unbind(shard, conn);
	say->extra = in->answer_lines;
	http_send(shard, conn, say);
	if (is_last || !is_whole) {
		end(shard, conn, is_whole);
		return;
	}
	if (conn->state != CONN_HEAD)
		return;
	keep_rest(conn);
	send_queue(shard, conn); /* when the answer is out, it goes on */
}

void engine_answer_packets(struct shard *shard, struct conn *conn, struct slice packets)
{
	engine_answer_give(shard, conn,
			   &(struct http_answer){
				   .status = 200,
				   .content_type = "text/plain; charset=UTF-8",
				   .body = packets,
			   });
}

void engine_answer_fail(struct shard *shard, struct conn *conn, enum engine_io_error error)
{
	uint8_t body[ERROR_SIZE_MAX];
	struct http_answer say = {.extra = NULL};

	conn->inbound->is_last = true;
	write_error(&say, error, body);
	engine_answer_give(shard, conn, &say);
}
