/* tests/unit/wire/socket_io_pid_test.c - session ids that any node reads, and nobody changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/socket_io_pid.h"

static const struct socket_io_pid_key key = {SLICE("secret"), SLICE("42"), SLICE("/")};
static const struct socket_io_pid pid = {
	.position = {1795229346339, 7},
	.sid = "AAAAAAAAAcyPwTkop0gpSMSI",
};

static void check_refused(struct slice text, const struct socket_io_pid_key *with)
{
	struct socket_io_pid read;

	assert_false(socket_io_pid_read(text, with, &read));
}

static void there_and_back(void **state)
{
	static const struct event_id positions[] = {
		{0, 0}, {0, 1}, {1795229346339, 0}, {UINT64_MAX, UINT64_MAX}};
	char text[SOCKET_IO_PID_SIZE];
	struct socket_io_pid written = pid, read;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(positions); i++) {
		written.position = positions[i / 2];
		written.by_cursor = i % 2 == 1;
		socket_io_pid_write(&written, &key, text);
		assert_true(socket_io_pid_read(slice_of(text, sizeof(text)), &key, &read));
		assert_int_equal(read.by_cursor, written.by_cursor);
		assert_true(event_id_equal(read.position, written.position));
		assert_memory_equal(read.sid, written.sid, sizeof(read.sid));
	}
}

static void it_belongs_to_its_user_namespace_and_key(void **state)
{
	static const struct socket_io_pid_key others[] = {
		{SLICE("Secret"), SLICE("42"), SLICE("/")},
		{SLICE(""), SLICE("42"), SLICE("/")},
		{SLICE("secret"), SLICE("43"), SLICE("/")},
		{SLICE("secret"), SLICE("4"), SLICE("/")},
		{SLICE("secret"), SLICE("42"), SLICE("/a")},
		{SLICE("secret"), SLICE("2"), SLICE("/4")},
	};
	char text[SOCKET_IO_PID_SIZE];

	(void)state;
	socket_io_pid_write(&pid, &key, text);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_refused(slice_of(text, sizeof(text)), &others[i]);
}

static void no_character_may_change(void **state)
{
	char text[SOCKET_IO_PID_SIZE];

	(void)state;
	socket_io_pid_write(&pid, &key, text);
	for (size_t i = 0; i < sizeof(text); i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		check_refused(slice_of(text, sizeof(text)), &key);
		text[i] = was;
	}
}

static void other_sizes(void **state)
{
	char text[SOCKET_IO_PID_SIZE + 1] = {0};

	(void)state;
	socket_io_pid_write(&pid, &key, text);
	text[SOCKET_IO_PID_SIZE] = 'A';
	for (size_t size = 0; size <= sizeof(text); size++)
		if (size != SOCKET_IO_PID_SIZE)
			check_refused(slice_of(text, size), &key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(it_belongs_to_its_user_namespace_and_key),
		cmocka_unit_test(no_character_may_change),
		cmocka_unit_test(other_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
