/* tests/unit/wire/socket_io_test.c - packets in, as the reference takes them, and packets out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/socket_io.h"

static const struct slice absent = {NULL, 0};

static void check_slice(struct slice slice, const char *expected)
{
	assert_int_equal(slice_is_absent(slice), expected == NULL);
	if (expected && !slice_equal_text(slice, expected))
		fail_msg("%.*s is not %s", (int)slice.size, (const char *)slice.bytes, expected);
}

struct expected {
	enum socket_io_type type;
	const char *name_space;
	int64_t ack_id; /* -1: none */
	const char *payload;
	const char *event; /* NULL: no event */
	uint32_t attachments;
};

static void check_packet(const char *text, const struct expected *expected)
{
	struct socket_io_packet packet;

	memset(&packet, 0xA5, sizeof(packet));
	if (!socket_io_parse(slice_of_text(text), &packet))
		fail_msg("%s is no packet", text);
	assert_int_equal(packet.type, expected->type);
	assert_int_equal(packet.attachments, expected->attachments);
	assert_int_equal(packet.has_ack_id, expected->ack_id >= 0);
	if (packet.has_ack_id)
		assert_int_equal(packet.ack_id, expected->ack_id);
	check_slice(packet.name_space, expected->name_space);
	check_slice(packet.payload, expected->payload);
	if (expected->event)
		check_slice(packet.event.text, expected->event);
}

