/* tests/unit/router/presence_store_test.c - presence as commands for Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/presence_store.h"

#define ID "AAAAAAAAAcyPwTkop0gpSMSI"
#define NOW_MS 1769337000000u
#define MEMBER                                                                    \
	"{\"connection_id\":\"" ID "\",\"node\":\"node-1\",\"device\":\"phone\"," \
	"\"since\":\"2026-01-25T10:30:00.000Z\"}"
#define LINGER "{\"node\":\"node-1\"}"

static struct presence presence;
static struct presence_batch batch;
static const struct presence_conn *conn;
static struct presence_store store;

static int setup(void **state)
{
	struct presence_options options = {.key = {1, 2}, .refresh_ms = 1000};
	struct presence_arrival arrival = {SLICE("u 1"), SLICE(ID), SLICE("phone"), NOW_MS, {{0}}};

	(void)state;
	store = (struct presence_store){SLICE("node-1"), 60000, 10000};
	if (!presence_init(&presence, &options) || !presence_attach(&presence, &arrival))
		return -1;
	conn = presence_find_conn(&presence, SLICE(ID));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	presence_deinit(&presence);
	return 0;
}

/* One command a line, words between bars. */
static void check_batch(const char *expected)
{
	static char bytes[32768];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < batch.count; i++) {
		for (uint32_t j = 0; j < batch.commands[i].count; j++) {
			writer_text(&writer, j > 0 ? "|" : "");
			writer_slice(&writer, batch.commands[i].words[j]);
		}
		writer_text(&writer, "\n");
	}
	assert_false(writer.overflow);
	assert_false(batch.writer.overflow);
	writer_bytes(&writer, "", 1);
	assert_string_equal(bytes, expected);
}

static void a_connection_is_put(void **state)
{
	(void)state;
	presence_store_put(&store, conn, NOW_MS, &batch);
	check_batch("SET|belfry:conn:" ID "|{\"user\":\"u 1\",\"node\":\"node-1\","
		    "\"device\":\"phone\",\"since\":\"2026-01-25T10:30:00.000Z\"}|PX|60000\n"
		    "ZADD|belfry:presence:u 1|1769337060000|" MEMBER "\n"
		    "PEXPIRE|belfry:presence:u 1|60000\n"
		    "ZADD|belfry:online|GT|1769337060000|u 1\n");
}

static void a_connection_is_dropped(void **state)
{
	(void)state;
	presence_store_drop(&store, conn, 0, NOW_MS, &batch);
	check_batch("ZREM|belfry:presence:u 1|" MEMBER "\n"
		    "DEL|belfry:conn:" ID "\n");
	presence_store_drop(&store, conn, 9990, NOW_MS, &batch);
	check_batch("ZADD|belfry:presence:u 1|1769337009990|" LINGER "\n"
		    "PEXPIRE|belfry:presence:u 1|60000\n"
		    "ZREM|belfry:presence:u 1|" MEMBER "\n"
		    "DEL|belfry:conn:" ID "\n");
	store.linger_ms = 600000; /* the set must live through it */
	presence_store_drop(&store, conn, 600000, NOW_MS, &batch);
	check_batch("ZADD|belfry:presence:u 1|1769337600000|" LINGER "\n"
		    "PEXPIRE|belfry:presence:u 1|600000\n"
		    "ZREM|belfry:presence:u 1|" MEMBER "\n"
		    "DEL|belfry:conn:" ID "\n");
}

static void a_user_goes_offline_in_three_steps(void **state)
{
	struct presence_event event = {
		.user = SLICE("u 1"),
		.connection_id = SLICE(ID),
	};

	(void)state;
	presence_store_ask(&store, SLICE("u 1"), true, NOW_MS, &batch);
	check_batch("ZREM|belfry:presence:u 1|" LINGER "\n"
		    "ZREMRANGEBYSCORE|belfry:presence:u 1|-inf|1769337000000\n"
		    "ZCOUNT|belfry:presence:u 1|(1769337000000|+inf\n");
	presence_store_ask(&store, SLICE("u 1"), false, NOW_MS, &batch);
	check_batch("ZREMRANGEBYSCORE|belfry:presence:u 1|-inf|1769337000000\n"
		    "ZCOUNT|belfry:presence:u 1|(1769337000000|+inf\n");
	presence_store_leave(SLICE("u 1"), NOW_MS, &batch);
	check_batch("ZREM|belfry:online|u 1\n"
		    "ZCOUNT|belfry:presence:u 1|(1769337000000|+inf\n");
	presence_store_tell(&store, &event, NOW_MS, &batch);
	check_batch("XADD|belfry:up|MAXLEN|~|100000|*|user|u 1|connection_id|" ID
		    "|type|presence.offline|data|{\"node\":\"node-1\",\"reason\":\"closed\"}"
		    "|ts|2026-01-25T10:30:00.000Z\n"
		    "ZCOUNT|belfry:presence:u 1|(1769337000000|+inf\n");
	presence_store_lift(&store, SLICE("u 1"), NOW_MS, &batch);
	check_batch("ZADD|belfry:online|XX|GT|1769337060000|u 1\n");
	presence_store_undo(&store, SLICE("u 1"), NOW_MS, &batch);
	check_batch("ZADD|belfry:online|GT|1769337060000|u 1\n");
}

