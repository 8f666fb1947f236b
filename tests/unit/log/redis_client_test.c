/* tests/unit/log/redis_client_test.c - commands and their replies, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/writer.h"
#include "redis_feed.h"

/* What a call was told, as text: the depth of each value, its type and itself. */
struct told {
	struct redis_call call;
	struct redis_client *client; /* given a command from inside of the call, unless NULL */
	unsigned times;
	struct writer writer;
	char text[1024];
};

static void write_value(struct writer *writer, const struct redis_value *value)
{
	static const char marks[] = {'+', '-', ':', '_', '*'};

	writer_format(writer, "%u%c", value->depth, marks[value->type]);
	if (value->type == REPLY_TEXT || value->type == REPLY_ERROR)
		assert_non_null(value->text.bytes);
	else
		assert_null(value->text.bytes);
	writer_slice(writer, value->text);
	if (value->type == REPLY_INTEGER || value->type == REPLY_ARRAY)
		writer_format(writer, "%ld", (int64_t)value->number);
	writer_text(writer, " ");
}

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct told *told = CONTAINER_OF(call, struct told, call);
	struct slice again[] = {SLICE("AGAIN")};

	told->times++;
	if (status != STATUS_OK) {
		assert_null(reply);
		writer_text(&told->writer, status_text(status));
		return;
	}
	assert_true(reply->count > 0);
	for (uint32_t i = 0; i < reply->count; i++)
		write_value(&told->writer, &reply->values[i]);
	if (told->client) {
		struct redis_client *client = told->client;

		told->client = NULL;
		assert_int_equal(redis_client_add(client, again, 1, &told->call), STATUS_OK);
	}
}

static void expect_call(struct told *told)
{
	*told = (struct told){.call = {on_reply}};
	writer_init(&told->writer, told->text, sizeof(told->text));
}

static void check_told(const struct told *told, const char *expected)
{
	assert_int_equal(told->times, 1);
	if (!slice_equal_text(writer_written(&told->writer), expected))
		fail_msg("told \"%.*s\", not \"%s\"", (int)told->writer.size, told->text, expected);
}

static void check_reply(const char *text, const char *expected)
{
	size_t size = strlen(text);
	struct told told;

	for (size_t way = 0; way <= size; way++) {
		expect_call(&told);
		assert_int_equal(reply_in_way(slice_of(text, size), way, &told.call), STATUS_OK);
		check_told(&told, expected);
	}
}

static void replies_become_lists(void **state)
{
	static const char *const rows[][2] = {
		{"+OK\r\n", "0+OK "},
		{"+\r\n", "0+ "},
		{"$5\r\nhello\r\n", "0+hello "},
		{"$0\r\n\r\n", "0+ "},
		{"$4\r\n\r\n\r\n\r\n", "0+\r\n\r\n "},
		{":0\r\n", "0:0 "},
		{":-7\r\n", "0:-7 "},
		{"$-1\r\n", "0_ "},
		{"*-1\r\n", "0_ "},
		{"*0\r\n", "0*0 "},
		{"-ERR no\r\n", "0-ERR no "},
		{"*3\r\n$1\r\na\r\n:2\r\n$-1\r\n", "0*3 1+a 1:2 1_ "},
		{"*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$2\r\nto\r\n$3\r\nall\r\n*0\r\n",
		 "0*2 1*2 2+1-0 2*2 3+to 3+all 1*0 "},
		{"*2\r\n-WRONGTYPE x\r\n+QUEUED\r\n", "0*2 1-WRONGTYPE x 1+QUEUED "},
		{"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "0*1 1*1 2*1 3*1 4*1 5*1 6:1 "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_reply(rows[i][0], rows[i][1]);
}

/* Values and bytes move while they grow. */
static void a_large_reply_is_whole(void **state)
{
	struct redis_client client;
	struct told told;
	struct slice ask[] = {SLICE("ASK")};
	char one[64];

	(void)state;
	assert_true(make_ready(&client));
	expect_call(&told);
	assert_int_equal(redis_client_add(&client, ask, 1, &told.call), STATUS_OK);
	assert_int_equal(feed_text(&client.session, "*5000\r\n"), STATUS_OK);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(one, sizeof(one), "$10\r\nvalue%05u\r\n", i);
		assert_int_equal(told.times, 0);
		assert_int_equal(feed_text(&client.session, one), STATUS_OK);
	}
	assert_int_equal(told.times, 1);
	assert_int_equal(client.values_count, 5001);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(one, sizeof(one), "value%05u", i);
		assert_true(slice_equal_text(client.values[i + 1].text, one));
	}
	redis_client_deinit(&client);
}

/* ---- readiness ---- */

