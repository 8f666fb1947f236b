/* shard/engine_poll.c - requests of sessions: opened, held, answered. */
#include "shard/engine_poll.h"

#include <stdlib.h>

#include "shard/admission.h"
#include "shard/http.h"
#include "shard/move.h"
#include "shard/peer.h"
#include "shard/engine_answer.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/socket_io.h"
#include "shard/timers.h"
#include "shard/engine_upgrade.h"
#include "wire/engine_io.h"
#include "wire/http_answer.h"
#include "wire/http_head.h"
#include "wire/engine_payload.h"
#include "wire/utf8.h"

#define PATH "/socket.io"

static const struct refusal overload = {
	{503, "overload", "this node has as many connections as it takes", NULL},
	CLOSE_OVERLOAD,
};
static const struct refusal forbidden = {
	{403, "origin", "pages of this origin may not connect", NULL},
	CLOSE_NOT_ALLOWED,
};

/* A request while it is looked at. */
struct request {
	struct engine_asked asked;
	struct slice bytes; /* the head and all behind it */
	uint64_t body_size;
	size_t taken; /* of the bytes */
};

bool engine_poll_is_for(const struct http_head *head)
{
	return (slice_equal_text(head->path, PATH) || slice_equal_text(head->path, PATH "/")) &&
	       !slice_equal_text(head->method, "OPTIONS");
}

static void refuse(struct request *request, enum engine_io_error error)
{
	engine_answer_refuse(&request->asked, error);
	request->taken = request->bytes.size;
}

/* ---- GET ---- */

/* Moves packets from the session's outbox to the writer, as many as one answer takes. */
static void take_packets(struct conn *session, struct writer *writer)
{
	while (session->outbox) {
		struct slice frames = outbox_first(session->outbox);
		size_t done = engine_payload_write(writer, frames, POLL_ANSWER_SIZE);

		if (done > 0)
			outbox_consume(&session->outbox, done);
		if (done < frames.size)
			return;
	}
}

/* Its client probes: the GET must end so that the client can go over. */
static bool wants_noop(struct shard *shard, const struct engine_session *record)
{
	return record->probe != PARTNER_NONE &&
	       conn_has(conn_at(shard, record->probe), CONN_PROBED);
}

