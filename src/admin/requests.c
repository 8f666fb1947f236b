/* admin/requests.c - which path gets which answer. */
#include <stdlib.h>

#include "admin/admin_state.h"
#include "admin/metrics.h"
#include "wire/http_answer.h"

static void answer_text(struct admin *admin, struct admin_session *session, int status,
			const char *text)
{
	struct http_answer answer = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.extra = status == 503 ? "Cache-Control: no-store\r\nRetry-After: 1\r\n"
				       : "Cache-Control: no-store\r\n",
		.body = slice_of_text(text),
	};

	session_send(admin, session, &answer);
}

static void answer_ready(struct admin *admin, struct admin_session *session)
{
	if (admin->is_draining)
		answer_text(admin, session, 503, "draining\n");
	else if (counter_read(&admin->options.counters->router.log_connected) == 0)
		answer_text(admin, session, 503, "the log cannot be reached\n");
	else
		answer_text(admin, session, 200, "ready\n");
}

static void answer_metrics(struct admin *admin, struct admin_session *session)
{
	size_t capacity = metrics_size_max(admin->options.counters);
	uint8_t *bytes = malloc(capacity);
	struct writer writer;

	if (!bytes) {
		session_close(admin, session);
		return;
	}
	writer_init(&writer, bytes, capacity);
	metrics_write(&writer, admin->options.counters);
	ASSERT(!writer.overflow);
	struct http_answer answer = {
		.status = 200,
		.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
		.extra = "Cache-Control: no-store\r\n",
		.body = writer_written(&writer),
	};

	session_send(admin, session, &answer);
	free(bytes);
}

struct api_key *requests_authorize(struct admin *admin, struct admin_session *session,
				   const struct http_head *head)
{
	struct api_key *key = api_keys_find(&admin->keys, http_head_find(head, "Authorization"));

	if (admin->keys.count == 0)
		session_refuse(admin, session, 401, "no_api_key",
			       "no api_key is configured, so the HTTP API is closed");
	else if (!key)
		session_refuse(admin, session, 401, "api_key",
			       "an API key is required: Authorization: Bearer <api key>");
	return key;
}

void requests_refuse_method(struct admin *admin, struct admin_session *session, bool is_post_path)
{
	static const struct session_refusal refusals[] = {
		{405, "method", "this path answers to GET and HEAD", "Allow: GET, HEAD\r\n", false},
		{405, "method", "this path answers to POST", "Allow: POST\r\n", false},
	};

	session_refuse_with(admin, session, &refusals[is_post_path]);
}

static void take_publish(struct admin *admin, struct admin_session *session,
			 const struct http_head *head, struct slice body)
{
	struct api_key *key;

	if (!slice_equal_text(head->method, "POST")) {
		requests_refuse_method(admin, session, true);
		return;
	}
	key = requests_authorize(admin, session, head);
	if (key)
		publishing_take(admin, session, key, head, body);
}

void requests_take(struct admin *admin, struct admin_session *session, const struct http_head *head,
		   struct slice body)
{
	session->head_only = slice_equal_text(head->method, "HEAD");
	counter_add(&admin->options.counters->admin.requests, 1);
	if (slice_equal_text(head->path, "/api/publish"))
		take_publish(admin, session, head, body);
	else if (asking_take(admin, session, head) ||
		 revocation_requests_take(admin, session, head, body))
		return;
	else if (!slice_equal_text(head->method, "GET") && !slice_equal_text(head->method, "HEAD"))
		requests_refuse_method(admin, session, false);
	else if (slice_equal_text(head->path, "/healthz"))
		answer_text(admin, session, 200, "ok\n");
	else if (slice_equal_text(head->path, "/readyz"))
		answer_ready(admin, session);
	else if (slice_equal_text(head->path, "/metrics"))
		answer_metrics(admin, session);
	else
		session_refuse(admin, session, 404, "not_found", "there is nothing at this path");
}