static void check_greeting(const struct config_redis *server, const char *expected)
{
	struct redis_client client;
	char *output;

	redis_client_init(&client, server, "test");
	assert_int_equal(redis_client_open(&client), STATUS_OK);
	output = take_output(&client.session);
	assert_string_equal(output, expected);
	free(output);
	redis_client_deinit(&client);
}

#define SETNAME "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$4\r\ntest\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"

static void it_greets_then_pings(void **state)
{
	char user[] = "u", password[] = "pw";

	(void)state;
	check_greeting(&plain_server, SETNAME PING);
	check_greeting(&(struct config_redis){.user = user, .password = password, .db = 3},
		       "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n"
		       "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" SETNAME PING);
}

/* `error` NULL: it is ready. */
static void check_ready(const char *replies, const char *error)
{
	struct slice bytes = slice_of_text(replies);
	struct redis_client client;

	for (size_t way = 0; way <= bytes.size; way++) {
		redis_client_init(&client, &plain_server, "test");
		assert_int_equal(redis_client_open(&client), STATUS_OK);
		assert_false(client.is_ready);
		enum status status = feed_way(&client.session, bytes, way);
		assert_int_equal(status, error ? STATUS_INVALID : STATUS_OK);
		assert_string_equal(client.session.error, error ? error : "");
		assert_int_equal(client.is_ready, !error);
		redis_client_close(&client);
		redis_client_deinit(&client);
	}
}

static void ready_when_the_ping_is_answered(void **state)
{
	(void)state;
	check_ready("+OK\r\n+PONG\r\n", NULL);
	check_ready("+OK\r\n-MISCONF Redis is configured to save RDB snapshots\r\n", NULL);
	check_ready("+OK\r\n-LOADING Redis is loading the dataset in memory\r\n",
		    "Redis is not ready: LOADING Redis is loading the dataset in memory");
	check_ready("-NOAUTH Authentication required.\r\n",
		    "Redis refused the greeting: NOAUTH Authentication required.");
	check_ready("HTTP/1.1 400 Bad Request\r\n", "what Redis sent is not its protocol");
}

static void no_command_before_it_is_ready(void **state)
{
	struct slice ask[] = {SLICE("ASK")};
	struct redis_client client;

	(void)state;
	redis_client_init(&client, &plain_server, "test");
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_UNAVAILABLE);
	assert_int_equal(redis_client_open(&client), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_UNAVAILABLE);
	assert_int_equal(feed_text(&client.session, "+OK\r\n+PONG\r\n"), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_OK);
	redis_client_close(&client);
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_UNAVAILABLE);
	redis_client_deinit(&client);
}

/* ---- calls ---- */

static void replies_come_in_order(void **state)
{
	static const char replies[] = ":1\r\n+nobody hears this\r\n-ERR 2\r\n*2\r\n:3\r\n:4\r\n";
	struct slice ask[] = {SLICE("ASK")};
	struct slice bytes = slice_of_text(replies);
	struct redis_client client;
	struct told first, second, third;

	(void)state;
	for (size_t way = 0; way <= bytes.size; way++) {
		assert_true(make_ready(&client));
		expect_call(&first);
		expect_call(&second);
		expect_call(&third);
		assert_int_equal(redis_client_add(&client, ask, 1, &first.call), STATUS_OK);
		assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_OK);
		assert_int_equal(redis_client_add(&client, ask, 1, &second.call), STATUS_OK);
		assert_int_equal(redis_client_add(&client, ask, 1, &third.call), STATUS_OK);
		assert_int_equal(feed_way(&client.session, bytes, way), STATUS_OK);
		check_told(&first, "0:1 ");
		check_told(&second, "0-ERR 2 ");
		check_told(&third, "0*2 1:3 1:4 ");
		assert_int_equal(client.count, 0);
		redis_client_deinit(&client);
	}
}

static void commands_are_copied(void **state)
{
	uint8_t key[] = "k\0y";
	struct slice words[] = {SLICE("GET"), slice_of(key, 3), SLICE("")};
	struct redis_client client;

	(void)state;
	assert_true(make_ready(&client));
	assert_int_equal(redis_client_add(&client, words, 3, NULL), STATUS_OK);
	memset(key, 'x', sizeof(key));
	assert_true(slice_equal(redis_session_output(&client.session),
				SLICE("*3\r\n$3\r\nGET\r\n$3\r\nk\0y\r\n$0\r\n\r\n")));
	redis_client_deinit(&client);
}