static void answer_get(struct shard *shard, struct conn *session, struct conn *get)
{
	bool is_last = session->state == CONN_CLOSING;
	size_t capacity = outbox_size(session->outbox) + 2;
	uint8_t *bytes = arena_take(&shard->arena, capacity);
	struct writer writer;

	if (!bytes) {
		conn_close_join(shard, get, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, capacity);
	take_packets(session, &writer);
	is_last = is_last && !session->outbox;
	if (is_last)
		engine_io_add(&writer, SLICE("1"));
	else if (writer.size == 0)
		engine_io_add(&writer, SLICE("6"));
	ASSERT(!writer.overflow);
	engine_answer_packets(shard, get, writer_written(&writer));
	if (is_last)
		conn_close_join(shard, session, (enum close_reason)session->reason);
	else if (!session->outbox)
		send_on_drained(shard, session);
}

void engine_poll_flush(struct shard *shard, struct conn *session)
{
	const struct engine_session *record = engine_session_of(shard, session);
	struct conn *get;

	if (record->get == PARTNER_NONE) {
		if (!session->outbox && session->state == CONN_OPEN)
			send_on_drained(shard, session);
		return;
	}
	get = conn_at(shard, record->get);
	if (session->outbox || session->state == CONN_CLOSING || wants_noop(shard, record))
		answer_get(shard, session, get);
	else if (conn_has(get, CONN_HUNG_UP))
		conn_close_join(shard, get, CLOSE_PEER_GONE);
	else if (session->state == CONN_OPEN)
		send_on_drained(shard, session);
}

/* Makes the connection a carrier, with all that its answer needs. False: it was closed. */
static bool carry(struct request *request, struct conn *session, uint16_t *ret_place)
{
	struct conn *conn = request->asked.conn;

	if (!engine_answer_prepare(&request->asked)) {
		conn_close_join(request->asked.shard, conn, CLOSE_NO_MEMORY);
		return false;
	}
	conn->inbound->body_size = (size_t)request->body_size;
	engine_session_bind(request->asked.shard, session, conn, ret_place);
	return true;
}

/* Two at a time: the client is out of step, and the session is over. */
static void refuse_overlap(struct request *request, struct conn *session)
{
	refuse(request, ENGINE_IO_ERROR_REQUEST);
	conn_close(request->asked.shard, session, CLOSE_PROTOCOL);
}

static void on_get(struct request *request, struct conn *session)
{
	struct engine_session *record = engine_session_of(request->asked.shard, session);

	if (record->get != PARTNER_NONE) {
		refuse_overlap(request, session);
		return;
	}
	if (request->body_size > 0) {
		refuse(request, ENGINE_IO_ERROR_REQUEST);
		return;
	}
	if (!carry(request, session, &record->get))
		return;
	wheel_disarm(&request->asked.shard->wheel,
		     conn_slot(request->asked.shard, request->asked.conn));
	send_queue(request->asked.shard, session);
}

/* ---- POST ---- */

bool engine_poll_reads(const struct conn *conn)
{
	ASSERT(conn->state == CONN_SERVING && conn->inbound != NULL);
	return conn->inbound->size < conn->inbound->body_size;
}

/* Gives the session the packets of a body that is there whole, in order, while it takes some.
 * True: it has had all of them. */
static bool give_packets(struct shard *shard, struct conn *session, struct inbound *in)
{
	while (in->body_taken <= in->body_size && session->state < CONN_CLOSING) {
		struct slice rest =
			slice_of(in->bytes + in->body_taken, in->body_size - in->body_taken);
		struct slice packet = slice_cut(&rest, ENGINE_IO_SEPARATOR);

		if (receive_must_wait(shard, session))
			return false;
		in->body_taken += packet.size + 1;
		socket_io_on_packet(shard, session, packet);
	}
	return true;
}

void engine_poll_resume(struct shard *shard, struct conn *session)
{
	const struct engine_session *record = engine_session_of(shard, session);
	struct conn *post;

	if (record->post == PARTNER_NONE || session->state == CONN_FINISHING)
		return;
	post = conn_at(shard, record->post);
	if (engine_poll_reads(post))
		return;
	if (!give_packets(shard, session, post->inbound)) {
		receive_queue(shard, session); /* whoever ends its wait looks again */
		return;
	}
	engine_answer_give(shard, post,
			   &(struct http_answer){.status = 200,
						 .content_type = "text/html",
						 .body = SLICE("ok")});
}

/* The body is there whole. */
static void on_body(struct shard *shard, struct conn *conn)
{
	const struct inbound *in = conn->inbound;
	struct conn *session = conn_at(shard, conn->partner);

	wheel_disarm(&shard->wheel, conn_slot(shard, conn));
	if (utf8_is_valid(slice_of(in->bytes, in->body_size))) {
		engine_poll_resume(shard, session);
		return;
	}
	engine_answer_fail(shard, conn, ENGINE_IO_ERROR_REQUEST);
	conn_close(shard, session, CLOSE_NOT_UTF8);
}

void engine_poll_on_bytes(struct shard *shard, struct conn *conn, struct slice bytes)
{
	bool was_reading = engine_poll_reads(conn);

	if (conn_store(conn, bytes, SIZE_MAX) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	else if (was_reading && !engine_poll_reads(conn))
		on_body(shard, conn);
	else if (was_reading)
		timers_arm(shard, conn, shard->config->handshake_timeout_ms);
}

void engine_poll_on_timer(struct shard *shard, struct conn *conn)
{
	conn_close(shard, conn, CLOSE_HANDSHAKE);
}

/* What can be told of a body by its head. Errors of a client that cannot be taken at its word
 * end the session, since it would end its own. */
static bool check_post(struct request *request, struct conn *session)
{
	struct slice type = http_head_find(request->asked.head, "Content-Type");
	struct slice main_type = slice_is_absent(type) ? type : slice_trim(slice_cut(&type, ';'));

	if (slice_equal_fold(main_type, SLICE("application/octet-stream")) ||
	    request->body_size == 0) {
		refuse(request, ENGINE_IO_ERROR_REQUEST);
	} else if (request->body_size > request->asked.shard->config->max_client_message) {
		engine_answer_too_large(&request->asked);
		request->taken = request->bytes.size;
	} else {
		return true;
	}
	conn_close(request->asked.shard, session, CLOSE_PROTOCOL);
	return false;
}

static void on_post(struct request *request, struct conn *session)
{
	struct shard *shard = request->asked.shard;
	struct conn *conn = request->asked.conn;
	struct engine_session *record = engine_session_of(shard, session);
	struct slice behind = slice_skip(request->bytes, request->asked.head->head_size);

	if (record->post != PARTNER_NONE) {
		refuse_overlap(request, session);
		return;
	}
	if (!check_post(request, session) || !carry(request, session, &record->post))
		return;
	if (behind.size > request->body_size)
		behind.size = (size_t)request->body_size;
	request->taken += behind.size;
	if (behind.size < request->body_size &&
	    http_head_has_token(request->asked.head, "Expect", "100-continue"))
		send_bytes(shard, conn, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
	engine_poll_on_bytes(shard, conn, behind);
}

/* ---- requests ---- */

static void on_session_request(struct request *request, struct slice sid, bool is_websocket)
{
	struct shard *shard = request->asked.shard;
	uint32_t at_shard;
	struct conn *session;

	if (!engine_session_locate(shard, sid, &at_shard)) {
		refuse(request, ENGINE_IO_ERROR_SESSION);
		return;
	}
	if (at_shard != shard->index) {
		move_begin(shard, request->asked.conn, at_shard, request->bytes);
		request->taken = request->bytes.size;
		return;
	}
	session = engine_session_find(shard, sid);
	if (!session)
		refuse(request, ENGINE_IO_ERROR_SESSION);
	else if (conn_has_socket(session))
		refuse(request, ENGINE_IO_ERROR_REQUEST);
	else if (is_websocket)
		engine_upgrade_on_request(&request->asked, session);
	else if (slice_equal_text(request->asked.head->method, "GET"))
		on_get(request, session);
	else if (slice_equal_text(request->asked.head->method, "POST"))
		on_post(request, session);
	else
		refuse(request, ENGINE_IO_ERROR_REQUEST);
}

/* For limits per address: a session is one connection, wherever its polls come from. */
static void note_client(const struct request *request, const struct conn *session)
{
	const struct engine_asked *asked = &request->asked;
	struct engine_session *record = engine_session_of(asked->shard, session);
	struct peer peer = peer_of_request(asked->shard, asked->conn, asked->head);

	record->client = peer.ip;
	record->is_limited = peer.is_limited;
}

/* A session begins, and this request fetches its first packet. */
static void on_handshake(struct request *request)
{
	struct shard *shard = request->asked.shard;
	struct conn *session = engine_session_open(shard);

	if (!session) {
		http_refuse(shard, request->asked.conn, &admission_no_memory.http);
		request->taken = request->bytes.size;
		return;
	}
	note_client(request, session);
	conn_set(session, CONN_HELD);
	socket_io_open(shard, session, SOCKET_IO_POLLING);
	if (session->state == CONN_OPEN && !socket_io_remember(session, request->asked.head))
		conn_close_join(shard, session, CLOSE_NO_MEMORY);
	if (session->state < CONN_CLOSING)
		on_get(request, session);
	else
		http_refuse(shard, request->asked.conn, &admission_no_memory.http);
}

/* A session that is there asks again: neither a handshake nor a token, but still a socket and a
 * page. */
static const struct refusal *check_again(const struct engine_asked *asked)
{
	if (asked->conn->verdict != HANDOFF_ADMIT)
		return &overload;
	return identity_allows_origin(asked->shard->config, asked->head) ? NULL : &forbidden;
}

/* False: it was refused. */
static bool is_admitted(struct request *request, bool is_new)
{
	const struct engine_asked *asked = &request->asked;
	const struct refusal *refusal =
		is_new ? admission_check_socket(asked->shard, asked->conn, asked->head)
		       : check_again(asked);

	if (!refusal)
		return true;
	if (refusal->reason == CLOSE_NOT_ALLOWED)
		refuse(request, ENGINE_IO_ERROR_FORBIDDEN);
	else
		http_refuse(asked->shard, asked->conn, &refusal->http);
	request->taken = request->bytes.size;
	return false;
}

static void on_new_request(struct request *request, bool is_websocket)
{
	const struct http_head *head = request->asked.head;

	if (!slice_equal_text(head->method, "GET"))
		refuse(request, ENGINE_IO_ERROR_METHOD);
	else if (!slice_equal_text(http_query_find(head->query, "EIO"), "4"))
		refuse(request, ENGINE_IO_ERROR_VERSION);
	else if (is_websocket && !http_head_has_token(head, "Upgrade", "websocket"))
		refuse(request, ENGINE_IO_ERROR_REQUEST);
	else if (is_websocket)
		socket_io_on_request(request->asked.shard, request->asked.conn, head);
	else if (is_admitted(request, true))
		on_handshake(request);
}

size_t engine_poll_on_request(struct shard *shard, struct conn *conn, const struct http_head *head,
			      struct slice bytes)
{
	struct request request = {
		.asked = {.shard = shard, .conn = conn, .head = head},
		.bytes = bytes,
		.taken = head->head_size,
	};
	struct slice sid = http_query_find(head->query, "sid");
	struct slice transport = http_query_find(head->query, "transport");
	bool is_websocket = slice_equal_text(transport, "websocket");

	bool has_body = http_head_body_size(head, &request.body_size);

	request.asked.is_whole = has_body && bytes.size - head->head_size >= request.body_size;
	if (!has_body)
		refuse(&request, ENGINE_IO_ERROR_REQUEST);
	else if (!is_websocket && !slice_equal_text(transport, "polling"))
		refuse(&request, ENGINE_IO_ERROR_TRANSPORT);
	else if (sid.size == 0)
		on_new_request(&request, is_websocket);
	else if (is_admitted(&request, false))
		on_session_request(&request, sid, is_websocket);
	return request.taken;
}

/* ---- the end of a session, and of its polling ---- */

void engine_poll_release(struct shard *shard, struct conn *session)
{
	const struct engine_session *record = engine_session_of(shard, session);

	if (record->get != PARTNER_NONE)
		engine_answer_packets(shard, conn_at(shard, record->get), SLICE("6"));
	if (record->post != PARTNER_NONE)
		engine_answer_fail(shard, conn_at(shard, record->post), ENGINE_IO_ERROR_REQUEST);
}

void engine_poll_let_go(struct shard *shard, struct conn *session)
{
	const struct engine_session *record = engine_session_of(shard, session);

	if (record->get != PARTNER_NONE)
		engine_answer_packets(shard, conn_at(shard, record->get), SLICE("1"));
	if (record->post != PARTNER_NONE)
		engine_answer_fail(shard, conn_at(shard, record->post), ENGINE_IO_ERROR_SESSION);
	if (record->probe != PARTNER_NONE)
		conn_close(shard, conn_at(shard, record->probe), CLOSE_GOING_AWAY);
}
