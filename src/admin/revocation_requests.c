/* admin/revocation_requests.c - tokens that are not to be taken any more, over HTTP.
 *
 *     POST   /api/revocations        {"user":U}, {"jti":J}, {"issued_before":T} ..., "ttl":seconds
 *     GET    /api/revocations
 *     DELETE /api/revocations/{id}   as the answer to POST gives it; also with / for the first :
 */
#include "admin/admin_state.h"
#include "belfry/query.h"
#include "wire/revocation.h"

#define PATH "/api/revocations"

/* DELETE of user/42 and before/1769337000/42 is that of user:42 and before:1769337000:42: what a
 * slash belongs to is escaped. False: it is no id. */
static bool read_id(struct slice raw, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	uint8_t colons[3 * REVOCATION_ID_MAX];
	struct revocation revocation;

	if (raw.size > sizeof(colons))
		return false;
	for (size_t i = 0; i < raw.size; i++)
		colons[i] = raw.bytes[i] == '/' ? ':' : raw.bytes[i];
	return http_path_decode(slice_of(colons, raw.size), bytes, capacity, ret_size) &&
	       revocation_parse(slice_of(bytes, *ret_size), &revocation);
}

static void refuse(struct admin *admin, struct admin_session *session, int status, const char *code,
		   const char *message)
{
	session_refuse_with(admin, session,
			    &(struct session_refusal){status, code, message, NULL, true});
}

static void ask(struct admin *admin, struct admin_session *session, enum query_type type,
		struct slice subject, uint32_t ttl_s)
{
	struct query *query = asking_create(session, type, subject);

	if (!query) {
		session_refuse(admin, session, 503, "memory", "out of memory");
		return;
	}
	query->limit = ttl_s;
	asking_push(admin, query);
}

static void revoke(struct admin *admin, struct admin_session *session, struct slice body)
{
	uint8_t room[USER_SIZE_MAX], id[REVOCATION_ID_MAX];
	struct revocation revocation;
	struct writer writer;
	uint32_t ttl_s;
	const char *wrong = revocation_read(body, room, &revocation, &ttl_s);

	if (wrong) {
		refuse(admin, session, 400, "bad_revocation", wrong);
		return;
	}
	writer_init(&writer, id, sizeof(id));
	revocation_write(&writer, &revocation);
	ASSERT(!writer.overflow);
	ask(admin, session, QUERY_REVOKE, writer_written(&writer), ttl_s);
}

static void restore(struct admin *admin, struct admin_session *session, struct slice raw)
{
	uint8_t id[REVOCATION_ID_MAX];
	size_t size;

	if (read_id(raw, id, sizeof(id), &size))
		ask(admin, session, QUERY_RESTORE, slice_of(id, size), 0);
	else
		refuse(admin, session, 400, "bad_revocation",
		       "an id is user:U, jti:J, before:T or before:T:U");
}

static void take_one(struct admin *admin, struct admin_session *session,
		     const struct http_head *head)
{
	if (!slice_equal_text(head->method, "DELETE"))
		session_refuse_with(admin, session,
				    &(struct session_refusal){405, "method",
							      "this path answers to DELETE",
							      "Allow: DELETE\r\n", false});
	else if (requests_authorize(admin, session, head))
		restore(admin, session, slice_skip(head->path, sizeof(PATH)));
}

bool revocation_requests_take(struct admin *admin, struct admin_session *session,
			      const struct http_head *head, struct slice body)
{
	bool posts = slice_equal_text(head->method, "POST");

	if (slice_starts_with(head->path, SLICE(PATH "/"))) {
		take_one(admin, session, head);
		return true;
	}
	if (!slice_equal_text(head->path, PATH))
		return false;
	if (!posts && !slice_equal_text(head->method, "GET") &&
	    !slice_equal_text(head->method, "HEAD"))
		session_refuse_with(
			admin, session,
			&(struct session_refusal){405, "method",
						  "this path answers to GET, HEAD and POST",
						  "Allow: GET, HEAD, POST\r\n", false});
	else if (!requests_authorize(admin, session, head))
		return true;
	else if (posts)
		revoke(admin, session, body);
	else
		ask(admin, session, QUERY_REVOCATIONS, SLICE(""), 0);
	return true;
}
