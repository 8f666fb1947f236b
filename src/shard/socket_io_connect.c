/* shard/socket_io_connect.c - who wants to join, and from where on. */
#include <ctype.h>
#include <stdlib.h>

#include "shard/admission.h"
#include "shard/confirm.h"
#include "shard/postponed.h"
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
#define REFUSALS_MAX 16 /* CONNECTs of one transport; a token is looked at for each */

void socket_io_send_connect_error(struct shard *shard, struct conn *conn, struct slice name_space,
				  const char *message, const char *code)
{
	struct socket_io_session *session = socket_io_session(conn);
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;

	counter_add(&shard->counters->refusals, 1);
	if (session->refusals++ >= REFUSALS_MAX) {
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
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

/* The auth object's token; absent: what the request brought counts. */
static struct slice token_of(const struct config *config, const struct socket_io_packet *packet,
			     uint8_t room[TOKEN_SIZE_MAX])
{
	struct slice token = auth_text(packet, "token", room, TOKEN_SIZE_MAX);
	struct slice scheme = SLICE("Bearer ");

	if (config->auth == CONFIG_AUTH_NONE)
		return (struct slice){NULL, 0};
	return slice_starts_with(token, scheme) ? slice_skip(token, scheme.size) : token;
}

static bool must_wait(const struct shard *shard, const struct identity_request *request,
		      struct slice token)
{
	if (slice_is_absent(token))
		return identity_must_wait(shard->config, &shard->tokens, request);
	return tokens_must_wait(&shard->tokens, token);
}

static enum jwt_result identify(struct shard *shard, const struct identity_request *request,
				struct slice token, struct jwt_claims *ret_claims)
{
	int64_t now_s = (int64_t)(shard->unix_ms / 1000);
	enum jwt_result result;

	if (slice_is_absent(token))
		result = identity_of_request(shard->config, &shard->tokens, request, now_s,
					     ret_claims);
	else
		result = tokens_verify(&shard->tokens, token, now_s, ret_claims);
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
		resume->has_after = !pid.by_cursor;
		if (!slice_is_absent(offset) && event_id_parse(offset, &id) &&
		    (pid.by_cursor || event_id_is_after(id, pid.position))) {
			resume->after = id;
			resume->has_after = true;
		}
		resume->has_identity = resume->has_after;
		memcpy(resume->identity, pid.sid, sizeof(resume->identity));
	}
	session->names_position = resume->has_after;
	session->after = resume->after;
}

/* ---- joining ---- */

static void join(struct shard *shard, struct conn *conn, const struct admission *admission,
		 uint32_t number)
{
	struct socket_io_session *session = socket_io_session(conn);

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

/* A CONNECT that is looked at. */
struct joining {
	const struct socket_io_packet *packet;
	struct slice source;   /* its text with the `4` before it */
	struct http_head head; /* what was remembered of the request */
	uint32_t number;       /* of the namespace */
};

/* The rooms are those of /ws. */
static void admit(struct shard *shard, struct conn *conn, const struct joining *joining,
		  const struct jwt_claims *claims, const struct route_match *match)
{
	struct resume resume = {.has_after = false};
	struct admission admission = {.claims = claims, .match = match, .resume = &resume};

	if (!resume_read(&joining->head, &resume)) {
		socket_io_send_connect_error(shard, conn, joining->packet->name_space,
					     "device must be 1 to 64 printable characters",
					     "BAD_DEVICE");
		return;
	}
	read_past(shard, conn, joining->packet, claims, &resume);
	join(shard, conn, &admission, joining->number);
}

static void check_token(struct shard *shard, struct conn *conn, const struct joining *joining)
{
	struct route_match match;
	struct identity_request request = {
		.head = &joining->head,
		.protocols = http_head_find(&joining->head, "Sec-WebSocket-Protocol"),
		.match = &match,
	};
	uint8_t room[TOKEN_SIZE_MAX];
	struct slice token = token_of(shard->config, joining->packet, room);
	struct jwt_claims claims;
	enum jwt_result result;
	bool is_route = route_find(SLICE("/ws"), &match);

	ASSERT(is_route);
	if (must_wait(shard, &request, token)) {
		postponed_add_message(shard, conn, joining->source);
		return;
	}
	result = identify(shard, &request, token, &claims);
	if (result == JWT_OK)
		admit(shard, conn, joining, &claims, &match);
	else
		refuse_token(shard, conn, joining->packet->name_space, result);
}

void socket_io_on_connect(struct shard *shard, struct conn *conn,
			  const struct socket_io_packet *packet, struct slice source)
{
	const struct socket_io_session *session = socket_io_session(conn);
	struct slice request = slice_of(session->request, session->request_size);
	struct joining joining = {.packet = packet, .source = source};

	ASSERT(session->phase == SOCKET_IO_WAITING);
	if (!config_namespace_find(shard->config, packet->name_space, &joining.number)) {
		socket_io_send_connect_error(shard, conn, packet->name_space, "Invalid namespace",
					     NULL);
		return;
	}
	if (session->request) {
		int status = http_head_parse(request, request.size, &joining.head);

		ASSERT(status == HTTP_HEAD_COMPLETE);
	}
	check_token(shard, conn, &joining);
}

/* ---- the router's answer ---- */

/* From where on a session without events comes back. */
static void find_beginning(const struct socket_io_session *session, const struct attached *attached,
			   struct socket_io_pid *pid)
{
	pid->position = attached->replayed == 0 ? attached->last : session->after;
	pid->by_cursor = attached->replayed > 0 && !session->names_position;
}

static void begin_session(struct shard *shard, struct conn *conn, const struct attached *attached)
{
	struct socket_io_session *session = socket_io_session(conn);
	struct socket_io_pid pid;
	char name[SUBSCRIPTIONS_CONN_SIZE];
	struct socket_io_pid_key key;

	key_of(shard, subscriptions_user(shard, conn), socket_io_name_space(shard, conn), &key);
	/* Its own id, also when it has taken up another: another pid than the one before says that
	 * something is missing. */
	find_beginning(session, attached, &pid);
	subscriptions_conn_name(shard, conn, name);
	memcpy(session->sid, name + sizeof(name) - CONNECTION_ID_SIZE, sizeof(session->sid));
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

/* An app is told what a new attempt would not change; else its client is to try again, which it
 * does when the transport ends. */
void socket_io_on_refused(struct shard *shard, struct conn *conn)
{
	const struct refusal *refusal = admission_refusal(conn);
	struct slice name_space = socket_io_name_space(shard, conn);

	if (refusal->reason == CLOSE_REVOKED)
		socket_io_send_connect_error(shard, conn, name_space,
					     "Invalid authentication token", "TOKEN_REVOKED");
	else if (refusal->reason == CLOSE_USER_LIMIT)
		socket_io_send_connect_error(shard, conn, name_space, "Too many connections",
					     "TOO_MANY_CONNECTIONS");
	conn_close(shard, conn, refusal->reason);
}
