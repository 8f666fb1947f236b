/* shard/socket_io_connect.c - who wants to join, and from where on. */
#include <ctype.h>
#include <stdlib.h>

#include "shard/admission.h"
#include "shard/confirm.h"
#include "shard/receive.h"
#include "shard/resume.h"
#include "shard/send.h"
#include "shard/socket_io_session.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/config_namespace.h"
#include "wire/event_id.h"

#define CODE_SIZE 32
#define OFFSET_SIZE_MAX 64

void socket_io_send_connect_error(struct shard *shard, struct conn *conn, struct slice name_space,
				  const char *message, const char *code)
{
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;

	counter_add(&shard->counters->refusals, 1);
	socket_io_begin(&writer, bytes);
	socket_io_write_connect_error(&writer, name_space, message, code);
	socket_io_send(shard, conn, &writer);
}

/* A code of ours, `token_missing`, in the way of Socket.IO's world, TOKEN_MISSING. */
static void write_code(const char *code, char ret_text[CODE_SIZE])
{
	size_t size = 0;

	for (; code[size] && size < CODE_SIZE - 1; size++)
		ret_text[size] = (char)toupper((unsigned char)code[size]);
	ret_text[size] = '\0';
}

static void refuse_token(struct shard *shard, struct conn *conn, struct slice name_space,
			 enum jwt_result result)
{
	char code[CODE_SIZE];

	write_code(jwt_result_code(result), code);
	socket_io_send_connect_error(shard, conn, name_space,
				     result == JWT_MISSING ? "Authentication token required"
							   : "Invalid authentication token",
				     code);
}

/* ---- who ---- */

/* A member of the auth object that is a string, decoded into `room`. Absent: there is none, or it
 * is empty. */
static struct slice auth_text(const struct socket_io_packet *packet, const char *key, uint8_t *room,
			      size_t capacity)
{
	struct json_value value;
	size_t size;

	if (slice_is_absent(packet->payload) ||
	    !json_find(json_read(packet->payload), key, &value) || value.type != JSON_STRING ||
	    !json_string_decode(value.text, room, capacity, &size) || size == 0)
		return (struct slice){NULL, 0};
	return slice_of(room, size);
}

static struct slice without_scheme(struct slice token)
{
	struct slice scheme = SLICE("Bearer ");

	return slice_starts_with(token, scheme) ? slice_skip(token, scheme.size) : token;
}

/* The auth object's token, else what the request brought. The rooms are those of /ws. */
static enum jwt_result identify(struct shard *shard, struct conn *conn,
				const struct socket_io_packet *packet,
				const struct identity_request *request,
				struct jwt_claims *ret_claims)
{
	int64_t now_s = (int64_t)(shard->unix_ms / 1000);
	uint8_t room[TOKEN_SIZE_MAX];
	struct slice token = auth_text(packet, "token", room, sizeof(room));
	enum jwt_result result;

	(void)conn;
	if (slice_is_absent(token) || shard->config->auth == CONFIG_AUTH_NONE)
		result = identity_of_request(shard->config, &shard->tokens, request, now_s,
					     ret_claims);
	else
		result = tokens_verify(&shard->tokens, without_scheme(token), now_s, ret_claims);
	/* It is closed when the token ends; who came in with one that has ended would be closed
	 * at once, and come again, and again. */
	if (result == JWT_OK && ret_claims->expires_s <= now_s)
		return JWT_EXPIRED;
	return result;
}

/* ---- from where on ---- */

static void key_of(const struct shard *shard, struct slice user, struct slice name_space,
		   struct socket_io_pid_key *ret_key)
{
	*ret_key = (struct socket_io_pid_key){
		.secret = slice_of_text(shard->config->secret_key),
		.user = user,
		.name_space = name_space,
	};
}

/* A client that comes back has everything up to its offset, or, when nothing came, up to where its
 * session began. It may still have the offset of the session before: the later one counts. */
static void read_past(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet,
		      const struct jwt_claims *claims, struct resume *resume)
{
	struct socket_io_session *session = socket_io_session(conn);
	uint8_t pid_room[SOCKET_IO_PID_SIZE], offset_room[OFFSET_SIZE_MAX];
	struct slice text = auth_text(packet, "pid", pid_room, sizeof(pid_room));
	struct slice offset = auth_text(packet, "offset", offset_room, sizeof(offset_room));
	struct socket_io_pid_key key;
	struct socket_io_pid pid;
	struct event_id id;

	key_of(shard, slice_of(claims->user, claims->user_size), packet->name_space, &key);
	session->has_pid = !slice_is_absent(text) && socket_io_pid_read(text, &key, &pid);
	if (session->has_pid) {
		memcpy(session->pid, text.bytes, sizeof(session->pid));
		memcpy(session->sid, pid.sid, sizeof(session->sid));
		resume->after = pid.position;
		if (!slice_is_absent(offset) && event_id_parse(offset, &id) &&
		    event_id_is_after(id, pid.position))
			resume->after = id;
		resume->has_after = !event_id_is_none(resume->after);
		resume->has_identity = resume->has_after;
		memcpy(resume->identity, pid.sid, sizeof(resume->identity));
	}
	session->names_position = resume->has_after;
	session->after = resume->after;
}

