/* tests/unit/wire/socket_io_event_test.c - what clients emit, as native commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/command.h"
#include "wire/socket_io_event.h"

/* `expected` NULL: of another meaning than a command. */
static void check_event(const char *text, enum socket_io_meaning meaning, const char *expected)
{
	struct socket_io_packet packet;
	struct writer writer;
	char bytes[512];

	if (!socket_io_parse(slice_of_text(text), &packet))
		fail_msg("%s is no packet", text);
	writer_init(&writer, bytes, socket_io_event_command_size(&packet));
	assert_true(socket_io_event_command_size(&packet) <= sizeof(bytes));
	assert_int_equal(socket_io_event_read(&packet, SLICE("42"), &writer), meaning);
	assert_false(writer.overflow);
	if (!expected)
		return;
	struct slice written = writer_written(&writer);

	if (!slice_equal_text(written, expected))
		fail_msg("%.*s is not %s", (int)written.size, (const char *)written.bytes,
			 expected);
	assert_true(json_is_valid(written));
}

static void events_are_commands(void **state)
{
	static const struct {
		const char *event;
		const char *command;
	} rows[] = {
		{"2[\"join\",\"43\"]", "{\"type\":\"subscribe\",\"ref\":null,\"channel\":\"43\"}"},
		{"2[\"join\",43]", "{\"type\":\"subscribe\",\"ref\":null,\"channel\":\"43\"}"},
		{"25[\"join\",{\"room\":\"r\"}]",
		 "{\"type\":\"subscribe\",\"ref\":5,\"channel\":\"r\"}"},
		{"2[\"join\",{}]", "{\"type\":\"subscribe\",\"ref\":null}"},
		{"2[\"leave\",\"r\"]", "{\"type\":\"unsubscribe\",\"ref\":null,\"channel\":\"r\"}"},
		{"2[\"unsubscribe\",{\"channel\":\"r\"}]",
		 "{\"type\":\"unsubscribe\",\"ref\":null,\"channel\":\"r\"}"},
		{"2[\"subscribe\",{\"channel\":\"r\",\"last_event_id\":\"5-0\"}]",
		 "{\"type\":\"subscribe\",\"ref\":null,\"channel\":\"r\","
		 "\"last_event_id\":\"5-0\"}"},
		{"2[\"subscribe\"]", "{\"type\":\"subscribe\",\"ref\":null}"},
		{"20[\"mark:read\",{\"notificationId\":\"n\"}]",
		 "{\"type\":\"mark_read\",\"ref\":0,\"notification_id\":\"n\"}"},
		{"2[\"mark:read\",{\"id\":7}]",
		 "{\"type\":\"mark_read\",\"ref\":null,\"notification_id\":\"7\"}"},
		{"2[\"mark:read\",\"n\"]",
		 "{\"type\":\"mark_read\",\"ref\":null,\"notification_id\":\"n\"}"},
		{"2[\"m\\u0061rk:read\",\"n\"]",
		 "{\"type\":\"mark_read\",\"ref\":null,\"notification_id\":\"n\"}"},
		{"29[\"mark:all:read\",{}]", "{\"type\":\"mark_all_read\",\"ref\":9}"},
		{"2[\"mark:all:read\"]", "{\"type\":\"mark_all_read\",\"ref\":null}"},
		{"2[\"notification:delete\",{\"notificationId\":1,\"id\":\"b\"}]",
		 "{\"type\":\"delete\",\"ref\":null,\"notification_id\":\"b\"}"},
		{"2[\"typing\",{\"to\":\"9\",\"data\":[1]}]",
		 "{\"type\":\"typing\",\"ref\":null,\"to\":\"9\",\"data\":[1]}"},
		{"2[\"publish\",{ \"channel\":\"c\" , \"data\":1 }]",
		 "{\"type\":\"publish\",\"ref\":null, \"channel\":\"c\" , \"data\":1 }"},
		{"2[\"ack\",\"5-0\"]", "{\"type\":\"ack\",\"ref\":null,\"event_id\":\"5-0\"}"},
		{"2[\"auth\",{\"token\":\"t\"}]",
		 "{\"type\":\"auth\",\"ref\":null,\"token\":\"t\"}"},
		{"2[\"typing\",{\"ref\":5,\"to\":\"9\"}]",
		 "{\"type\":\"typing\",\"ref\":null,\"ref\":5,\"to\":\"9\"}"},
		{"2[\"typing\",{ }]", "{\"type\":\"typing\",\"ref\":null}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_event(rows[i].event, SOCKET_IO_COMMAND, rows[i].command);
}

static void ones_own_room(void **state)
{
	(void)state;
	check_event("2[\"join\",\"42\"]", SOCKET_IO_OWN_ROOM, NULL);
	check_event("2[\"join\",42]", SOCKET_IO_OWN_ROOM, NULL);
	check_event("2[\"join\",{\"userId\":\"42\"}]", SOCKET_IO_OWN_ROOM, NULL);
	check_event("2[\"join\"]", SOCKET_IO_OWN_ROOM, NULL);
	check_event("2[\"join\",null]", SOCKET_IO_OWN_ROOM, NULL);
	check_event("2[\"join\",42.0]", SOCKET_IO_COMMAND, NULL);
	check_event("2[\"leave\",\"42\"]", SOCKET_IO_COMMAND, NULL);
}

static void events_that_mean_nothing(void **state)
{
	(void)state;
	check_event("2[\"Join\",\"42\"]", SOCKET_IO_UNKNOWN, NULL);
	check_event("2[\"\"]", SOCKET_IO_UNKNOWN, NULL);
	check_event("2[5]", SOCKET_IO_UNKNOWN, NULL);
	check_event("2[\"mark_read\",\"n\"]", SOCKET_IO_UNKNOWN, NULL);
}

/* What stands in the argument cannot take the place of what the event says. */
static void arguments_do_not_change_the_command(void **state)
{
	static struct command command;
	static const char expected[] =
		"{\"type\":\"subscribe\",\"ref\":1,\"type\":\"mark_all_read\","
		"\"ref\":2,\"channel\":\"c\"}";

	(void)state;
	check_event("21[\"subscribe\",{\"type\":\"mark_all_read\",\"ref\":2,\"channel\":\"c\"}]",
		    SOCKET_IO_COMMAND, expected);
	command_parse(slice_of_text(expected), &command);
	assert_int_equal(command.type, COMMAND_SUBSCRIBE);
	assert_true(slice_equal_text(command.ref, "1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_commands),
		cmocka_unit_test(ones_own_room),
		cmocka_unit_test(events_that_mean_nothing),
		cmocka_unit_test(arguments_do_not_change_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
