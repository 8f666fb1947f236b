/* shard/engine_session.c - slots of sessions, and who carries what for them. */
#include "shard/engine_session.h"

#include "shard/engine_poll.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"
#include "wire/connection_id.h"

struct engine_session *engine_session_of(const struct shard *shard, const struct conn *conn)
{
	ASSERT(conn_has(conn, CONN_SOCKETLESS));
	return &shard->sessions.records[conn_slot(shard, conn) - shard->table];
}

/* ---- slots ---- */

/* PARTNER_NONE: all are in use. Slots that were never used come last, for their memory. */
static uint32_t take_slot(struct shard *shard)
{
	struct engine_sessions *sessions = &shard->sessions;
	uint32_t slot = sessions->free;

	if (slot != PARTNER_NONE)
		sessions->free = sessions->records[slot - shard->table].next;
	else if (sessions->touched < shard->slots - shard->table)
		slot = shard->table + sessions->touched++;
	return slot;
}

struct conn *engine_session_open(struct shard *shard)
{
	uint32_t slot = take_slot(shard);
	struct conn *session;

	if (slot == PARTNER_NONE)
		return NULL;
	session = conn_open_socketless(shard, slot);
	*engine_session_of(shard, session) = (struct engine_session){
		.get = PARTNER_NONE,
		.post = PARTNER_NONE,
		.probe = PARTNER_NONE,
	};
	shard->sessions.used++;
	counter_add(&shard->counters->sessions, 1);
	return session;
}

void engine_session_free(struct shard *shard, struct conn *session)
{
	struct engine_session *record = engine_session_of(shard, session);

	ASSERT(session->state == CONN_FREE && shard->sessions.used > 0);
	ASSERT(record->get == PARTNER_NONE && record->post == PARTNER_NONE);
	ASSERT(record->probe == PARTNER_NONE);
	record->next = shard->sessions.free;
	shard->sessions.free = (uint16_t)conn_slot(shard, session);
	shard->sessions.used--;
	counter_subtract(&shard->counters->sessions, 1);
}

/* ---- sids ---- */

bool engine_session_locate(const struct shard *shard, struct slice sid, uint32_t *ret_shard)
{
	struct connection_id id;

	if (!connection_id_parse(sid, shard->connection_key, &id))
		return false;
	if (id.shard >= shard->all_counters->shards_count)
		return false;
	*ret_shard = id.shard;
	return true;
}

struct conn *engine_session_find(struct shard *shard, struct slice sid)
{
	struct connection_id id;
	struct conn *conn;

	if (!connection_id_parse(sid, shard->connection_key, &id) || id.shard != shard->index)
		return NULL;
	if (id.slot < shard->table || id.slot >= shard->slots)
		return NULL;
	conn = conn_at(shard, id.slot);
	if (conn->generation != id.generation || conn->state == CONN_FREE)
		return NULL;
	return conn->state == CONN_FINISHING ? NULL : conn;
}

/* ---- carriers ---- */

void engine_session_bind(struct shard *shard, struct conn *session, struct conn *conn,
			 uint16_t *ret_place)
{
	ASSERT(conn->state == CONN_HEAD && conn->partner == PARTNER_NONE);
	ASSERT(*ret_place == PARTNER_NONE && !conn_has_socket(session));
	conn->state = CONN_SERVING;
	conn->partner = (uint16_t)conn_slot(shard, session);
	*ret_place = (uint16_t)conn_slot(shard, conn);
}

/* Takes the connection out of its session's record. */
static struct conn *detach(struct shard *shard, struct conn *conn)
{
	struct conn *session = conn_at(shard, conn->partner);
	struct engine_session *record = engine_session_of(shard, session);
	uint32_t slot = conn_slot(shard, conn);

	if (record->get == slot)
		record->get = PARTNER_NONE;
	else if (record->post == slot)
		record->post = PARTNER_NONE;
	else if (record->probe == slot)
		record->probe = PARTNER_NONE;
	conn->partner = PARTNER_NONE;
	return session;
}

void engine_session_unbind(struct shard *shard, struct conn *conn)
{
	ASSERT(conn->state == CONN_SERVING);
	detach(shard, conn);
	conn->state = CONN_HEAD;
}

void engine_session_lend(struct shard *shard, struct conn *session, struct conn *conn)
{
	ASSERT(conn->state == CONN_PROBE && !conn_has_socket(session));
	detach(shard, conn);
	conn->state = CONN_LENT;
	conn->partner = (uint16_t)conn_slot(shard, session);
	session->partner = (uint16_t)conn_slot(shard, conn);
}

void engine_session_on_carrier_gone(struct shard *shard, struct conn *conn,
				    enum close_reason reason)
{
	bool was_probe = engine_session_of(shard, conn_at(shard, conn->partner))->probe ==
			 conn_slot(shard, conn);
	struct conn *session = detach(shard, conn);

	if (!was_probe)
		conn_close_join(shard, session, reason);
}

/* ---- the end ---- */

void engine_session_close(struct shard *shard, struct conn *session)
{
	uint16_t probe = engine_session_of(shard, session)->probe;

	conn_drop_inbound(session);
	session->state = CONN_CLOSING;
	if (probe != PARTNER_NONE)
		conn_close(shard, conn_at(shard, probe), CLOSE_GOING_AWAY);
	timers_arm(shard, session, shard->config->close_timeout_ms);
	send_queue(shard, session);
}

void engine_session_finish(struct shard *shard, struct conn *session)
{
	engine_session_of(shard, session)->next = shard->sessions.ended;
	shard->sessions.ended = (uint16_t)conn_slot(shard, session);
}

void engine_session_sweep(struct shard *shard)
{
	while (shard->sessions.ended != PARTNER_NONE) {
		struct conn *session = conn_at(shard, shard->sessions.ended);

		shard->sessions.ended = engine_session_of(shard, session)->next;
		engine_poll_let_go(shard, session);
		conn_close_finish(shard, session);
	}
}