static void what_is_not_known_of_an_event_is_left_out(void **state)
{
	struct presence_event event = {.user = SLICE("u"), .was_swept = true};

	(void)state;
	presence_store_tell(&store, &event, NOW_MS, &batch);
	check_batch("XADD|belfry:up|MAXLEN|~|100000|*|user|u|connection_id|"
		    "|type|presence.offline|data|{\"node\":\"node-1\",\"reason\":\"expired\"}"
		    "|ts|2026-01-25T10:30:00.000Z\n"
		    "ZCOUNT|belfry:presence:u|(1769337000000|+inf\n");
	event = (struct presence_event){.is_online = true, .user = SLICE("u")};
	presence_store_tell(&store, &event, NOW_MS, &batch);
	check_batch("XADD|belfry:up|MAXLEN|~|100000|*|user|u|connection_id|"
		    "|type|presence.online|data|{\"node\":\"node-1\"}"
		    "|ts|2026-01-25T10:30:00.000Z\n");
}

static void online_says_who_and_since_when(void **state)
{
	struct presence_event event = {
		.is_online = true,
		.user = SLICE("u"),
		.connection_id = SLICE(ID),
		.device = SLICE("a\"b"),
		.since_ms = NOW_MS,
	};

	(void)state;
	presence_store_tell(&store, &event, NOW_MS + 5, &batch);
	check_batch("XADD|belfry:up|MAXLEN|~|100000|*|user|u|connection_id|" ID
		    "|type|presence.online|data|{\"node\":\"node-1\",\"device\":\"a\\\"b\","
		    "\"since\":\"2026-01-25T10:30:00.000Z\"}|ts|2026-01-25T10:30:00.005Z\n");
}

static void sweeping(void **state)
{
	(void)state;
	presence_store_claim(&store, &batch);
	check_batch("SET|belfry:sweeper|node-1|NX|PX|1000\n");
	presence_store_sweep(NOW_MS, &batch);
	check_batch("ZRANGEBYSCORE|belfry:online|-inf|1769337000000|LIMIT|0|128\n");
}

static void questions(void **state)
{
	(void)state;
	presence_store_list(SLICE("u"), NOW_MS, &batch);
	check_batch("ZRANGEBYSCORE|belfry:presence:u|(1769337000000|+inf|LIMIT|0|1000\n");
	presence_store_find(SLICE(ID), &batch);
	check_batch("GET|belfry:conn:" ID "\n");
}

/* Names that become six times as long still fit. */
static void the_largest_fits(void **state)
{
	uint8_t worst[PRESENCE_DEVICE_MAX];
	struct presence_arrival arrival = {
		slice_of(worst, USER_SIZE_MAX),
		SLICE("BBBBBBBBBBBBBBBBBBBBIJKJ"),
		slice_of(worst, sizeof(worst)),
		UINT64_MAX,
		{{0}},
	};

	(void)state;
	memset(worst, 1, sizeof(worst));
	store = (struct presence_store){slice_of(worst, PRESENCE_NODE_MAX), 3600000, 600000};
	assert_true(presence_attach(&presence, &arrival));
	conn = presence_find_conn(&presence, arrival.connection_id);
	presence_store_put(&store, conn, UINT64_MAX / 2, &batch);
	presence_store_drop(&store, conn, 600000, UINT64_MAX / 2, &batch);
	struct presence_event event = {
		true, false, arrival.user, arrival.connection_id, arrival.device, UINT64_MAX};

	presence_store_tell(&store, &event, UINT64_MAX / 2, &batch);
	assert_false(batch.writer.overflow);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_put),
		TEST(a_connection_is_dropped),
		TEST(a_user_goes_offline_in_three_steps),
		TEST(what_is_not_known_of_an_event_is_left_out),
		TEST(online_says_who_and_since_when),
		TEST(sweeping),
		TEST(questions),
		TEST(the_largest_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
