/* tests/unit/log/redis_pubsub_test.c - subscriptions and what they bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/writer.h"
#include "log/redis_pubsub.h"
#include "redis_feed.h"

#define CONFIRMED(kind_size, kind, channel_size, channel, number) \
	"*3\r\n$" kind_size "\r\n" kind "\r\n$" channel_size "\r\n" channel "\r\n:" number "\r\n"
#define CONFIRMED_THREE                                        \
	CONFIRMED("9", "subscribe", "12", "ws:broadcast", "1") \
	CONFIRMED("10", "psubscribe", "9", "ws:user:*", "2")   \
	CONFIRMED("10", "psubscribe", "15", "ws:connection:*", "3")
#define CONFIRMED_ALL CONFIRMED_THREE CONFIRMED("10", "psubscribe", "12", "ws:channel:*", "4")

static char told[2048];
static struct writer writer;

static void on_message(void *owner, struct slice channel, struct slice payload)
{
	assert_ptr_equal(owner, &told);
	writer_slice(&writer, channel);
	writer_text(&writer, "=");
	writer_slice(&writer, payload);
	writer_text(&writer, ";");
}

static void open_pubsub(struct redis_pubsub *pubsub)
{
	writer_init(&writer, told, sizeof(told));
	redis_pubsub_init(pubsub, &plain_server, (struct redis_pubsub_listener){on_message, &told});
	assert_int_equal(redis_pubsub_open(pubsub), STATUS_OK);
}

static void it_subscribes(void **state)
{
	struct redis_pubsub pubsub;

	(void)state;
	open_pubsub(&pubsub);
	char *output = take_output(&pubsub.session);
	assert_string_equal(output,
			    "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$13\r\nbelfry-pubsub\r\n"
			    "*2\r\n$9\r\nSUBSCRIBE\r\n$12\r\nws:broadcast\r\n"
			    "*4\r\n$10\r\nPSUBSCRIBE\r\n$9\r\nws:user:*\r\n"
			    "$15\r\nws:connection:*\r\n$12\r\nws:channel:*\r\n");
	free(output);
	redis_pubsub_deinit(&pubsub);
}

struct row {
	const char *replies; /* after the greeting */
	const char *told;
	bool is_ready;
	const char *error; /* "" for none */
};

static void check_row(const struct row *row)
{
	struct slice bytes = slice_of_text(row->replies);
	struct redis_pubsub pubsub;

	for (size_t way = 0; way <= bytes.size; way++) {
		open_pubsub(&pubsub);
		assert_int_equal(feed_text(&pubsub.session, "+OK\r\n"), STATUS_OK);
		assert_int_equal(feed_way(&pubsub.session, bytes, way),
				 row->error[0] ? STATUS_INVALID : STATUS_OK);
		assert_string_equal(pubsub.session.error, row->error);
		assert_int_equal(pubsub.is_ready, row->is_ready);
		if (!slice_equal_text(writer_written(&writer), row->told))
			fail_msg("%s\ntells \"%.*s\"", row->replies, (int)writer.size, told);
		redis_pubsub_deinit(&pubsub);
	}
}

