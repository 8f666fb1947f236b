/* tests/unit/router/presence_test.c - who is online, and what has to be told of it when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "router/presence.h"

#define LINGER_MS 10000u
#define REFRESH_MS 20000u

static struct presence presence;
static char told[4096]; /* actions, one letter and a name each */

static const struct presence_options options = {
	.key = {1, 2},
	.linger_ms = LINGER_MS,
	.refresh_ms = 1000000000, /* no part of the story */
};

static int setup(void **state)
{
	(void)state;
	return presence_init(&presence, &options) ? 0 : -1;
}

static int setup_refreshing(void **state)
{
	struct presence_options refreshing = options;

	(void)state;
	refreshing.refresh_ms = REFRESH_MS;
	return presence_init(&presence, &refreshing) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	presence_deinit(&presence);
	return 0;
}

/* A connection id that begins with `name`. */
static struct slice id_of(const char *name)
{
	static char id[CONNECTION_ID_SIZE + 1];

	snprintf(id, sizeof(id), "%-*s", CONNECTION_ID_SIZE, name);
	return slice_of(id, CONNECTION_ID_SIZE);
}

static void attach(const char *user, const char *id)
{
	struct presence_arrival arrival = {
		.user = slice_of_text(user),
		.connection_id = id_of(id),
		.device = slice_of_text("phone"),
		.since_ms = 1769337000000,
	};

	assert_true(presence_attach(&presence, &arrival));
}

static void detach(uint64_t now_ms, const char *user, const char *id)
{
	presence_detach(&presence, now_ms, slice_of_text(user), id_of(id));
}

static void tell(const struct presence_action *action)
{
	static const char letters[] = "+pd-";
	const char *id = action->conn ? action->conn->id : action->last_id;
	const char *end = memchr(id, ' ', CONNECTION_ID_SIZE);
	int id_size = end ? (int)(end - id) : CONNECTION_ID_SIZE;
	size_t size = strlen(told);

	assert_true(size + 64 < sizeof(told));
	snprintf(told + size, sizeof(told) - size, "%s%c%.*s:%.*s", size ? " " : "",
		 letters[action->type], (int)action->user.size, (const char *)action->user.bytes,
		 id_size, id);
	if (action->linger_ms > 0) {
		size = strlen(told);
		snprintf(told + size, sizeof(told) - size, "~%u", (unsigned)action->linger_ms);
	}
}

/* Takes all that is due: + online, p put, d drop (~ what he lingers), - offline. */
static void check_told(uint64_t now_ms, const char *expected)
{
	struct presence_action action;

	told[0] = '\0';
	while (presence_next(&presence, now_ms, &action))
		tell(&action);
	assert_string_equal(told, expected);
}

static void a_connection_comes_and_goes(void **state)
{
	(void)state;
	assert_int_equal(presence_wait_ms(&presence, 1000), UINT64_MAX);
	check_told(1000, "");
	attach("u", "a");
	assert_int_equal(presence_wait_ms(&presence, 1000), 0);
	check_told(1000, "+u:a pu:a");
	check_told(1000, "");
	attach("u", "b");
	check_told(1001, "pu:b");
	detach(1002, "u", "a");
	assert_int_equal(presence_wait_ms(&presence, 1002), 0);
	check_told(1002, "du:a");
	detach(1002, "u", "b");
	check_told(1003, "du:b~9999");
	assert_int_equal(presence_wait_ms(&presence, 1003), 9999);
	check_told(11001, "");
	assert_true(presence_is_online(&presence, SLICE("u")));
	check_told(11002, "-u:b");
	assert_false(presence_is_online(&presence, SLICE("u")));
	assert_int_equal(presence_wait_ms(&presence, 11002), UINT64_MAX);
	attach("u", "c");
	check_told(11003, "+u:c pu:c");
}

static void a_reload_is_neither_offline_nor_online(void **state)
{
	(void)state;
	attach("u", "a");
	check_told(1000, "+u:a pu:a");
	detach(2000, "u", "a");
	check_told(2000, "du:a~10000");
	attach("u", "b");
	check_told(2500, "pu:b");
	check_told(12000, "");
	detach(12000, "u", "b");
	attach("u", "c");
	check_told(12000, "pu:c du:b"); /* never without; he does not linger */
	detach(20000, "u", "c");
	check_told(30000, "du:c -u:c"); /* too late to linger */
}

