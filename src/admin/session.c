/* admin/session.c - one HTTP connection: one request at a time, kept alive, pipelining in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin_state.h"
#include "wire/http_answer.h"

#define ANSWER_HEAD_MAX 1024
#define REFUSAL_BODY_MAX 256

static uint64_t session_tag(const struct admin *admin, const struct admin_session *session,
			    enum admin_op op)
{
	uint64_t index = (uint64_t)(session - admin->sessions);

	return ring_tag(op, (uint64_t)(session->generation & 0xFFFFFF) << 16 | index);
}

struct admin_session *session_of_tag(struct admin *admin, uint64_t tag)
{
	struct admin_session *session = &admin->sessions[tag & 0xFFFF];

	ASSERT((tag & 0xFFFF) < ADMIN_SESSIONS_MAX);
	return session->fd >= 0 && (session->generation & 0xFFFFFF) == ((tag >> 16) & 0xFFFFFF)
		       ? session
		       : NULL;
}

static void receive_more(struct admin *admin, struct admin_session *session)
{
	size_t needed = session->request_size + ADMIN_RECEIVE_SIZE;

	if (session->is_receiving || session->is_closing)
		return;
	if (session->request_capacity < needed) {
		uint8_t *grown = realloc(session->request, needed);

		if (!grown) {
			session_close(admin, session);
			return;
		}
		session->request = grown;
		session->request_capacity = needed;
	}
	session->is_receiving = true;
	uring_receive_fd(admin->uring, session->fd, session->request + session->request_size,
			 ADMIN_RECEIVE_SIZE, session_tag(admin, session, ADMIN_OP_RECEIVE));
}

void session_open(struct admin *admin, int fd)
{
	for (uint32_t i = 0; i < ADMIN_SESSIONS_MAX; i++) {
		struct admin_session *session = &admin->sessions[i];

		if (session->fd >= 0)
			continue;
		*session = (struct admin_session){
			.fd = fd,
			.generation = session->generation + 1,
			.heard_ms = admin->now_ms,
		};
		receive_more(admin, session);
		return;
	}
	close(fd); /* as many as there may be: the caller tries again */
}

static void finish_close(struct admin_session *session)
{
	if (session->is_receiving || session->is_sending || session->is_waiting)
		return;
	close(session->fd);
	session->fd = -1;
	free(session->request);
	free(session->answer);
	session->request = session->answer = NULL;
}

void session_close(struct admin *admin, struct admin_session *session)
{
	(void)admin;
	ASSERT(session->fd >= 0);
	session->is_closing = true;
	shutdown(session->fd, SHUT_RDWR); /* ends what the ring has */
	finish_close(session);
}

/* Size of head and body together. 0: it was refused. */
static uint64_t whole_size(struct admin *admin, struct admin_session *session,
			   const struct http_head *head)
{
	uint64_t body_size;

	if (!http_head_body_size(head, &body_size)) {
		session_refuse(admin, session, 400, "bad_body",
			       "Content-Length is needed and must be one number");
		return 0;
	}
	if (body_size > ADMIN_REQUEST_MAX - head->head_size) {
		session_refuse(admin, session, 413, "too_large",
			       "a request is at most 2 MiB; publish in several");
		return 0;
	}
	return head->head_size + body_size;
}