/* ---- joining ---- */

static void join(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet,
		 const struct admission *admission, uint32_t number)
{
	struct socket_io_session *session = socket_io_session(conn);

	(void)packet;
	session->number = (uint8_t)number;
	session->phase = SOCKET_IO_JOINING;
	conn->encoding = (uint8_t)(ENCODING_SOCKET_IO + number);
	counter_subtract(&shard->counters->connections, 1); /* until the router knows it */
	conn->state = CONN_HEAD;
	if (!admission_enter(shard, conn, admission)) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	timers_arm(shard, conn, shard->config->handshake_timeout_ms);
}

static void admit(struct shard *shard, struct conn *conn, const struct socket_io_packet *packet,
		  uint32_t number, const struct http_head *head)
{
	struct route_match match;
	struct resume resume = {.has_after = false};
	struct jwt_claims claims;
	struct identity_request request = {
		.head = head,
		.protocols = http_head_find(head, "Sec-WebSocket-Protocol"),
		.match = &match,
	};
	struct admission admission = {.claims = &claims, .match = &match, .resume = &resume};
	bool is_route = route_find(SLICE("/ws"), &match);
	enum jwt_result result;

	ASSERT(is_route);
	result = identify(shard, conn, packet, &request, &claims);
	if (result != JWT_OK) {
		refuse_token(shard, conn, packet->name_space, result);
		return;
	}
	if (!resume_read(head, &resume)) {
		socket_io_send_connect_error(shard, conn, packet->name_space,
					     "device must be 1 to 64 printable characters",
					     "BAD_DEVICE");
		return;
	}
	read_past(shard, conn, packet, &claims, &resume);
	join(shard, conn, packet, &admission, number);
}

void socket_io_on_connect(struct shard *shard, struct conn *conn,
			  const struct socket_io_packet *packet)
{
	struct socket_io_session *session = socket_io_session(conn);
	struct http_head head = {.headers_count = 0};
	uint32_t number;

	ASSERT(session->phase == SOCKET_IO_WAITING);
	if (!config_namespace_find(shard->config, packet->name_space, &number)) {
		socket_io_send_connect_error(shard, conn, packet->name_space, "Invalid namespace",
					     NULL);
		return;
	}
	if (session->request && http_head_parse(slice_of(session->request, session->request_size),
						session->request_size, &head) != HTTP_HEAD_COMPLETE)
		ASSERT(!"what was remembered is a request");
	admit(shard, conn, packet, number, &head);
}

/* ---- the router's answer ---- */

/* The position that a session without events comes back to. */
static struct event_id beginning(const struct socket_io_session *session,
				 const struct attached *attached)
{
	if (attached->replayed == 0)
		return attached->last;
	return session->names_position ? session->after : (struct event_id){0, 0};
}

static void begin_session(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	struct socket_io_session *session = socket_io_session(conn);
	struct socket_io_pid pid = {.position = beginning(session, attached)};
	struct socket_io_pid_key key;

	key_of(shard, subscriptions_user(shard, conn), socket_io_name_space(shard, conn), &key);
	subscriptions_connection_id(shard, conn, session->sid);
	memcpy(pid.sid, session->sid, sizeof(pid.sid));
	socket_io_pid_write(&pid, &key, session->pid);
}

void socket_io_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	struct socket_io_session *session = socket_io_session(conn);
	bool is_recovered = session->has_pid && session->names_position && attached->recovered;
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;

	admission_settle(shard, conn, attached);
	session->phase = SOCKET_IO_JOINED;
	free(session->request);
	session->request = NULL;
	if (!is_recovered)
		begin_session(shard, conn, attached);
	socket_io_begin(&writer, bytes);
	socket_io_write_connect(&writer, socket_io_name_space(shard, conn),
				slice_of(session->sid, sizeof(session->sid)),
				slice_of(session->pid, sizeof(session->pid)));
	socket_io_send(shard, conn, &writer);
	if (attached->has_unread)
		socket_io_send_count(shard, conn, attached->unread);
	if (is_recovered)
		confirm_on_ack(shard, conn, session->after);
	timers_start_heartbeat(shard, conn);
	if (conn_has(conn, CONN_UNREAD))
		receive_queue(shard, conn);
}

/* A client whose only namespace is refused ends the connection itself. */
void socket_io_on_refused(struct shard *shard, struct conn *conn)
{
	const struct refusal *refusal = admission_refusal(conn);
	bool is_revoked = refusal->reason == CLOSE_REVOKED;

	socket_io_send_connect_error(shard, conn, socket_io_name_space(shard, conn),
				     is_revoked ? "Invalid authentication token"
						: "Too many connections",
				     is_revoked ? "TOKEN_REVOKED" : "TOO_MANY_CONNECTIONS");
	conn_close(shard, conn, refusal->reason);
}
