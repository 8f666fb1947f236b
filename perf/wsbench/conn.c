/* wsbench/conn.c - opening, reading, closing. */
#include "wsbench/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wsbench/inbound.h"
#include "wsbench/stopwatch.h"
#include "wsbench/talk.h"

#define RETRY_PAUSE_NS (100 * NS_PER_MS)
#define NO_CLOSE_CODE 1005u /* RFC 6455 section 7.4.1 */

static bool is_opening(const struct conn *conn)
{
	return conn->state == CONN_OPENING || conn->state == CONN_GREETING;
}

static bool is_raw(const struct flotilla *flotilla)
{
	return flotilla->plan->requests == NULL;
}

static void drop_bytes(struct conn *conn)
{
	free(conn->bytes);
	conn->bytes = NULL;
	conn->bytes_size = 0;
}

/* ---- opening ---- */

static void keep_request(struct flotilla *flotilla, struct conn *conn, uint32_t client)
{
	uint8_t bytes[REQUEST_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	requests_write(flotilla->plan->requests, client, conn->position, &writer);
	ASSERT(!writer.overflow);
	conn->bytes = malloc(writer.size);
	ASSERT(conn->bytes);
	memcpy(conn->bytes, bytes, writer.size);
	conn->bytes_size = (uint32_t)writer.size;
}

void conn_open(struct flotilla *flotilla, uint32_t index)
{
	struct conn *conn = &flotilla->conns[index];
	uint32_t client = flotilla_client(flotilla, index);
	const struct sockaddr_in *address =
		&flotilla->addresses[client % flotilla->plan->options->spread];

	ASSERT(conn->state == CONN_IDLE && !conn->bytes);
	conn->state = CONN_OPENING;
	conn->generation++;
	conn->fate = FATE_REST;
	conn->is_answered = false;
	conn->is_again = atomic_load_explicit(&flotilla->order.is_again, memory_order_relaxed);
	flotilla->opening++;
	flotilla->awake++;
	if (!is_raw(flotilla))
		keep_request(flotilla, conn, client);
	if (conn->attempts == 0)
		conn->opened_ns = stopwatch_now_ns();
	sockets_open(&flotilla->sockets, index, conn->generation, address,
		     slice_of(conn->bytes, conn->bytes_size));
}

static void become_ready(struct flotilla *flotilla, struct conn *conn)
{
	uint32_t issued = atomic_load(&flotilla->plan->rounds->issued);

	ASSERT(is_opening(conn));
	conn->state = CONN_READY;
	conn->attempts = 0;
	flotilla->opening--;
	sequence_begin(&conn->broadcast, issued);
	if (flotilla->plan->options->mode == MODE_RESUME && conn->is_again)
		sequence_resume(&conn->own);
	else
		sequence_begin(&conn->own, conn->own.next);
	histogram_add(&flotilla->handshakes[conn->is_again], stopwatch_now_ns() - conn->opened_ns);
	count_add(&flotilla->counts.opened, 1);
	count_add(&flotilla->counts.ready, 1);
}

/* ---- closing ---- */

static void close_socket(struct flotilla *flotilla, uint32_t index, bool reset)
{
	struct conn *conn = &flotilla->conns[index];

	if (is_opening(conn))
		flotilla->opening--;
	if (conn->state == CONN_READY)
		count_add(&flotilla->counts.ready, (uint64_t)-1);
	conn->state = CONN_CLOSING;
	sockets_close(&flotilla->sockets, index, conn->generation, reset);
}

/* Holes that nobody will see any more when the sequence begins anew. `with_tail`: nothing that
 * was sent before now is excused, either. */
static void settle_losses(struct flotilla *flotilla, struct conn *conn, bool with_tail)
{
	uint32_t issued = atomic_load(&flotilla->plan->rounds->issued);
	uint32_t lost = with_tail ? sequence_lost(&conn->broadcast, issued)
				  : sequence_holes(&conn->broadcast);

	lost += sequence_holes(&conn->own);
	count_add(&flotilla->counts.lost, lost);
	sequence_begin(&conn->broadcast, UINT32_MAX);
}

/* Not ready yet, and never will be this time. */
static void fail_opening(struct flotilla *flotilla, uint32_t index)
{
	struct conn *conn = &flotilla->conns[index];

	const struct options *options = flotilla->plan->options;
	bool can_retry = options_is_storm(options) && conn->is_again;

	if (can_retry && conn->attempts < options->retries) {
		conn->attempts++;
		conn->fate = FATE_RETRY;
		count_add(&flotilla->counts.retried, 1);
	} else {
		count_add(&flotilla->counts.failed, 1);
	}
	close_socket(flotilla, index, true);
}

/* The server, or the wire, ended the connection. */
static void on_end(struct flotilla *flotilla, uint32_t index, int error)
{
	struct conn *conn = &flotilla->conns[index];

	if (conn->state == CONN_LEAVING) {
		conn->fate = FATE_REOPEN;
		close_socket(flotilla, index, false);
		return;
	}
	talk_note_failure(flotilla, FAILURE_CLOSED, "client %u: %s %s",
			  flotilla_client(flotilla, index),
			  error ? strerror(error) : "end of stream",
			  is_opening(conn) ? "while opening" : "while open");
	if (is_opening(conn)) {
		fail_opening(flotilla, index);
		return;
	}
	count_add(&flotilla->counts.dropped, 1);
	settle_losses(flotilla, conn, true);
	close_socket(flotilla, index, true);
}

static void on_broken(struct flotilla *flotilla, uint32_t index, enum failure failure,
		      const char *what)
{
	struct conn *conn = &flotilla->conns[index];

	talk_note_failure(flotilla, failure, "client %u: %s", flotilla_client(flotilla, index),
			  what);
	if (is_opening(conn)) {
		fail_opening(flotilla, index);
		return;
	}
	count_add(&flotilla->counts.dropped, 1);
	settle_losses(flotilla, conn, true);
	close_socket(flotilla, index, true);
}

void conn_leave(struct flotilla *flotilla, uint32_t index)
{
	struct conn *conn = &flotilla->conns[index];

	ASSERT(conn->state == CONN_READY);
	settle_losses(flotilla, conn, false);
	conn->state = CONN_LEAVING;
	count_add(&flotilla->counts.ready, (uint64_t)-1);
	count_add(&flotilla->counts.recycled, 1);
	talk_send_close(flotilla, index);
}

void conn_cut(struct flotilla *flotilla, uint32_t index, enum conn_fate fate)
{
	struct conn *conn = &flotilla->conns[index];

	if (conn->state == CONN_IDLE || conn->state == CONN_CLOSING) {
		conn->fate = FATE_REST;
		return;
	}
	conn->fate = (uint8_t)fate;
	conn->is_judged = conn->state == CONN_READY && fate == FATE_REST;
	if (conn->state == CONN_READY && fate == FATE_REOPEN)
		settle_losses(flotilla, conn, false);
	close_socket(flotilla, index, true);
}

static void on_closed(struct flotilla *flotilla, uint32_t index)
{
	struct conn *conn = &flotilla->conns[index];
	uint64_t now_ns = stopwatch_now_ns();

	ASSERT(conn->state == CONN_CLOSING);
	drop_bytes(conn);
	conn->state = CONN_IDLE;
	flotilla->awake--;
	if (flotilla->is_stopping)
		return;
	if (conn->fate == FATE_REOPEN)
		line_push(&flotilla->reopen, index, 0);
	else if (conn->fate == FATE_RETRY)
		line_push(&flotilla->retry, index, now_ns + RETRY_PAUSE_NS);
}

/* ---- reading ---- */

/* Takes the answer to the request. Returns the bytes used, 0 when there is nothing more to do. */
static size_t take_answer(struct flotilla *flotilla, uint32_t index, struct slice bytes)
{
	const struct requests *requests = flotilla->plan->requests;
	struct conn *conn = &flotilla->conns[index];
	struct inbound_answer answer;
	char text[64];

	switch (inbound_read_answer(bytes, &answer)) {
	case INBOUND_MORE:
		return 0;
	case INBOUND_BROKEN:
		on_broken(flotilla, index, FAILURE_REFUSED, "not HTTP/1.1");
		return 0;
	case INBOUND_WHOLE:
		break;
	}
	if (answer.status != 101) {
		snprintf(text, sizeof(text), "HTTP status %u", answer.status);
		on_broken(flotilla, index, FAILURE_REFUSED, text);
		return 0;
	}
	if (!slice_equal(answer.accept, slice_of(requests->accept, REQUEST_ACCEPT_SIZE))) {
		on_broken(flotilla, index, FAILURE_REFUSED, "Sec-WebSocket-Accept is wrong");
		return 0;
	}
	talk_send_first(flotilla, index);
	conn->state = CONN_GREETING;
	if (!flotilla->plan->options->greeting)
		become_ready(flotilla, conn);
	return answer.size;
}

static void take_text(struct flotilla *flotilla, uint32_t index, struct slice text)
{
	struct conn *conn = &flotilla->conns[index];
	char message[128];

	if (conn->state == CONN_READY) {
		talk_take_message(flotilla, index, text);
	} else if (conn->state == CONN_GREETING) {
		if (talk_is_greeting(flotilla, index, text)) {
			talk_take_greeting(flotilla, index, text);
			become_ready(flotilla, conn);
		} else if (!flotilla->plan->options->against) {
			snprintf(message, sizeof(message), "%.*s", (int)text.size,
				 (const char *)text.bytes);
			on_broken(flotilla, index, FAILURE_GREETING, message);
		}
	}
}

static void take_close(struct flotilla *flotilla, uint32_t index, struct slice payload)
{
	unsigned code = NO_CLOSE_CODE;
	char text[64];

	if (flotilla->conns[index].state == CONN_LEAVING)
		return; /* the end of the stream follows */
	if (payload.size >= 2)
		code = (unsigned)payload.bytes[0] << 8 | payload.bytes[1];
	snprintf(text, sizeof(text), "close frame, code %u", code);
	on_broken(flotilla, index, FAILURE_CLOSED, text);
}

static size_t take_frame(struct flotilla *flotilla, uint32_t index, struct slice bytes)
{
	struct inbound_frame frame;

	switch (inbound_read_frame(bytes, &frame)) {
	case INBOUND_MORE:
		return 0;
	case INBOUND_BROKEN:
		on_broken(flotilla, index, FAILURE_PROTOCOL, "masked, fragmented or too large");
		return 0;
	case INBOUND_WHOLE:
		break;
	}
	switch (frame.opcode) {
	case WS_TEXT:
	case WS_BINARY:
		take_text(flotilla, index, frame.payload);
		break;
	case WS_PING:
		count_add(&flotilla->counts.pings, 1);
		talk_send(flotilla, index, WS_PONG, frame.payload);
		break;
	case WS_CLOSE:
		take_close(flotilla, index, frame.payload);
		break;
	case WS_PONG:
	case WS_CONTINUATION:
		break;
	}
	return frame.size;
}

/* Takes all that is whole. Returns what is left. */
static struct slice take_all(struct flotilla *flotilla, uint32_t index, struct slice bytes)
{
	const struct conn *conn = &flotilla->conns[index];

	while (bytes.size > 0 && conn->state != CONN_CLOSING) {
		size_t used = conn->state == CONN_OPENING ? take_answer(flotilla, index, bytes)
							  : take_frame(flotilla, index, bytes);
		if (used == 0)
			break;
		bytes = slice_skip(bytes, used);
	}
	return bytes;
}

static void keep_rest(struct conn *conn, struct slice rest)
{
	if (rest.size == 0)
		return;
	conn->bytes = malloc(rest.size);
	ASSERT(conn->bytes);
	memcpy(conn->bytes, rest.bytes, rest.size);
	conn->bytes_size = (uint32_t)rest.size;
}

static void on_bytes(struct flotilla *flotilla, uint32_t index, struct slice bytes)
{
	struct conn *conn = &flotilla->conns[index];
	uint8_t *joined = NULL;

	count_add(&flotilla->counts.bytes, bytes.size);
	if (conn->bytes_size > 0) {
		joined = realloc(conn->bytes, conn->bytes_size + bytes.size);
		ASSERT(joined);
		memcpy(joined + conn->bytes_size, bytes.bytes, bytes.size);
		bytes = slice_of(joined, conn->bytes_size + bytes.size);
		conn->bytes = NULL;
		conn->bytes_size = 0;
	}
	struct slice rest = take_all(flotilla, index, bytes);
	if (conn->state != CONN_CLOSING)
		keep_rest(conn, rest);
	free(joined);
}

static void on_receive(struct flotilla *flotilla, const struct socket_event *event)
{
	struct conn *conn = &flotilla->conns[event->index];

	if (!conn->is_answered)
		drop_bytes(conn); /* the request: it was sent, as its answer is coming */
	conn->is_answered = true;
	if (event->result > 0) {
		on_bytes(flotilla, event->index, event->bytes);
	} else if (event->result != -ENOBUFS) {
		on_end(flotilla, event->index, -event->result);
		return;
	}
	if (!event->is_armed && conn->state != CONN_CLOSING)
		sockets_receive(&flotilla->sockets, event->index, conn->generation);
}

void conn_on_event(struct flotilla *flotilla, const struct socket_event *event)
{
	if (event->kind == SOCKET_EVENT_NONE)
		return;
	ASSERT(event->index < flotilla->conns_count);
	struct conn *conn = &flotilla->conns[event->index];
	if (event->generation != conn->generation)
		return;
	if (event->kind == SOCKET_EVENT_CLOSE)
		on_closed(flotilla, event->index);
	if (conn->state == CONN_CLOSING || conn->state == CONN_IDLE)
		return; /* too late */
	if (event->kind == SOCKET_EVENT_RECEIVE) {
		on_receive(flotilla, event);
	} else if (event->result >= 0) {
		become_ready(flotilla, conn);
	} else {
		on_broken(flotilla, event->index, FAILURE_CONNECT, strerror(-event->result));
	}
}
