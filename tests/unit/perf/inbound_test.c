/* tests/unit/perf/inbound_test.c - every prefix of a frame or answer asks for more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "base/writer.h"
#include "wsbench/inbound.h"

/* A whole frame is read with bytes behind it; no prefix of it is. */
static void check_frame(enum ws_opcode opcode, size_t payload_size)
{
	static uint8_t payload[70000], bytes[80000];
	struct inbound_frame frame;
	struct writer writer;

	memset(payload, 'p', sizeof(payload));
	writer_init(&writer, bytes, sizeof(bytes));
	ws_frame_write(&writer, opcode, slice_of(payload, payload_size));
	for (size_t size = 0; size < writer.size; size++)
		assert_int_equal(inbound_read_frame(slice_of(bytes, size), &frame), INBOUND_MORE);
	assert_int_equal(inbound_read_frame(slice_of(bytes, writer.size + 3), &frame),
			 INBOUND_WHOLE);
	assert_int_equal(frame.opcode, opcode);
	assert_int_equal(frame.size, writer.size);
	assert_true(slice_equal(frame.payload, slice_of(payload, payload_size)));
}

static void test_frames(void **state)
{
	static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		check_frame(WS_TEXT, sizes[i]);
	check_frame(WS_PING, 0);
	check_frame(WS_CLOSE, 2);
}

static void check_broken(const char *bytes, size_t size)
{
	struct inbound_frame frame;

	assert_int_equal(inbound_read_frame(slice_of(bytes, size), &frame), INBOUND_BROKEN);
}

static void test_broken_frames(void **state)
{
	(void)state;
	check_broken("\x81\x80\0\0\0\0", 6);			  /* masked */
	check_broken("\x01\x00", 2);				  /* not final */
	check_broken("\x80\x00", 2);				  /* continuation */
	check_broken("\xC1\x00", 2);				  /* reserved bit */
	check_broken("\x81\x7F\x00\x00\x00\x00\x7F\xFF\xFF\xFF", 10); /* too large */
}

static void check_answer(const char *text, enum inbound expected, unsigned status,
			 const char *accept)
{
	struct inbound_answer answer = {0};

	assert_int_equal(inbound_read_answer(slice_of_text(text), &answer), expected);
	if (expected != INBOUND_WHOLE)
		return;
	assert_int_equal(answer.status, status);
	assert_true(slice_equal(answer.accept, slice_of_text(accept)));
	for (size_t size = 0; size < answer.size; size++)
		assert_int_equal(inbound_read_answer(slice_of(text, size), &answer), INBOUND_MORE);
}

static void test_answers(void **state)
{
	(void)state;
	check_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		     "SEC-WEBSOCKET-ACCEPT:  abc= \r\n\r\n\x81",
		     INBOUND_WHOLE, 101, "abc=");
	check_answer("HTTP/1.1 401 Unauthorized\r\n\r\n{}", INBOUND_WHOLE, 401, NULL);
	check_answer("HTTP/1.0 200 OK\r\n\r\n", INBOUND_BROKEN, 0, NULL);
	check_answer("SSH-2.0-x\r\n\r\n", INBOUND_BROKEN, 0, NULL);
	check_answer("", INBOUND_MORE, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_broken_frames),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
