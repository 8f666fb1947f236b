/* tests/unit/wire/command_test.c - what clients may ask for, and what they are told otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/command.h"

static struct command command;

static void check_type(const char *message, enum command_type expected)
{
	memset(&command, 0xA5, sizeof(command));
	command_parse(slice_of_text(message), &command);
	if (command.type != expected)
		fail_msg("%s is %d, not %d", message, (int)command.type, (int)expected);
	assert_int_equal(command.code != NULL, expected == COMMAND_BAD);
	assert_int_equal(command.text != NULL, expected == COMMAND_BAD);
}

static void check_bad(const char *message, const char *code)
{
	check_type(message, COMMAND_BAD);
	if (strcmp(command.code, code) != 0)
		fail_msg("%s is %s, not %s", message, command.code, code);
}

/* `expected` NULL: absent. */
static void check_slice(struct slice slice, const char *expected)
{
	assert_int_equal(slice_is_absent(slice), expected == NULL);
	if (expected && !slice_equal_text(slice, expected))
		fail_msg("%.*s is not %s", (int)slice.size, (const char *)slice.bytes, expected);
}

static void bare_words_are_exact(void **state)
{
	(void)state;
	check_type("ping", COMMAND_PING_TEXT);
	check_type("pong", COMMAND_PONG_TEXT);
	check_bad("ping ", "bad_json");
	check_bad(" ping", "bad_json");
	check_bad("Ping", "bad_json");
	check_bad("PING", "bad_json");
	check_bad("pin", "bad_json");
	check_bad("pings", "bad_json");
	check_bad("ping\n", "bad_json");
	check_bad("\"ping\"", "bad_message");
	check_bad("hello", "bad_json");
}

static void commands_without_members(void **state)
{
	(void)state;
	check_type("{\"type\":\"ping\"}", COMMAND_PING);
	check_type(" { \"x\" : [1] , \"type\" : \"pong\" } ", COMMAND_PONG);
	check_type("{\"type\":\"mark_all_read\"}", COMMAND_MARK_ALL_READ);
	check_type("{\"t\\u0079pe\":\"p\\u0069ng\"}", COMMAND_PING);
	check_type("{\"type\":\"ping\",\"type\":\"pong\"}", COMMAND_PING);
}