static void it_is_ready_when_all_is_confirmed(void **state)
{
	static const struct row rows[] = {
		{"", "", false, ""},
		{CONFIRMED_THREE, "", false, ""},
		{CONFIRMED_ALL, "", true, ""},
		{CONFIRMED_THREE "-NOPERM this user has no permissions\r\n", "", false,
		 "Redis refused to subscribe: NOPERM this user has no permissions"},
		{CONFIRMED_THREE
		 "-NOPERM x\r\n" CONFIRMED("10", "psubscribe", "12", "ws:channel:*", "4"),
		 "", false, "Redis refused to subscribe: NOPERM x"},
		{"-LOADING Redis is loading\r\n", "", false,
		 "Redis is not ready: LOADING Redis is loading"},
		{CONFIRMED_ALL CONFIRMED("12", "punsubscribe", "9", "ws:user:*", "3"), "", false,
		 "Redis ended a subscription"},
		{CONFIRMED_ALL "?", "", true, "what Redis sent is not its protocol"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

#define MESSAGE(channel_size, channel, payload_size, payload)                                      \
	"*3\r\n$7\r\nmessage\r\n$" channel_size "\r\n" channel "\r\n$" payload_size "\r\n" payload \
	"\r\n"
#define PMESSAGE(channel_size, channel, payload_size, payload)                     \
	"*4\r\n$8\r\npmessage\r\n$9\r\nws:user:*\r\n$" channel_size "\r\n" channel \
	"\r\n$" payload_size "\r\n" payload "\r\n"

static void messages_are_told(void **state)
{
	static const struct row rows[] = {
		{CONFIRMED_ALL MESSAGE("12", "ws:broadcast", "7", "{\"a\":1}"),
		 "ws:broadcast={\"a\":1};", true, ""},
		{CONFIRMED_ALL PMESSAGE("9", "ws:user:7", "2", "{}")
			 PMESSAGE("9", "ws:user:8", "0", ""),
		 "ws:user:7={};ws:user:8=;", true, ""},
		{CONFIRMED_ALL PMESSAGE("0", "", "4", "\r\n\r\n"), "=\r\n\r\n;", true, ""},
		/* before the rest is confirmed */
		{CONFIRMED_THREE PMESSAGE("9", "ws:user:7", "2", "{}"), "ws:user:7={};", false, ""},
		/* what looks like a message but has not its shape */
		{CONFIRMED_ALL "*2\r\n+message\r\n+c\r\n", "", true, ""},
		{CONFIRMED_ALL "*3\r\n+message\r\n+c\r\n:1\r\n", "", true, ""},
		{CONFIRMED_ALL "*3\r\n+message\r\n+c\r\n*1\r\n+p\r\n", "", true, ""},
		{CONFIRMED_ALL "*1\r\n*3\r\n+message\r\n+c\r\n+p\r\n", "", true, ""},
		{CONFIRMED_ALL "+message\r\n:1\r\n*0\r\n$-1\r\n", "", true, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* Cut at a size that no channel of ours can have. */
static void a_long_channel_is_cut(void **state)
{
	struct redis_pubsub pubsub;
	char reply[1200];
	char channel[701];

	(void)state;
	memset(channel, 'c', sizeof(channel));
	channel[sizeof(channel) - 1] = '\0';
	snprintf(reply, sizeof(reply), "*3\r\n$7\r\nmessage\r\n$700\r\n%s\r\n$2\r\n{}\r\n",
		 channel);
	open_pubsub(&pubsub);
	assert_int_equal(feed_text(&pubsub.session, "+OK\r\n"), STATUS_OK);
	assert_int_equal(feed_text(&pubsub.session, reply), STATUS_OK);
	assert_int_equal(writer.size, REDIS_PUBSUB_CHANNEL_SIZE + strlen("={};"));
	redis_pubsub_deinit(&pubsub);
}

static void a_ping_is_answered(void **state)
{
	static const char *const pongs[] = {"*2\r\n$4\r\npong\r\n$0\r\n\r\n", "+PONG\r\n"};
	struct redis_pubsub pubsub;

	(void)state;
	open_pubsub(&pubsub);
	assert_int_equal(feed_text(&pubsub.session, "+OK\r\n" CONFIRMED_ALL), STATUS_OK);
	for (size_t i = 0; i < ARRAY_SIZE(pongs); i++) {
		free(take_output(&pubsub.session));
		assert_int_equal(redis_pubsub_ping(&pubsub), STATUS_OK);
		char *output = take_output(&pubsub.session);
		assert_string_equal(output, "*1\r\n$4\r\nPING\r\n");
		free(output);
		assert_int_equal(redis_pubsub_ping(&pubsub), STATUS_AGAIN);
		assert_int_equal(feed_text(&pubsub.session, MESSAGE("1", "c", "2", "{}")),
				 STATUS_OK);
		assert_int_equal(pubsub.pings_pending, 1);
		assert_int_equal(feed_text(&pubsub.session, pongs[i]), STATUS_OK);
		assert_int_equal(pubsub.pings_pending, 0);
		assert_true(pubsub.is_ready);
	}
	redis_pubsub_deinit(&pubsub);
}

static void a_new_link_begins_anew(void **state)
{
	struct redis_pubsub pubsub;

	(void)state;
	open_pubsub(&pubsub);
	assert_int_equal(feed_text(&pubsub.session, "+OK\r\n" CONFIRMED_ALL "*3\r\n+message\r\n"),
			 STATUS_OK);
	assert_int_equal(redis_pubsub_ping(&pubsub), STATUS_OK);
	redis_pubsub_close(&pubsub);
	assert_false(pubsub.is_ready);
	assert_int_equal(redis_pubsub_open(&pubsub), STATUS_OK);
	assert_int_equal(pubsub.pings_pending, 0);
	assert_int_equal(feed_text(&pubsub.session, "+OK\r\n" CONFIRMED_THREE), STATUS_OK);
	assert_false(pubsub.is_ready);
	assert_int_equal(writer.size, 0);
	redis_pubsub_deinit(&pubsub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_subscribes),
		cmocka_unit_test(it_is_ready_when_all_is_confirmed),
		cmocka_unit_test(messages_are_told),
		cmocka_unit_test(a_long_channel_is_cut),
		cmocka_unit_test(a_ping_is_answered),
		cmocka_unit_test(a_new_link_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
