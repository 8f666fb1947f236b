/* shard/engine_upgrade.c - two packets each way. */
#include "shard/engine_upgrade.h"

#include "shard/engine_answer.h"
#include "shard/engine_poll.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"
#include "wire/ws_handshake.h"

#define ANSWER_SIZE_MAX 256
#define PROBE_SIZE_MAX 16 /* bytes; longer messages are not for a WebSocket that probes */

void engine_upgrade_on_request(const struct engine_asked *asked, struct conn *session)
{
	struct shard *shard = asked->shard;
	struct conn *conn = asked->conn;
	struct engine_session *record = engine_session_of(shard, session);
	struct ws_handshake handshake;
	uint8_t *bytes = arena_take(&shard->arena, ANSWER_SIZE_MAX); /* until it is sent */
	struct writer writer;

	if (ws_handshake_check(asked->head, &handshake) != 101 || record->probe != PARTNER_NONE ||
	    session->state >= CONN_CLOSING) {
		engine_answer_refuse(asked, ENGINE_IO_ERROR_REQUEST);
		return;
	}
	if (!bytes) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	writer_init(&writer, bytes, ANSWER_SIZE_MAX);
	ws_handshake_write(&writer, handshake.key, NULL, NULL);
	ASSERT(!writer.overflow);
	send_bytes(shard, conn, writer_written(&writer));
	engine_session_bind(shard, session, conn, &record->probe);
	conn->state = CONN_PROBE;
	conn->protocol = session->protocol;
	conn_set(conn, CONN_UPGRADED);
	timers_arm(shard, conn, UPGRADE_TIMEOUT_MS);
}

static void on_probe(struct shard *shard, struct conn *conn)
{
	conn_set(conn, CONN_PROBED);
	send_frame(shard, conn, WS_TEXT, SLICE("3probe"));
	send_queue(shard, conn_at(shard, conn->partner)); /* its GET is answered */
}

/* The socket becomes the session's. What was sent on it is on its way, in order, since the client
 * has had the answer to its probe; else it has broken the protocol. */
static void lend(struct shard *shard, struct conn *conn)
{
	struct conn *session = conn_at(shard, conn->partner);

	if (conn->outbox || conn_has(conn, CONN_BLOCKED) || session->state >= CONN_CLOSING) {
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
	conn_drop_inbound(conn);
	wheel_disarm(&shard->wheel, conn_slot(shard, conn));
	engine_session_lend(shard, session, conn);
	session->sent_turn = conn->sent_turn;
	session->heard_ms = (uint32_t)shard->now_ms;
	conn_clear(session, CONN_HELD);
	conn_set(session, CONN_UPGRADED);
	if (conn_has(conn, CONN_HUNG_UP))
		conn_set(session, CONN_HUNG_UP);
	receive_queue(shard, session); /* what the socket has had to say meanwhile */
	send_queue(shard, session);
	counter_add(&shard->counters->upgrades, 1);
	engine_poll_release(shard, session);
}

void engine_upgrade_on_piece(struct shard *shard, struct conn *conn,
			     const struct ws_inbound_event *event)
{
	struct slice text;
	bool is_probe, is_upgrade;

	if (event->opcode != WS_TEXT ||
	    conn_store(conn, event->payload, PROBE_SIZE_MAX) != STATUS_OK) {
		conn_close(shard, conn, CLOSE_PROTOCOL);
		return;
	}
	if (!event->last)
		return;
	text = slice_of(conn->inbound->bytes, conn->inbound->size);
	is_probe = slice_equal_text(text, "2probe") && !conn_has(conn, CONN_PROBED);
	is_upgrade = slice_equal_text(text, "5") && conn_has(conn, CONN_PROBED);
	conn->inbound->size = 0;
	if (is_probe)
		on_probe(shard, conn);
	else if (is_upgrade)
		lend(shard, conn);
	else
		conn_close(shard, conn, CLOSE_PROTOCOL);
}
