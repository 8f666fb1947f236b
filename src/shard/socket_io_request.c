/* shard/socket_io_request.c - the request of a WebSocket, and what is kept of one for CONNECT. */
#include <stdlib.h>

#include "shard/admission.h"
#include "shard/cors.h"
#include "shard/http.h"
#include "shard/socket_io_session.h"
#include "wire/engine_io.h"
#include "wire/http_answer.h"
#include "wire/ws_handshake.h"

#define ANSWER_SIZE_MAX 256 /* of an upgrade */
#define LINES_SIZE_MAX (CORS_SIZE_MAX + 64)

static void refuse_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			   enum engine_io_error error)
{
	uint8_t body[128];
	char lines[LINES_SIZE_MAX];
	struct writer writer;
	struct http_answer answer = {
		.status = engine_io_error_status(error),
		.content_type = "application/json",
		.extra = lines,
		.close = true,
	};

	counter_add(&shard->counters->refusals, 1);
	writer_init(&writer, lines, sizeof(lines) - 1);
	writer_text(&writer, "Cache-Control: no-store\r\n");
	cors_write(shard->config, head, &writer);
	lines[writer.size] = '\0';
	writer_init(&writer, body, sizeof(body));
	engine_io_write_error(&writer, error);
	answer.body = writer_written(&writer);
	http_send(shard, conn, &answer);
}

/* False: it was refused. */
static bool check_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			  struct ws_handshake *ret_handshake)
{
	struct slice transport = http_query_find(head->query, "transport");
	struct slice version = http_query_find(head->query, "EIO");
	const struct refusal *refusal;

	if (slice_is_absent(transport) || !slice_equal_text(transport, "websocket"))
		refuse_request(shard, conn, head, ENGINE_IO_ERROR_TRANSPORT);
	else if (!slice_equal_text(head->method, "GET"))
		refuse_request(shard, conn, head, ENGINE_IO_ERROR_METHOD);
	else if (slice_is_absent(version) || !slice_equal_text(version, "4"))
		refuse_request(shard, conn, head, ENGINE_IO_ERROR_VERSION);
	else if (ws_handshake_check(head, ret_handshake) != 101)
		refuse_request(shard, conn, head, ENGINE_IO_ERROR_REQUEST);
	else if ((refusal = admission_check_socket(shard, conn, head)) != NULL &&
		 refusal->reason == CLOSE_NOT_ALLOWED)
		refuse_request(shard, conn, head, ENGINE_IO_ERROR_FORBIDDEN);
	else if (refusal)
		http_refuse(shard, conn, &refusal->http);
	else
		return true;
	return false;
}

void socket_io_on_request(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	struct ws_handshake handshake;
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	if (!check_request(shard, conn, head, &handshake))
		return;
	writer_init(&writer, bytes, sizeof(bytes));
	ws_handshake_write(&writer, handshake.key, NULL, NULL);
	ASSERT(!writer.overflow);
	if (outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) != STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	conn_set(conn, CONN_UPGRADED);
	socket_io_open(shard, conn, SOCKET_IO_WEBSOCKET);
	if (conn->state == CONN_OPEN && !socket_io_remember(conn, head))
		conn_close(shard, conn, CLOSE_NO_MEMORY);
}

static void write_header(struct writer *writer, const struct http_head *head, const char *name)
{
	struct slice value = http_head_find(head, name);

	if (slice_is_absent(value))
		return;
	writer_text(writer, name);
	writer_text(writer, ": ");
	writer_slice(writer, value);
	writer_text(writer, "\r\n");
}

static const char *const telling_headers[] = {"Authorization", "Sec-WebSocket-Protocol"};

/* Cookies may stand in several lines. */
static void write_cookies(struct writer *writer, const struct http_head *head)
{
	for (uint32_t i = 0; i < head->headers_count; i++) {
		if (!slice_equal_fold(head->headers[i].name, SLICE("Cookie")))
			continue;
		writer_text(writer, "Cookie: ");
		writer_slice(writer, head->headers[i].value);
		writer_text(writer, "\r\n");
	}
}

bool socket_io_remember(struct conn *conn, const struct http_head *head)
{
	struct socket_io_session *session = socket_io_session(conn);
	size_t capacity = head->head_size + 128;
	struct writer writer;

	ASSERT(session->request == NULL);
	session->request = malloc(capacity);
	if (!session->request)
		return false;
	writer_init(&writer, session->request, capacity);
	writer_text(&writer, "GET /?");
	writer_slice(&writer, head->query);
	writer_text(&writer, " HTTP/1.0\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(telling_headers); i++)
		write_header(&writer, head, telling_headers[i]);
	write_cookies(&writer, head);
	writer_text(&writer, "\r\n");
	ASSERT(!writer.overflow);
	session->request_size = writer.size;
	return true;
}