static void send_continue(struct admin_session *session, const struct http_head *head)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (!http_head_has_token(head, "Expect", "100-continue"))
		return;
	/* A few bytes on an idle socket: they fit, or the client goes on after its patience. */
	if (send(session->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

/* Looks for a whole request in what has come. */
static void parse(struct admin *admin, struct admin_session *session)
{
	struct slice bytes = slice_of(session->request, session->request_size);
	struct http_head head;
	int status = HTTP_HEAD_PARTIAL;

	if (bytes.size > 0)
		status = http_head_parse(bytes, admin->config->max_header_bytes, &head);
	if (status == HTTP_HEAD_PARTIAL) {
		receive_more(admin, session);
		return;
	}
	if (status != HTTP_HEAD_COMPLETE) {
		session_refuse(admin, session, status, "bad_request",
			       "the request head is malformed or too large");
		return;
	}
	uint64_t size = whole_size(admin, session, &head);

	if (size == 0)
		return;
	if (bytes.size < size) {
		if (bytes.size == head.head_size)
			send_continue(session, &head);
		receive_more(admin, session);
		return;
	}
	session->request_done = (size_t)size;
	session->close_after = !http_head_is_persistent(&head);
	requests_take(admin, session, &head,
		      slice_of(bytes.bytes + head.head_size, (size_t)size - head.head_size));
}

void session_on_received(struct admin *admin, struct admin_session *session, int32_t result)
{
	session->is_receiving = false;
	if (session->is_closing) {
		finish_close(session);
		return;
	}
	if (result <= 0) {
		session_close(admin, session);
		return;
	}
	if (session->is_lingering) {
		receive_more(admin, session);
		return;
	}
	session->heard_ms = admin->now_ms;
	session->request_size += (size_t)result;
	parse(admin, session);
}

static void send_rest(struct admin *admin, struct admin_session *session)
{
	session->is_sending = true;
	uring_send_fd(admin->uring, session->fd, session->answer + session->answer_sent,
		      session->answer_size - session->answer_sent,
		      session_tag(admin, session, ADMIN_OP_SEND));
}

/* The answer is out: the next request may be there already. */
static void next_request(struct admin *admin, struct admin_session *session)
{
	size_t rest = session->request_size - session->request_done;

	free(session->answer);
	session->answer = NULL;
	if (session->close_after) {
		shutdown(session->fd, SHUT_WR);
		session->is_lingering = true;
		session->request_size = 0;
		receive_more(admin, session);
		return;
	}
	memmove(session->request, session->request + session->request_done, rest);
	session->request_size = rest;
	session->request_done = 0;
	session->head_only = false;
	parse(admin, session);
}

void session_on_sent(struct admin *admin, struct admin_session *session, int32_t result)
{
	session->is_sending = false;
	if (session->is_closing) {
		finish_close(session);
		return;
	}
	if (result <= 0) {
		session_close(admin, session);
		return;
	}
	session->answer_sent += (size_t)result;
	if (session->answer_sent < session->answer_size)
		send_rest(admin, session);
	else
		next_request(admin, session);
}

void session_answer(struct admin *admin, struct admin_session *session, uint8_t *bytes, size_t size,
		    bool close_after)
{
	ASSERT(!session->is_sending && session->answer == NULL);
	session->answer = bytes;
	session->answer_size = size;
	session->answer_sent = 0;
	session->close_after |= close_after;
	if (session->is_closing)
		finish_close(session);
	else
		send_rest(admin, session);
}

void session_send(struct admin *admin, struct admin_session *session,
		  const struct http_answer *answer)
{
	size_t capacity = ANSWER_HEAD_MAX + answer->body.size;
	uint8_t *bytes = malloc(capacity);
	struct http_answer copy = *answer;
	struct writer writer;

	if (!bytes) {
		session_close(admin, session);
		return;
	}
	copy.close = session->close_after;
	copy.head_only = session->head_only;
	writer_init(&writer, bytes, capacity);
	http_answer_write(&writer, &copy);
	ASSERT(!writer.overflow);
	session_answer(admin, session, bytes, writer.size, false);
}

static const char *extra_of(int status)
{
	switch (status) {
	case 401:
		return "WWW-Authenticate: Bearer\r\n";
	case 503:
		return "Retry-After: 1\r\n";
	default:
		return NULL;
	}
}

void session_refuse(struct admin *admin, struct admin_session *session, int status,
		    const char *code, const char *message)
{
	session_refuse_with(admin, session,
			    &(struct session_refusal){.status = status,
						      .code = code,
						      .message = message,
						      .extra = extra_of(status)});
}

void session_refuse_with(struct admin *admin, struct admin_session *session,
			 const struct session_refusal *refusal)
{
	uint8_t body[REFUSAL_BODY_MAX];
	struct writer writer;

	writer_init(&writer, body, sizeof(body));
	writer_format(&writer, "{\"error\":\"%s\",\"message\":\"%s\"}", refusal->code,
		      refusal->message);
	ASSERT(!writer.overflow);
	session->close_after |= !refusal->keeps;
	session_send(admin, session,
		     &(struct http_answer){
			     .status = refusal->status,
			     .content_type = "application/json",
			     .extra = refusal->extra,
			     .body = writer_written(&writer),
		     });
}
