/* tests/unit/wire/ws_frame_test.c - headers at the limits of each length form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/ws_frame.h"

static void check_header(enum ws_opcode opcode, uint64_t payload_size, struct slice expected)
{
	uint8_t header[FRAME_HEADER_MAX];

	assert_int_equal(ws_frame_header_size(payload_size), expected.size);
	assert_int_equal(ws_frame_write_header(header, opcode, payload_size), expected.size);
	assert_memory_equal(header, expected.bytes, expected.size);
}

static void headers(void **state)
{
	(void)state;
	check_header(WS_TEXT, 0, SLICE("\x81\x00"));
	check_header(WS_TEXT, 125, SLICE("\x81\x7D"));
	check_header(WS_TEXT, 126, SLICE("\x81\x7E\x00\x7E"));
	check_header(WS_BINARY, 256, SLICE("\x82\x7E\x01\x00"));
	check_header(WS_BINARY, 0xFFFF, SLICE("\x82\x7E\xFF\xFF"));
	check_header(WS_BINARY, 0x10000, SLICE("\x82\x7F\0\0\0\0\0\x01\0\0"));
	check_header(WS_TEXT, UINT64_C(0x7123456789ABCDEF),
		     SLICE("\x81\x7F\x71\x23\x45\x67\x89\xAB\xCD\xEF"));
	check_header(WS_PING, 0, SLICE("\x89\x00"));
	check_header(WS_PONG, 125, SLICE("\x8A\x7D"));
	check_header(WS_CLOSE, 2, SLICE("\x88\x02"));
}

static void check_frame(enum ws_opcode opcode, struct slice payload, struct slice expected)
{
	uint8_t bytes[32];
	struct writer writer;

	writer_init(&writer, bytes, expected.size);
	ws_frame_write(&writer, opcode, payload);
	assert_false(writer.overflow);
	assert_true(slice_equal(writer_written(&writer), expected));
	writer_init(&writer, bytes, expected.size - 1);
	ws_frame_write(&writer, opcode, payload);
	assert_true(writer.overflow);
}

/* RFC 6455 section 5.7 gives the first and the third. */
static void frames(void **state)
{
	(void)state;
	check_frame(WS_TEXT, SLICE("Hello"), SLICE("\x81\x05Hello"));
	check_frame(WS_BINARY, SLICE("a\0b"), SLICE("\x82\x03" "a\0b"));
	check_frame(WS_PING, SLICE("Hello"), SLICE("\x89\x05Hello"));
	check_frame(WS_PONG, (struct slice){NULL, 0}, SLICE("\x8A\x00"));
}

static void check_close(uint16_t code, const char *reason, struct slice expected)
{
	uint8_t bytes[2 + CONTROL_PAYLOAD_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	ws_frame_write_close(&writer, code, reason);
	assert_false(writer.overflow);
	assert_true(slice_equal(writer_written(&writer), expected));
}

static void closes(void **state)
{
	char reason[CONTROL_PAYLOAD_MAX - 1];
	uint8_t expected[2 + CONTROL_PAYLOAD_MAX] = {0x88, 125, 0x03, 0xE9};

	(void)state;
	check_close(0, "", SLICE("\x88\x00"));
	check_close(0, NULL, SLICE("\x88\x00"));
	check_close(1000, "", SLICE("\x88\x02\x03\xE8"));
	check_close(1000, NULL, SLICE("\x88\x02\x03\xE8"));
	check_close(4401, "token", SLICE("\x88\x07\x11\x31token"));
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = 0;
	memset(expected + 4, 'r', sizeof(expected) - 4);
	check_close(1001, reason, slice_of(expected, sizeof(expected)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(frames),
		cmocka_unit_test(closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