static void what_was_never_told_is_not_taken_back(void **state)
{
	(void)state;
	attach("u", "a");
	detach(1000, "u", "a");
	check_told(1000, "");
	assert_int_equal(presence.users_count, 0);
	attach("v", "a");
	check_told(1000, "+v:a pv:a");
	attach("v", "b");
	detach(1000, "v", "b");
	check_told(1000, "");
	assert_int_equal(presence.conns_known, 1);
}

static void online_was_told_but_the_connection_was_not_written(void **state)
{
	struct presence_action action;

	(void)state;
	attach("u", "a");
	assert_true(presence_next(&presence, 1000, &action));
	assert_int_equal(action.type, PRESENCE_USER_ONLINE);
	detach(1000, "u", "a");
	check_told(10999, "");
	check_told(11000, "-u:a");
}

static void the_same_id_again_is_the_same_connection(void **state)
{
	(void)state;
	attach("u", "a");
	attach("u", "a");
	assert_int_equal(presence.conns_count, 1);
	check_told(1000, "+u:a pu:a");
	detach(1000, "u", "a");
	check_told(1000, "");
	detach(1000, "u", "a");
	attach("u", "a"); /* before the drop was told */
	check_told(1000, "pu:a");
	detach(1000, "u", "a");
	check_told(1000, "du:a~10000");
	attach("u", "a");
	check_told(1000, "pu:a");
	attach("v", "a"); /* of another user: another one */
	check_told(1000, "+v:a pv:a");
	assert_int_equal(presence.conns_count, 2);
}

static void a_detach_too_many_is_nothing(void **state)
{
	(void)state;
	detach(1000, "u", "a");
	attach("u", "a");
	detach(1000, "v", "a");
	detach(1000, "u", "b");
	check_told(1000, "+u:a pu:a");
	detach(1000, "u", "a");
	detach(1000, "u", "a");
	check_told(1000, "du:a~10000");
	assert_int_equal(presence.conns_count, 0);
}

static void an_action_can_be_read_until_something_happens(void **state)
{
	struct presence_action action;

	(void)state;
	attach("u", "a");
	check_told(1000, "+u:a pu:a");
	detach(1000, "u", "a");
	assert_true(presence_next(&presence, 1000, &action));
	assert_memory_equal(action.conn->id, "a   ", 4);
	assert_memory_equal(action.conn->device, "phone", 5);
	assert_true(presence_next(&presence, 11000, &action));
	assert_int_equal(action.type, PRESENCE_USER_OFFLINE);
	assert_true(slice_equal_text(action.user, "u"));
}

static void all_are_detached_at_the_end(void **state)
{
	struct presence_action action;
	uint32_t drops = 0;

	(void)state;
	attach("u", "a");
	attach("u", "a");
	attach("u", "b");
	attach("v", "c");
	check_told(1000, "+u:a pu:a pu:b +v:c pv:c");
	attach("w", "d");
	presence_detach_all(&presence, 1000);
	assert_int_equal(presence.conns_count, 0);
	while (presence_next(&presence, 1000, &action))
		drops += action.type == PRESENCE_CONN_DROP;
	assert_int_equal(drops, 3);
	assert_int_equal(presence.users_count, 2);
}

static void no_linger_no_wait(void **state)
{
	struct presence_options hasty = options;

	(void)state;
	presence_deinit(&presence);
	hasty.linger_ms = 0;
	assert_true(presence_init(&presence, &hasty));
	attach("u", "a");
	check_told(5, "+u:a pu:a");
	detach(6, "u", "a");
	check_told(6, "du:a -u:a");
}

static void a_long_device_name_is_cut(void **state)
{
	char name[300];
	struct presence_arrival arrival = {
		.user = SLICE("u"),
		.connection_id = id_of("a"),
		.device = slice_of(name, sizeof(name)),
	};

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_true(presence_attach(&presence, &arrival));
	const struct presence_conn *conn = presence_find_conn(&presence, id_of("a"));

	assert_non_null(conn);
	assert_int_equal(conn->device_size, PRESENCE_DEVICE_MAX);
}

/* ---- refreshing ---- */

enum { MANY = 20000 };

static uint64_t put_ms[MANY];
static uint32_t puts_count[MANY];

static uint32_t take_puts(uint64_t now_ms)
{
	struct presence_action action;
	uint32_t count = 0;

	while (presence_next(&presence, now_ms, &action)) {
		unsigned i;

		if (action.type != PRESENCE_CONN_PUT)
			continue;
		assert_int_equal(sscanf(action.conn->id, "%u", &i), 1);
		if (puts_count[i] > 0)
			assert_true(now_ms - put_ms[i] <= REFRESH_MS + 100);
		put_ms[i] = now_ms;
		puts_count[i]++;
		count++;
	}
	return count;
}