static void packets_of_the_specification(void **state)
{
	static const struct {
		const char *text;
		struct expected expected;
	} rows[] = {
		{"0", {SOCKET_IO_CONNECT, "/", -1, NULL, NULL, 0}},
		{"0{\"token\":\"123\"}",
		 {SOCKET_IO_CONNECT, "/", -1, "{\"token\":\"123\"}", NULL, 0}},
		{"0/admin,", {SOCKET_IO_CONNECT, "/admin", -1, NULL, NULL, 0}},
		{"0/admin", {SOCKET_IO_CONNECT, "/admin", -1, NULL, NULL, 0}},
		{"0/admin,{\"a\":1}", {SOCKET_IO_CONNECT, "/admin", -1, "{\"a\":1}", NULL, 0}},
		{"1", {SOCKET_IO_DISCONNECT, "/", -1, NULL, NULL, 0}},
		{"1/admin,", {SOCKET_IO_DISCONNECT, "/admin", -1, NULL, NULL, 0}},
		{"2[\"hello\",1]", {SOCKET_IO_EVENT, "/", -1, "[\"hello\",1]", "\"hello\"", 0}},
		{"2/admin,456[\"project:delete\",123]",
		 {SOCKET_IO_EVENT, "/admin", 456, "[\"project:delete\",123]", "\"project:delete\"",
		  0}},
		{"212[\"a\"]", {SOCKET_IO_EVENT, "/", 12, "[\"a\"]", "\"a\"", 0}},
		{"20[\"a\"]", {SOCKET_IO_EVENT, "/", 0, "[\"a\"]", "\"a\"", 0}},
		{"2[ 7 ]", {SOCKET_IO_EVENT, "/", -1, "[ 7 ]", "7", 0}},
		{"2[\"Connect\"]", {SOCKET_IO_EVENT, "/", -1, "[\"Connect\"]", "\"Connect\"", 0}},
		{"3/admin,456[]", {SOCKET_IO_ACK, "/admin", 456, "[]", NULL, 0}},
		{"312[{\"ok\":true}]", {SOCKET_IO_ACK, "/", 12, "[{\"ok\":true}]", NULL, 0}},
		{"4{\"message\":\"Not authorized\"}",
		 {SOCKET_IO_CONNECT_ERROR, "/", -1, "{\"message\":\"Not authorized\"}", NULL, 0}},
		{"4\"no\"", {SOCKET_IO_CONNECT_ERROR, "/", -1, "\"no\"", NULL, 0}},
		{"51-[\"hello\",{\"_placeholder\":true,\"num\":0}]",
		 {SOCKET_IO_BINARY_EVENT, "/", -1, "[\"hello\",{\"_placeholder\":true,\"num\":0}]",
		  "\"hello\"", 1}},
		{"510-/admin,456[\"a\"]",
		 {SOCKET_IO_BINARY_EVENT, "/admin", 456, "[\"a\"]", "\"a\"", 10}},
		{"50-[\"a\"]", {SOCKET_IO_BINARY_EVENT, "/", -1, "[\"a\"]", "\"a\"", 0}},
		{"61-/admin,456[{\"_placeholder\":true,\"num\":0}]",
		 {SOCKET_IO_BINARY_ACK, "/admin", 456, "[{\"_placeholder\":true,\"num\":0}]", NULL,
		  1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_packet(rows[i].text, &rows[i].expected);
}

static void what_is_no_packet(void **state)
{
	static const char *const texts[] = {
		"",
		"7",
		"9[]",
		"x",
		"-",
		" 2[\"a\"]",
		"2",
		"2{}",
		"2\"a\"",
		"2[]",
		"2[null]",
		"2[true]",
		"2[[\"a\"]]",
		"2[{\"a\":1}]",
		"2[\"a\"",
		"2[\"a\"]]",
		"2[\"a\"] x",
		"2[\"a\",]",
		"2a[\"a\"]",
		"212a[\"a\"]",
		"2-1[\"a\"]",
		"2/admin[\"a\"]",
		"2/admin",
		"2/admin,",
		"299999999999999999[\"a\"]",
		"2[\"connect\"]",
		"2[\"connect_error\",1]",
		"2[\"disconnect\"]",
		"2[\"disconnecting\"]",
		"2[\"newListener\"]",
		"2[\"removeListener\"]",
		"2[\"c\\u006fnnect\"]",
		"3",
		"3{}",
		"312",
		"4",
		"4[]",
		"41",
		"5[\"a\"]",
		"5-[\"a\"]",
		"51[\"a\"]",
		"511-[\"a\"]",
		"599999999999999999999-[\"a\"]",
		"51-",
		"51-[]",
		"61-{}",
		"0[]",
		"0\"a\"",
		"0null",
		"0{",
		"0{}x",
		"1{}",
		"1[]",
		"1/admin,x",
		"2[\"\\ud800\",}]",
	};
	struct socket_io_packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (socket_io_parse(slice_of_text(texts[i]), &packet))
			fail_msg("%s is a packet", texts[i]);
}

/* Every beginning of a packet is none, but those that are whole by themselves. */
static void packets_that_are_cut(void **state)
{
	static const char text[] = "2/admin,456[\"project:delete\",{\"a\":[1,2]}]";
	struct socket_io_packet packet;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_false(socket_io_parse(slice_of(text, size), &packet));
	assert_true(socket_io_parse(slice_of(text, sizeof(text) - 1), &packet));
}

static void check_argument(const char *text, uint32_t index, const char *expected)
{
	struct socket_io_packet packet;
	struct json_value value;

	assert_true(socket_io_parse(slice_of_text(text), &packet));
	assert_int_equal(socket_io_argument(&packet, index, &value), expected != NULL);
	if (expected)
		check_slice(value.text, expected);
}

static void arguments_follow_the_name(void **state)
{
	(void)state;
	check_argument("2[\"a\",1,{\"b\":[2,3]} , null]", 0, "1");
	check_argument("2[\"a\",1,{\"b\":[2,3]} , null]", 1, "{\"b\":[2,3]}");
	check_argument("2[\"a\",1,{\"b\":[2,3]} , null]", 2, "null");
	check_argument("2[\"a\",1,{\"b\":[2,3]} , null]", 3, NULL);
	check_argument("2[\"a\"]", 0, NULL);
	check_argument("35[1,2]", 0, "1");
	check_argument("35[1,2]", 1, "2");
	check_argument("35[]", 0, NULL);
	check_argument("0{\"a\":1}", 0, NULL);
	check_argument("1", 0, NULL);
}

static void namespaces_that_may_be_configured(void **state)
{
	char longest[SOCKET_IO_NAMESPACE_SIZE_MAX + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	assert_true(socket_io_namespace_is_valid(SLICE("/")));
	assert_true(socket_io_namespace_is_valid(SLICE("/admin")));
	assert_true(socket_io_namespace_is_valid(SLICE("/a.B-c_9/d")));
	assert_true(socket_io_namespace_is_valid(slice_of(longest, sizeof(longest) - 1)));
	assert_false(socket_io_namespace_is_valid(slice_of(longest, sizeof(longest))));
	assert_false(socket_io_namespace_is_valid(SLICE("")));
	assert_false(socket_io_namespace_is_valid(SLICE("admin")));
	assert_false(socket_io_namespace_is_valid(SLICE("/a,b")));
	assert_false(socket_io_namespace_is_valid(SLICE("/a?b")));
	assert_false(socket_io_namespace_is_valid(SLICE("/a b")));
	assert_false(socket_io_namespace_is_valid(SLICE("/\"")));
}

/* ---- packets out ---- */

static uint8_t bytes[2048];
static struct writer writer;

static void begin(void)
{
	writer_init(&writer, bytes, sizeof(bytes));
}

static void check_written(const char *expected)
{
	assert_false(writer.overflow);
	check_slice(writer_written(&writer), expected);
	begin();
}

static void packets_to_one_client(void **state)
{
	(void)state;
	begin();
	socket_io_write_connect(&writer, SLICE("/"), SLICE("abc"), absent);
	check_written("0{\"sid\":\"abc\"}");
	socket_io_write_connect(&writer, SLICE("/admin"), SLICE("abc"), SLICE("p"));
	check_written("0/admin,{\"sid\":\"abc\",\"pid\":\"p\"}");
	socket_io_write_disconnect(&writer, SLICE("/"));
	check_written("1");
	socket_io_write_disconnect(&writer, SLICE("/admin"));
	check_written("1/admin,");
	socket_io_write_connect_error(&writer, SLICE("/nope"), "Invalid namespace", NULL);
	check_written("4/nope,{\"message\":\"Invalid namespace\"}");
	socket_io_write_connect_error(&writer, SLICE("/"), "a \"b\"", "CODE");
	check_written("4{\"message\":\"a \\\"b\\\"\",\"data\":{\"code\":\"CODE\"}}");
	socket_io_write_ack(&writer, SLICE("/"), 0, absent);
	check_written("30[]");
	socket_io_write_ack(&writer, SLICE("/admin"), 456, SLICE("{\"ok\":true}"));
	check_written("3/admin,456[{\"ok\":true}]");
	socket_io_write_refusal(&writer, "code", "why \"so\"");
	check_written("{\"ok\":false,\"error\":\"code\",\"message\":\"why \\\"so\\\"\"}");
}

static void check_event(const char *event, const char *payload, const char *offset,
			const char *expected)
{
	const struct socket_io_event said = {
		.name_space = SLICE("/"),
		.event = slice_of_text(event),
		.payload = slice_of_text(payload),
		.offset = slice_of_text(offset),
	};

	begin();
	socket_io_write_event(&writer, &said);
	assert_true(writer.size <= socket_io_event_size_max(&said));
	check_written(expected);
}

static void events(void **state)
{
	(void)state;
	check_event("a", "1", "5-0", "2[\"a\",1,\"5-0\"]");
	check_event("a", "{\"b\":2}", NULL, "2[\"a\",{\"b\":2}]");
	check_event("a", "\"text\"", "5-0", "2[\"a\",\"text\",\"5-0\"]");
	check_event("a", "\"text\"", NULL, "2[\"a\",\"text\",null]");
	check_event("a\"b\\", "1", NULL, "2[\"a\\\"b\\\\\",1]");
	check_event("connect", "1", NULL, "2[\"event:connect\",1]");
	check_event("removeListener", "1", "5-0", "2[\"event:removeListener\",1,\"5-0\"]");
	check_event("connected", "1", NULL, "2[\"connected\",1]");
	check_event("\1\2\3\4", "[]", "18446744073709551615-18446744073709551615",
		    "2[\"\\u0001\\u0002\\u0003\\u0004\",[],"
		    "\"18446744073709551615-18446744073709551615\"]");
}

static void check_frame(size_t payload_size, size_t header_size)
{
	static char payload[70000];
	static uint8_t room[80000];
	struct socket_io_event said = {.name_space = SLICE("/a"), .event = SLICE("e")};

	memset(payload, '1', sizeof(payload));
	said.payload = slice_of(payload, payload_size);
	assert_true(socket_io_frame_size_max(&said) <= sizeof(room));
	struct slice frame = socket_io_write_frame(&said, room);

	assert_true(frame.bytes >= room &&
		    frame.bytes + frame.size <= room + socket_io_frame_size_max(&said));
	assert_int_equal(frame.size, header_size + sizeof("42/a,[\"e\",]") - 1 + payload_size);
	assert_int_equal(frame.bytes[0], 0x81);
	assert_memory_equal(frame.bytes + header_size, "42/a,[\"e\",1", 11);
	assert_int_equal(frame.bytes[frame.size - 1], ']');
}

static void frames_have_the_header_of_their_size(void **state)
{
	(void)state;
	check_frame(1, 2);
	check_frame(114, 2);
	check_frame(115, 4);
	check_frame(65524, 4);
	check_frame(65525, 10);
}

static void check_name(const char *type, const char *event, const char *expected)
{
	check_slice(socket_io_event_name(slice_of_text(type), slice_of_text(event)), expected);
}

static void names_of_messages(void **state)
{
	(void)state;
	check_name("notification", "sms.received", "sms.received");
	check_name("notification", NULL, "notification");
	check_name(NULL, NULL, "message");
	check_name(NULL, "e", "e");
	check_name("notification_read", NULL, "notification:read");
	check_name("notification_deleted", NULL, "notification:deleted");
	check_name("unread_count", NULL, "unread:count");
	check_name("unread_count", "own", "own");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_the_specification),
		cmocka_unit_test(what_is_no_packet),
		cmocka_unit_test(packets_that_are_cut),
		cmocka_unit_test(arguments_follow_the_name),
		cmocka_unit_test(namespaces_that_may_be_configured),
		cmocka_unit_test(packets_to_one_client),
		cmocka_unit_test(events),
		cmocka_unit_test(frames_have_the_header_of_their_size),
		cmocka_unit_test(names_of_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
