/* admin/asking.c - what is asked of the router over HTTP: path in, query out, its answer back.
 *
 *     GET  /api/channels/{channel}/history?after=&limit=
 *     GET  /api/users/{id}/presence
 *     GET  /api/users/{id}/unread
 *     POST /api/users/{id}/disconnect
 *     GET  /api/connections/{id}
 *
 * A part in braces is percent-decoded; a slash in it is %2F. HEAD is answered where GET is.
 */
#include <stdlib.h>

#include "admin/admin_state.h"
#include "belfry/query.h"
#include "wire/channel_name.h"
#include "wire/event_id.h"
#include "wire/http_answer.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 1000u

struct asking_path {
	const char *before; /* what stands before the subject, and behind it */
	const char *behind;
	enum query_type type;
	bool posts;
	size_t subject_size_max;
	const char *wrong_subject;
};

static const char wrong_channel[] =
	"channel must be 1 to 255 bytes of UTF-8 without blanks, commas and control characters";
static const char wrong_user[] =
	"user must be 1 to 250 bytes of UTF-8 without blanks, commas and control characters";
static const char wrong_connection[] =
	"connection must be the connection_id that a client was told";

static const struct asking_path paths[] = {
	{"/api/channels/", "/history", QUERY_HISTORY, false, CHANNEL_SIZE_MAX, wrong_channel},
	{"/api/users/", "/presence", QUERY_PRESENCE, false, USER_SIZE_MAX, wrong_user},
	{"/api/users/", "/unread", QUERY_UNREAD, false, USER_SIZE_MAX, wrong_user},
	{"/api/users/", "/disconnect", QUERY_DISCONNECT, true, USER_SIZE_MAX, wrong_user},
	{"/api/connections/", "", QUERY_CONNECTION, false, USER_SIZE_MAX, wrong_connection},
};

/* ---- the question ---- */

/* What stands between `before` and `behind`, as sent; absent: the path is another. */
static struct slice subject_of(const struct asking_path *path, struct slice text)
{
	const struct slice absent = {NULL, 0};
	struct slice before = slice_of_text(path->before);
	struct slice behind = slice_of_text(path->behind);

	if (text.size < before.size + behind.size || !slice_starts_with(text, before))
		return absent;
	if (!slice_equal(slice_skip(text, text.size - behind.size), behind))
		return absent;
	text = slice_of(text.bytes + before.size, text.size - before.size - behind.size);
	return memchr(text.bytes, '/', text.size) ? absent : text;
}

/* The query, with its subject behind it in the same block. */
struct query *asking_create(struct admin_session *session, enum query_type type,
			    struct slice subject)
{
	struct query *query = malloc(sizeof(*query) + subject.size);
	uint8_t *bytes = (uint8_t *)(query + 1);

	if (!query)
		return NULL;
	if (subject.size > 0)
		memcpy(bytes, subject.bytes, subject.size);
	*query = (struct query){
		.type = type,
		.request = session,
		.subject = slice_of(bytes, subject.size),
		.limit = LIMIT_DEFAULT,
	};
	return query;
}

void asking_push(struct admin *admin, struct query *query)
{
	struct admin_session *session = query->request;

	session->is_waiting = true;
	counter_add(&admin->options.counters->admin.queries, 1);
	admin_push(admin, admin->options.queries, &query);
}

static void destroy(struct query *query)
{
	free(query->body);
	free(query);
}

/* NULL, or what is wrong. */
static const char *read_limit(struct slice text, uint32_t *ret_limit)
{
	uint64_t limit;

	if (slice_is_absent(text))
		return NULL;
	if (!slice_to_u64(text, &limit) || limit < 1 || limit > LIMIT_MAX)
		return "limit must be a number from 1 to 1000";
	*ret_limit = (uint32_t)limit;
	return NULL;
}

static const char *read_after(struct slice text, struct event_id *ret_after)
{
	uint8_t bytes[EVENT_ID_TEXT_MAX];
	size_t size;

	if (slice_is_absent(text))
		return NULL;
	if (!http_percent_decode(text, bytes, sizeof(bytes), &size) ||
	    !event_id_parse(slice_of(bytes, size), ret_after))
		return "after must be an event id";
	return NULL;
}

static const char *read_parameters(struct query *query, struct slice text)
{
	const char *wrong = NULL;

	if (query->type != QUERY_HISTORY)
		return NULL;
	wrong = read_after(http_query_find(text, "after"), &query->after);
	return wrong ? wrong : read_limit(http_query_find(text, "limit"), &query->limit);
}

static void refuse(struct admin *admin, struct admin_session *session, const char *wrong)
{
	session_refuse_with(admin, session,
			    &(struct session_refusal){
				    .status = 400,
				    .code = "bad_parameter",
				    .message = wrong,
				    .keeps = true,
			    });
}

static void ask(struct admin *admin, struct admin_session *session, const struct asking_path *path,
		struct slice raw, struct slice parameters)
{
	uint8_t bytes[CHANNEL_SIZE_MAX];
	size_t size;
	struct query *query;
	const char *wrong;

	ASSERT(path->subject_size_max <= sizeof(bytes));
	if (!http_path_decode(raw, bytes, path->subject_size_max, &size) ||
	    !channel_name_is_valid(slice_of(bytes, size))) {
		refuse(admin, session, path->wrong_subject);
		return;
	}
	query = asking_create(session, path->type, slice_of(bytes, size));
	if (!query) {
		session_refuse(admin, session, 503, "memory", "out of memory");
		return;
	}
	wrong = read_parameters(query, parameters);
	if (wrong) {
		refuse(admin, session, wrong);
		destroy(query);
		return;
	}
	asking_push(admin, query);
}

static bool has_method(const struct asking_path *path, const struct http_head *head)
{
	if (path->posts)
		return slice_equal_text(head->method, "POST");
	return slice_equal_text(head->method, "GET") || slice_equal_text(head->method, "HEAD");
}

bool asking_take(struct admin *admin, struct admin_session *session, const struct http_head *head)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct slice subject = subject_of(&paths[i], head->path);

		if (slice_is_absent(subject))
			continue;
		if (!has_method(&paths[i], head))
			requests_refuse_method(admin, session, paths[i].posts);
		else if (requests_authorize(admin, session, head))
			ask(admin, session, &paths[i], subject, head->query);
		return true;
	}
	return false;
}

/* ---- the answer ---- */

static const char *extra_of(int status)
{
	return status == 429 || status == 503 ? "Cache-Control: no-store\r\nRetry-After: 1\r\n"
					      : "Cache-Control: no-store\r\n";
}

static void answer(struct admin *admin, const struct query *query)
{
	struct admin_session *session = query->request;
	struct http_answer http = {
		.status = query->status,
		.content_type = "application/json",
		.extra = extra_of(query->status),
		.body = slice_of(query->body, query->body_size),
	};

	ASSERT(session->is_waiting && query->status != 0);
	session->is_waiting = false;
	if (session->is_closing)
		session_close(admin, session);
	else if (query->body)
		session_send(admin, session, &http);
	else
		session_refuse(admin, session, 503, "memory", "out of memory");
}

void asking_drain(struct admin *admin)
{
	struct query *query;

	while (ring_pop(&admin->options.answers->ring, &query)) {
		answer(admin, query);
		destroy(query);
	}
}

void asking_abandon(struct admin *admin)
{
	struct query *query;

	while (ring_pop(&admin->options.queries->ring, &query))
		destroy(query);
	while (ring_pop(&admin->options.answers->ring, &query))
		destroy(query);
}
