/* admin/requests.c - which path gets which answer. */
#include <stdlib.h>

#include "admin/admin_state.h"
#include "admin/metrics.h"
#include "wire/digest.h"
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

/* The request carries one of the API keys. Every key is compared, in constant time each. */
static bool has_api_key(const struct admin *admin, const struct http_head *head)
{
	struct slice value = http_head_find(head, "Authorization");
	struct slice scheme = slice_cut(&value, ' ');
	bool found = false;

	if (slice_is_absent(scheme) || slice_is_absent(value) ||
	    !slice_equal_fold(scheme, SLICE("Bearer")))
		return false;
	value = slice_trim(value);
	for (uint32_t i = 0; i < admin->config->api_key.count; i++)
		found |= digest_equal(slice_of_text(admin->config->api_key.items[i]), value);
	return found;
}

static const struct session_refusal only_post = {
	405,
	"method",
	"publishing is done with POST",
	"Allow: POST\r\n",
};
static const struct session_refusal only_get = {
	405,
	"method",
	"this path answers to GET and HEAD",
	"Allow: GET, HEAD\r\n",
};

static void take_publish(struct admin *admin, struct admin_session *session,
			 const struct http_head *head, struct slice body)
{
	if (!slice_equal_text(head->method, "POST"))
		session_refuse_with(admin, session, &only_post);
	else if (admin->config->api_key.count == 0)
		session_refuse(admin, session, 401, "no_api_key",
			       "no api_key is configured, so nobody may publish over HTTP");
	else if (!has_api_key(admin, head))
		session_refuse(admin, session, 401, "api_key",
			       "an API key is required: Authorization: Bearer <api key>");
	else
		publishing_take(admin, session, head, body);
}

void requests_take(struct admin *admin, struct admin_session *session, const struct http_head *head,
		   struct slice body)
{
	bool is_publish = slice_equal_text(head->path, "/api/publish");

	session->head_only = slice_equal_text(head->method, "HEAD");

	if (is_publish)
		take_publish(admin, session, head, body);
	else if (!slice_equal_text(head->method, "GET") && !slice_equal_text(head->method, "HEAD"))
		session_refuse_with(admin, session, &only_get);
	else if (slice_equal_text(head->path, "/healthz"))
		answer_text(admin, session, 200, "ok\n");
	else if (slice_equal_text(head->path, "/readyz"))
		answer_ready(admin, session);
	else if (slice_equal_text(head->path, "/metrics"))
		answer_metrics(admin, session);
	else
		session_refuse(admin, session, 404, "not_found", "there is nothing at this path");
}