static void other_messages_are_told_why(void **state)
{
	static const struct {
		const char *message;
		const char *code;
	} rows[] = {
		{"", "bad_json"},
		{" ", "bad_json"},
		{"{", "bad_json"},
		{"{\"type\":\"ping\"", "bad_json"},
		{"{\"type\":\"ping\",}", "bad_json"},
		{"{'type':'ping'}", "bad_json"},
		{"{\"type\":\"ping\"}{\"type\":\"ping\"}", "bad_json"},
		{"[]", "bad_message"},
		{"[{\"type\":\"ping\"}]", "bad_message"},
		{"42", "bad_message"},
		{"null", "bad_message"},
		{"{}", "bad_message"},
		{"{\"type\":null}", "bad_message"},
		{"{\"type\":1}", "bad_message"},
		{"{\"type\":[\"ping\"]}", "bad_message"},
		{"{\"Type\":\"ping\"}", "bad_message"},
		{"{\"x\":{\"type\":\"ping\"}}", "bad_message"},
		{"{\"type\":\"\"}", "unknown_type"},
		{"{\"type\":\"Ping\"}", "unknown_type"},
		{"{\"type\":\"ping \"}", "unknown_type"},
		{"{\"type\":\"ping\\u0000\"}", "unknown_type"},
		{"{\"type\":\"\\ud800\"}", "unknown_type"},
		{"{\"type\":\"connected\"}", "unknown_type"},
		{"{\"type\":\"ack\"}", "bad_field"},
		{"{\"type\":\"ack\",\"event_id\":null}", "bad_field"},
		{"{\"type\":\"ack\",\"event_id\":\"\"}", "bad_field"},
		{"{\"type\":\"ack\",\"event_id\":\"x-y\"}", "bad_field"},
		{"{\"type\":\"ack\",\"event_id\":1769337000000}", "bad_field"},
		{"{\"type\":\"subscribe\"}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":null}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":5}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":\"\"}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":\"a b\"}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":\"a\\nb\"}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":\"\\ud800\"}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":[\"a\",\"b\"]}", "bad_channel"},
		{"{\"type\":\"subscribe\",\"channel\":\"a\",\"last_event_id\":\"x\"}", "bad_field"},
		{"{\"type\":\"subscribe\",\"channel\":\"a\",\"last_event_id\":5}", "bad_field"},
		{"{\"type\":\"unsubscribe\"}", "bad_channel"},
		{"{\"type\":\"unsubscribe\",\"channel\":\"a,b\"}", "bad_channel"},
		{"{\"type\":\"mark_read\"}", "bad_field"},
		{"{\"type\":\"mark_read\",\"notification_id\":\"\"}", "bad_field"},
		{"{\"type\":\"mark_read\",\"notification_id\":null}", "bad_field"},
		{"{\"type\":\"mark_read\",\"notification_id\":[1]}", "bad_field"},
		{"{\"type\":\"delete\"}", "bad_field"},
		{"{\"type\":\"delete\",\"notification_id\":\"\\udc00\"}", "bad_field"},
		{"{\"type\":\"typing\"}", "bad_field"},
		{"{\"type\":\"typing\",\"to\":\"\"}", "bad_field"},
		{"{\"type\":\"typing\",\"to\":\"a b\"}", "bad_field"},
		{"{\"type\":\"typing\",\"to\":true}", "bad_field"},
		{"{\"type\":\"publish\"}", "bad_channel"},
		{"{\"type\":\"publish\",\"channel\":\" \",\"data\":1}", "bad_channel"},
		{"{\"type\":\"publish\",\"channel\":\"a\",\"event\":\"\"}", "bad_field"},
		{"{\"type\":\"publish\",\"channel\":\"a\",\"event\":5}", "bad_field"},
		{"{\"type\":\"publish\",\"channel\":\"a\",\"event\":\"\\n\"}", "bad_field"},
		{"{\"type\":\"auth\"}", "bad_field"},
		{"{\"type\":\"auth\",\"token\":\"\"}", "bad_field"},
		{"{\"type\":\"auth\",\"token\":{}}", "bad_field"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_bad(rows[i].message, rows[i].code);
}

static void ack_has_an_event_id(void **state)
{
	(void)state;
	check_type("{\"type\":\"ack\",\"event_id\":\"1769337000000-7\"}", COMMAND_ACK);
	assert_true(event_id_equal(command.last_event_id, (struct event_id){1769337000000, 7}));
	check_type("{\"event_id\":\"\\u0035\",\"type\":\"ack\"}", COMMAND_ACK);
	assert_true(event_id_equal(command.last_event_id, (struct event_id){5, 0}));
}

static void subscribe_has_a_channel(void **state)
{
	(void)state;
	check_type("{\"type\":\"subscribe\",\"channel\":\"feed:42\"}", COMMAND_SUBSCRIBE);
	check_slice(command.channel, "feed:42");
	assert_false(command.has_last_event_id);
	check_type("{\"type\":\"subscribe\",\"channel\":\"f\\u00e9\\/\\\"\","
		   "\"last_event_id\":\"9-1\"}",
		   COMMAND_SUBSCRIBE);
	check_slice(command.channel, "f\xC3\xA9/\"");
	assert_true(command.has_last_event_id);
	assert_true(event_id_equal(command.last_event_id, (struct event_id){9, 1}));
	check_type("{\"type\":\"subscribe\",\"channel\":\"a\",\"last_event_id\":null}",
		   COMMAND_SUBSCRIBE);
	assert_false(command.has_last_event_id);
	check_type("{\"type\":\"unsubscribe\",\"channel\":\"a\",\"last_event_id\":5}",
		   COMMAND_UNSUBSCRIBE);
	check_slice(command.channel, "a");
	assert_false(command.has_last_event_id);
}

static void notifications_are_named(void **state)
{
	(void)state;
	check_type("{\"type\":\"mark_read\",\"notification_id\":\"notif_123\"}", COMMAND_MARK_READ);
	check_slice(command.notification_id, "notif_123");
	check_type("{\"type\":\"delete\",\"notification_id\":\"a\\tb\"}", COMMAND_DELETE);
	check_slice(command.notification_id, "a\tb");
	check_type("{\"type\":\"mark_read\",\"notification_id\":17}", COMMAND_MARK_READ);
	check_slice(command.notification_id, "17");
}

static void typing_names_a_user(void **state)
{
	(void)state;
	check_type("{\"type\":\"typing\",\"to\":\"user_9\"}", COMMAND_TYPING);
	check_slice(command.to, "user_9");
	check_slice(command.payload, NULL);
	check_type("{\"type\":\"typing\",\"to\":9,\"data\":{\"a\" : \"\\u0061\"} }",
		   COMMAND_TYPING);
	check_slice(command.to, "9");
	check_slice(command.payload, "{\"a\" : \"\\u0061\"}");
	check_type("{\"type\":\"typing\",\"to\":\"\\u0039\",\"data\":null}", COMMAND_TYPING);
	check_slice(command.to, "9");
	check_slice(command.payload, "null");
}

static void publish_has_event_and_data(void **state)
{
	(void)state;
	check_type("{\"type\":\"publish\",\"channel\":\"room:1\"}", COMMAND_PUBLISH);
	check_slice(command.channel, "room:1");
	check_slice(command.event, NULL);
	check_slice(command.payload, NULL);
	check_type("{\"type\":\"publish\",\"channel\":\"room:\\u0031\",\"event\":\"said\\u002e\","
		   "\"data\":[1, 2]}",
		   COMMAND_PUBLISH);
	check_slice(command.channel, "room:1");
	check_slice(command.event, "said.");
	check_slice(command.payload, "[1, 2]");
	check_type("{\"type\":\"publish\",\"channel\":\"a\",\"event\":null}", COMMAND_PUBLISH);
	check_slice(command.event, NULL);
}

static void auth_has_a_token(void **state)
{
	(void)state;
	check_type("{\"type\":\"auth\",\"token\":\"a.b.c\"}", COMMAND_AUTH);
	check_slice(command.token, "a.b.c");
	check_type("{\"type\":\"auth\",\"token\":\"a\\u002eb.c\"}", COMMAND_AUTH);
	check_slice(command.token, "a.b.c");
}

static void check_ref(const char *ref, const char *expected)
{
	char message[512];

	snprintf(message, sizeof(message), "{\"type\":\"ping\",\"ref\":%s}", ref);
	check_type(message, COMMAND_PING);
	check_slice(command.ref, expected);
	snprintf(message, sizeof(message), "{\"ref\":%s,\"type\":\"what\"}", ref);
	check_bad(message, "unknown_type");
	check_slice(command.ref, expected);
}

static void ref_is_kept_as_text(void **state)
{
	char ref[REF_SIZE_MAX + 2] = {0};

	(void)state;
	check_ref("7", "7");
	check_ref("-1.50e3", "-1.50e3");
	check_ref("\"r\\u0031 x\"", "\"r\\u0031 x\"");
	check_ref("\"\"", "\"\"");
	check_ref("null", NULL);
	check_ref("true", NULL);
	check_ref("[1]", NULL);
	check_ref("{\"a\":1}", NULL);
	memset(ref, '1', REF_SIZE_MAX);
	check_ref(ref, ref);
	memset(ref, '1', REF_SIZE_MAX + 1);
	check_ref(ref, NULL);
	check_bad("{\"ref\":7}", "bad_message");
	check_slice(command.ref, "7");
	check_bad("{\"ref\":7", "bad_json");
	check_slice(command.ref, NULL);
}

/* `escape` is written before `fill` bytes, in a member of this type. */
static void check_size(const char *start, const char *escape, size_t fill,
		       enum command_type expected)
{
	static char message[3 * TOKEN_SIZE_MAX];
	size_t size = (size_t)snprintf(message, sizeof(message), "%s%s", start, escape);

	memset(message + size, 'x', fill);
	memcpy(message + size + fill, "\"}", 3);
	check_type(message, expected);
}

static void sizes_are_bounded(void **state)
{
	static const char to[] = "{\"type\":\"typing\",\"to\":\"";
	static const char id[] = "{\"type\":\"delete\",\"notification_id\":\"";
	static const char channel[] = "{\"type\":\"subscribe\",\"channel\":\"";
	static const char event[] = "{\"type\":\"publish\",\"channel\":\"a\",\"event\":\"";
	static const char token[] = "{\"type\":\"auth\",\"token\":\"";

	(void)state;
	check_size(to, "", CHANNEL_SIZE_MAX - 7, COMMAND_TYPING); /* typing:{to} is a channel */
	check_size(to, "", CHANNEL_SIZE_MAX - 6, COMMAND_BAD);
	check_size(id, "\\u0061", 254, COMMAND_DELETE);
	check_size(id, "\\u0061", 255, COMMAND_BAD);
	check_size(channel, "", CHANNEL_SIZE_MAX, COMMAND_SUBSCRIBE);
	check_size(channel, "", CHANNEL_SIZE_MAX + 1, COMMAND_BAD);
	check_size(event, "", 128, COMMAND_PUBLISH);
	check_size(event, "", 129, COMMAND_BAD);
	check_size(token, "\\u0061", TOKEN_SIZE_MAX - 1, COMMAND_AUTH);
	assert_int_equal(command.token.size, TOKEN_SIZE_MAX);
	assert_int_equal(command.decoded_size, TOKEN_SIZE_MAX);
	check_size(token, "\\u0061", TOKEN_SIZE_MAX, COMMAND_BAD);
	assert_string_equal(command.code, "bad_field");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_words_are_exact),
		cmocka_unit_test(commands_without_members),
		cmocka_unit_test(other_messages_are_told_why),
		cmocka_unit_test(ack_has_an_event_id),
		cmocka_unit_test(subscribe_has_a_channel),
		cmocka_unit_test(notifications_are_named),
		cmocka_unit_test(typing_names_a_user),
		cmocka_unit_test(publish_has_event_and_data),
		cmocka_unit_test(auth_has_a_token),
		cmocka_unit_test(ref_is_kept_as_text),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