static void a_call_may_ask_again(void **state)
{
	struct slice ask[] = {SLICE("ASK")};
	struct redis_client client;
	struct told told;

	(void)state;
	assert_true(make_ready(&client));
	expect_call(&told);
	told.client = &client;
	assert_int_equal(redis_client_add(&client, ask, 1, &told.call), STATUS_OK);
	assert_int_equal(feed_text(&client.session, "$1\r\na\r\n$1\r\nb\r\n"), STATUS_OK);
	assert_int_equal(told.times, 2);
	assert_true(slice_equal_text(writer_written(&told.writer), "0+a 0+b "));
	redis_client_deinit(&client);
}

static void a_broken_link_is_told(void **state)
{
	struct slice ask[] = {SLICE("ASK")};
	struct redis_client client;
	struct told whole, half, waiting;

	(void)state;
	assert_true(make_ready(&client));
	expect_call(&whole);
	expect_call(&half);
	expect_call(&waiting);
	assert_int_equal(redis_client_add(&client, ask, 1, &whole.call), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, &half.call), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, &waiting.call), STATUS_OK);
	assert_int_equal(feed_text(&client.session, ":1\r\n*2\r\n$5\r\nhel"), STATUS_OK);
	redis_client_close(&client);
	check_told(&whole, "0:1 ");
	check_told(&half, "the other side cannot be reached");
	check_told(&waiting, "the other side cannot be reached");

	/* and the next link begins anew */
	assert_int_equal(redis_client_open(&client), STATUS_OK);
	assert_int_equal(feed_text(&client.session, "+OK\r\n+PONG\r\n"), STATUS_OK);
	expect_call(&whole);
	assert_int_equal(redis_client_add(&client, ask, 1, &whole.call), STATUS_OK);
	assert_int_equal(feed_text(&client.session, "+b\r\n"), STATUS_OK);
	check_told(&whole, "0+b ");
	redis_client_deinit(&client);
}

static void after_a_failure_no_reply_counts(void **state)
{
	struct slice ask[] = {SLICE("ASK")};
	struct redis_client client;
	struct told told;

	(void)state;
	assert_true(make_ready(&client));
	assert_int_equal(feed_text(&client.session, "+who asked?\r\n"), STATUS_INVALID);
	assert_string_equal(client.session.error, "Redis answered what nobody asked");
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_UNAVAILABLE);
	redis_client_close(&client);
	redis_client_deinit(&client);

	assert_true(make_ready(&client));
	expect_call(&told);
	assert_int_equal(redis_client_add(&client, ask, 1, NULL), STATUS_OK);
	assert_int_equal(redis_client_add(&client, ask, 1, &told.call), STATUS_OK);
	assert_int_equal(feed_text(&client.session, "+one\r\n?\r\n+two\r\n"), STATUS_INVALID);
	assert_int_equal(told.times, 0);
	redis_client_close(&client);
	check_told(&told, "the other side cannot be reached");
	redis_client_deinit(&client);
}

/* The ring grows while it is turned, up to its limit. */
static void many_calls_are_pending(void **state)
{
	struct slice ask[] = {SLICE("ASK")};
	struct redis_client client;
	struct told *told = calloc(REDIS_CLIENT_PENDING_MAX + 40, sizeof(*told));
	uint32_t last = REDIS_CLIENT_PENDING_MAX + 39;
	char number[24];

	(void)state;
	assert_true(make_ready(&client));
	for (uint32_t i = 0; i < last; i++) {
		expect_call(&told[i]);
		assert_int_equal(redis_client_add(&client, ask, 1, &told[i].call), STATUS_OK);
		if (i < 39) /* the ring's beginning moves on */
			assert_int_equal(feed_text(&client.session, ":7\r\n"), STATUS_OK);
	}
	assert_int_equal(client.count, REDIS_CLIENT_PENDING_MAX);
	assert_int_equal(redis_client_add(&client, ask, 1, &told[last].call), STATUS_AGAIN);
	for (uint32_t i = 39; i < last; i++) {
		snprintf(number, sizeof(number), ":%u\r\n", i);
		assert_int_equal(feed_text(&client.session, number), STATUS_OK);
		snprintf(number, sizeof(number), "0:%u ", i);
		check_told(&told[i], number);
	}
	assert_int_equal(told[last].times, 0);
	redis_client_deinit(&client);
	free(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_become_lists),
		cmocka_unit_test(a_large_reply_is_whole),
		cmocka_unit_test(it_greets_then_pings),
		cmocka_unit_test(ready_when_the_ping_is_answered),
		cmocka_unit_test(no_command_before_it_is_ready),
		cmocka_unit_test(replies_come_in_order),
		cmocka_unit_test(commands_are_copied),
		cmocka_unit_test(a_call_may_ask_again),
		cmocka_unit_test(a_broken_link_is_told),
		cmocka_unit_test(after_a_failure_no_reply_counts),
		cmocka_unit_test(many_calls_are_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
