/* tests/unit/log/redis_sentinel_test.c - where the master is, or why nobody says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "log/redis_sentinel.h"
#include "redis_feed.h"

static char master[] = "mymaster";
static char user[] = "u";
static char password[] = "pw";

#define QUESTION "*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$8\r\nmymaster\r\n"
#define NOAUTH "-NOAUTH Authentication required.\r\n"
#define ANSWER "*2\r\n$8\r\n10.0.0.7\r\n$4\r\n6380\r\n"

struct row {
	const struct config_redis *server;
	const char *replies;
	const char *address; /* "host port"; NULL: none */
	const char *error;
	const char *sent;
};

static void check_row(const struct row *row)
{
	struct slice bytes = slice_of_text(row->replies);
	struct redis_sentinel sentinel;
	char found[CONFIG_HOST_SIZE + 8];

	for (size_t way = 0; way <= bytes.size; way++) {
		redis_sentinel_init(&sentinel, row->server);
		assert_int_equal(redis_sentinel_open(&sentinel), STATUS_OK);
		enum status status = feed_way(&sentinel.session, bytes, way);
		assert_int_equal(status, row->error[0] ? STATUS_INVALID : STATUS_OK);
		assert_string_equal(sentinel.session.error, row->error);
		assert_int_equal(sentinel.state == REDIS_SENTINEL_ANSWERED, row->address != NULL);
		snprintf(found, sizeof(found), "%s %u", sentinel.address.host,
			 sentinel.address.port);
		if (row->address)
			assert_string_equal(found, row->address);
		char *output = take_output(&sentinel.session);
		assert_string_equal(output, row->sent);
		free(output);
		redis_sentinel_deinit(&sentinel);
	}
}

static void answers(void **state)
{
	static const struct config_redis open = {.master = master};
	static const char no_address[] = "the Sentinel's answer is no address";
	static const struct row rows[] = {
		{&open, "", NULL, "", QUESTION},
		{&open, ANSWER, "10.0.0.7 6380", "", QUESTION},
		{&open, "*2\r\n$14\r\nredis-0.redis.\r\n$4\r\n6379\r\n", "redis-0.redis. 6379", "",
		 QUESTION},
		{&open, "*2\r\n$3\r\n::1\r\n$5\r\n65535\r\n", "::1 65535", "", QUESTION},
		{&open, "*-1\r\n", NULL, "the Sentinel does not know the master: mymaster",
		 QUESTION},
		{&open, "$-1\r\n", NULL, "the Sentinel does not know the master: mymaster",
		 QUESTION},
		{&open, "-ERR unknown command\r\n", NULL,
		 "the Sentinel refused to answer: ERR unknown command", QUESTION},
		{&open, "+OK\r\n", NULL, no_address, QUESTION},
		{&open, "*0\r\n", NULL, no_address, QUESTION},
		{&open, "*1\r\n$1\r\nh\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n$0\r\n\r\n$4\r\n6379\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n$3\r\na b\r\n$4\r\n6379\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n$1\r\nh\r\n$1\r\n0\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n$1\r\nh\r\n$-1\r\n", NULL, no_address, QUESTION},
		{&open, "*2\r\n*2\r\n$1\r\nh\r\n$1\r\n1\r\n$1\r\n1\r\n", NULL, no_address,
		 QUESTION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void a_login_only_where_it_is_wanted(void **state)
{
	static const struct config_redis open = {.master = master};
	static const struct config_redis secret = {.master = master, .password = password};
	static const struct config_redis named = {
		.master = master, .user = user, .password = password, .db = 3};
	static const char refused[] =
		"the Sentinel refused to answer: NOAUTH Authentication required.";
	static const struct row rows[] = {
		{&open, NOAUTH, NULL, refused, QUESTION},
		{&secret, ANSWER, "10.0.0.7 6380", "", QUESTION},
		{&secret, NOAUTH, NULL, "", QUESTION "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" QUESTION},
		{&named, NOAUTH "+OK\r\n" ANSWER, "10.0.0.7 6380", "",
		 QUESTION "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n" QUESTION},
		{&secret, NOAUTH "-WRONGPASS no\r\n" NOAUTH, NULL,
		 "the Sentinel refused to answer: WRONGPASS no",
		 QUESTION "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" QUESTION},
		{&secret, NOAUTH "+OK\r\n" NOAUTH, NULL, refused,
		 QUESTION "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" QUESTION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void a_new_link_asks_again(void **state)
{
	static const struct config_redis secret = {.master = master, .password = password};
	struct redis_sentinel sentinel;

	(void)state;
	redis_sentinel_init(&sentinel, &secret);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(redis_sentinel_open(&sentinel), STATUS_OK);
		assert_int_equal(sentinel.state, REDIS_SENTINEL_ASKED);
		assert_int_equal(feed_text(&sentinel.session, NOAUTH "+OK\r\n" ANSWER), STATUS_OK);
		assert_int_equal(sentinel.state, REDIS_SENTINEL_ANSWERED);
	}
	redis_sentinel_deinit(&sentinel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(a_login_only_where_it_is_wanted),
		cmocka_unit_test(a_new_link_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