static void attach_many(void)
{
	char id[16], user[16];

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "%u", i);
		snprintf(user, sizeof(user), "user%u", i / 2);
		attach(user, id);
	}
	memset(puts_count, 0, sizeof(puts_count));
}

static void refreshes_are_spread_over_their_time(void **state)
{
	uint32_t most = 0, all = 0;

	(void)state;
	attach_many();
	assert_int_equal(take_puts(1000000), MANY);
	for (uint64_t now_ms = 1000100; now_ms <= 1000000 + 3 * REFRESH_MS; now_ms += 100) {
		uint32_t count = take_puts(now_ms);

		all += count;
		most = count > most ? count : most;
	}
	assert_int_equal(all, 3 * MANY); /* once in each refresh_ms */
	assert_true(most < 2 * MANY * 100 / REFRESH_MS + 100);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(puts_count[i], 4);
}

/* A caller who sleeps as long as he is told is late for none. */
static void the_wait_is_exact(void **state)
{
	uint64_t now_ms = 777777;

	(void)state;
	attach("u", "0");
	attach("v", "1");
	memset(puts_count, 0, sizeof(puts_count));
	assert_int_equal(take_puts(now_ms), 2);
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t wait_ms = presence_wait_ms(&presence, now_ms);

		assert_true(wait_ms > 0 && wait_ms <= REFRESH_MS);
		assert_int_equal(take_puts(now_ms + wait_ms - 1), 0);
		now_ms += wait_ms;
		assert_true(take_puts(now_ms) > 0);
	}
}

static void after_a_long_sleep_each_is_due_once(void **state)
{
	(void)state;
	attach_many();
	assert_int_equal(take_puts(1000), MANY);
	memset(puts_count, 0, sizeof(puts_count));
	assert_int_equal(take_puts(1000 + 50 * REFRESH_MS), MANY);
}

static void all_is_written_again_when_the_store_is_back(void **state)
{
	(void)state;
	attach_many();
	assert_int_equal(take_puts(1000), MANY);
	presence_rewrite(&presence);
	memset(puts_count, 0, sizeof(puts_count));
	assert_int_equal(take_puts(1001), MANY);
	assert_true(presence_wait_ms(&presence, 1001) > 0);
}

static void count_conn(void *owner, const struct presence_conn *conn)
{
	(void)conn;
	++*(uint32_t *)owner;
}

static void check_conns(const char *user, uint32_t expected)
{
	uint32_t count = 0;

	presence_each_conn(&presence, slice_of_text(user), count_conn, &count);
	assert_int_equal(count, expected);
}

static void questions_are_answered_from_memory(void **state)
{
	(void)state;
	attach_many();
	check_conns("user7", 2);
	check_conns("nobody", 0);
	assert_true(presence_is_online(&presence, SLICE("user7")));
	assert_false(presence_is_online(&presence, SLICE("nobody")));
	const struct presence_conn *conn = presence_find_conn(&presence, id_of("14"));

	assert_non_null(conn);
	assert_true(slice_equal_text(slice_of(conn->user->name, conn->user->name_size), "user7"));
	assert_null(presence_find_conn(&presence, id_of("x")));
	take_puts(1000);
	detach(1000, "user7", "14");
	check_conns("user7", 1);
	assert_null(presence_find_conn(&presence, id_of("14")));
	assert_int_equal(presence.conns_count, MANY - 1);
	assert_int_equal(presence.users_count, MANY / 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define REFRESH_TEST(name) cmocka_unit_test_setup_teardown(name, setup_refreshing, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_comes_and_goes),
		TEST(a_reload_is_neither_offline_nor_online),
		TEST(what_was_never_told_is_not_taken_back),
		TEST(online_was_told_but_the_connection_was_not_written),
		TEST(the_same_id_again_is_the_same_connection),
		TEST(a_detach_too_many_is_nothing),
		TEST(an_action_can_be_read_until_something_happens),
		TEST(all_are_detached_at_the_end),
		TEST(no_linger_no_wait),
		TEST(a_long_device_name_is_cut),
		REFRESH_TEST(refreshes_are_spread_over_their_time),
		REFRESH_TEST(the_wait_is_exact),
		REFRESH_TEST(after_a_long_sleep_each_is_due_once),
		REFRESH_TEST(all_is_written_again_when_the_store_is_back),
		REFRESH_TEST(questions_are_answered_from_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
