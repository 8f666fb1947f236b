/* tests/unit/shard/engine_session_test.c - slots of sessions, their sids, and who carries for
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shard/shard_state.h"
#include "wire/connection_id.h"

#define TABLE 4
#define SESSIONS 3

static struct shard *shard;
static struct counters counters;
static struct config config;

static int set_up(void **state)
{
	(void)state;
	shard = calloc(1, sizeof(*shard));
	assert_non_null(shard);
	shard->config = &config;
	shard->counters = &counters.shards[0];
	shard->index = 1;
	shard->all_counters = &counters;
	counters.shards_count = 3;
	shard->table = TABLE;
	shard->slots = TABLE + SESSIONS;
	shard->connection_key = (struct hash_key){3, 4};
	shard->conns = calloc(TABLE + SESSIONS, sizeof(*shard->conns));
	shard->sessions.records = calloc(SESSIONS, sizeof(struct engine_session));
	shard->sessions.free = shard->sessions.ended = PARTNER_NONE;
	assert_true(shard->conns && shard->sessions.records);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(shard->conns);
	free(shard->sessions.records);
	free(shard);
	return 0;
}

static struct conn *must_open(void)
{
	struct conn *session = engine_session_open(shard);

	assert_non_null(session);
	assert_true(conn_has(session, CONN_SOCKETLESS));
	assert_false(conn_has_socket(session));
	return session;
}

static void end(struct conn *session)
{
	session->state = CONN_FREE;
	engine_session_free(shard, session);
}

/* A connection with a socket, about to read a request. */
static struct conn *requester(uint32_t slot)
{
	struct conn *conn = conn_at(shard, slot);

	conn->state = CONN_HEAD;
	conn->partner = PARTNER_NONE;
	return conn;
}

static void sid_of(const struct conn *session, uint8_t at_shard, char sid[CONNECTION_ID_SIZE])
{
	struct connection_id id = {
		.shard = at_shard,
		.slot = (uint16_t)conn_slot(shard, session),
		.generation = session->generation,
	};

	connection_id_write(id, shard->connection_key, sid);
}

static void slots_are_used_again(void **state)
{
	struct conn *all[SESSIONS];

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		all[i] = must_open();
		assert_int_equal(conn_slot(shard, all[i]), TABLE + i);
	}
	assert_null(engine_session_open(shard));
	assert_int_equal(shard->sessions.used, SESSIONS);
	end(all[1]);
	end(all[0]);
	assert_ptr_equal(must_open(), all[0]);
	assert_int_equal(all[0]->generation, 2);
	assert_ptr_equal(must_open(), all[1]);
	assert_null(engine_session_open(shard));
}

static void check_found(const char sid[CONNECTION_ID_SIZE], const struct conn *expected)
{
	assert_ptr_equal(engine_session_find(shard, slice_of(sid, CONNECTION_ID_SIZE)), expected);
}

static void a_sid_leads_to_its_session_only(void **state)
{
	struct conn *session = must_open(), *other = requester(2);
	char sid[CONNECTION_ID_SIZE], forged[CONNECTION_ID_SIZE];
	uint32_t at_shard;

	(void)state;
	sid_of(session, 1, sid);
	check_found(sid, session);
	assert_true(engine_session_locate(shard, slice_of(sid, sizeof(sid)), &at_shard));
	assert_int_equal(at_shard, 1);
	for (size_t i = 0; i < sizeof(sid); i++) {
		memcpy(forged, sid, sizeof(sid));
		forged[i] = sid[i] == 'A' ? 'B' : 'A';
		check_found(forged, NULL);
		assert_false(
			engine_session_locate(shard, slice_of(forged, sizeof(forged)), &at_shard));
	}
	sid_of(other, 1, forged); /* a connection id, but of a socket */
	check_found(forged, NULL);
	session->state = CONN_FINISHING;
	check_found(sid, NULL);
	end(session);
	check_found(sid, NULL);
	assert_ptr_equal(must_open(), session);
	check_found(sid, NULL); /* the slot's next session is another one */
}

static void sids_of_other_shards_and_nodes(void **state)
{
	struct conn *session = must_open();
	char sid[CONNECTION_ID_SIZE];
	uint32_t at_shard;

	(void)state;
	sid_of(session, 2, sid);
	check_found(sid, NULL);
	assert_true(engine_session_locate(shard, slice_of(sid, sizeof(sid)), &at_shard));
	assert_int_equal(at_shard, 2);
	sid_of(session, 3, sid); /* there is no such shard */
	assert_false(engine_session_locate(shard, slice_of(sid, sizeof(sid)), &at_shard));
	sid_of(session, 1, sid);
	shard->connection_key.k0++;
	assert_false(engine_session_locate(shard, slice_of(sid, sizeof(sid)), &at_shard));
}

static void carriers_come_and_go(void **state)
{
	struct conn *session = must_open();
	struct engine_session *record = engine_session_of(shard, session);
	struct conn *get = requester(0), *post = requester(3);

	(void)state;
	engine_session_bind(shard, session, get, &record->get);
	engine_session_bind(shard, session, post, &record->post);
	assert_int_equal(get->state, CONN_SERVING);
	assert_int_equal(get->partner, TABLE);
	assert_int_equal(record->get, 0);
	assert_int_equal(record->post, 3);
	engine_session_unbind(shard, get);
	assert_int_equal(get->state, CONN_HEAD);
	assert_int_equal(get->partner, PARTNER_NONE);
	assert_int_equal(record->get, PARTNER_NONE);
	assert_int_equal(record->post, 3);
	engine_session_bind(shard, session, get, &record->get);
	assert_int_equal(record->get, 0);
	engine_session_unbind(shard, get);
	engine_session_unbind(shard, post);
	end(session);
}

static void a_probe_lends_its_socket(void **state)
{
	struct conn *session = must_open(), *probe = requester(2);
	struct engine_session *record = engine_session_of(shard, session);

	(void)state;
	engine_session_bind(shard, session, probe, &record->probe);
	probe->state = CONN_PROBE;
	engine_session_lend(shard, session, probe);
	assert_int_equal(probe->state, CONN_LENT);
	assert_int_equal(record->probe, PARTNER_NONE);
	assert_true(conn_has_socket(session));
	assert_ptr_equal(conn_socket(shard, session), probe);
	assert_ptr_equal(conn_at(shard, probe->partner), session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(slots_are_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sid_leads_to_its_session_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sids_of_other_shards_and_nodes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(carriers_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_probe_lends_its_socket, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
