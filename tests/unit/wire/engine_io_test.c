/* tests/unit/wire/engine_io_test.c - packets, bodies, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/engine_io.h"

static void check_text(const struct writer *writer, const char *expected)
{
	struct slice text = writer_written(writer);

	assert_false(writer->overflow);
	if (!slice_equal_text(text, expected))
		fail_msg("%.*s is not %s", (int)text.size, (const char *)text.bytes, expected);
}

static void check_packet(const char *text, int type, const char *payload)
{
	struct engine_io_packet packet;

	if (!engine_io_parse(slice_of_text(text), &packet))
		fail_msg("%s is no packet", text);
	assert_int_equal(packet.type, type);
	assert_true(slice_equal_text(packet.payload, payload));
}

static void packets_are_a_digit_and_the_rest(void **state)
{
	(void)state;
	check_packet("0{}", ENGINE_IO_OPEN, "{}");
	check_packet("1", ENGINE_IO_CLOSE, "");
	check_packet("2probe", ENGINE_IO_PING, "probe");
	check_packet("3", ENGINE_IO_PONG, "");
	check_packet("42[\"a\"]", ENGINE_IO_MESSAGE, "2[\"a\"]");
	check_packet("5", ENGINE_IO_UPGRADE, "");
	check_packet("6", ENGINE_IO_NOOP, "");
	check_packet("bAQID", ENGINE_IO_BINARY, "AQID");
}

static void other_texts_are_none(void **state)
{
	static const char *const texts[] = {"", "7", "x", "B", " 4", "\n", "-1", "\x1e"};
	struct engine_io_packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_false(engine_io_parse(slice_of_text(texts[i]), &packet));
}

/* `pieces` with a bar between them. */
static void check_body(const char *body, const char *pieces)
{
	struct slice rest = slice_of_text(body);
	struct slice text;
	char bytes[64];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	for (unsigned i = 0; engine_io_next(&rest, &text); i++) {
		writer_text(&writer, i > 0 ? "|" : "");
		writer_slice(&writer, text);
	}
	check_text(&writer, pieces);
}

static void bodies_are_split_at_separators(void **state)
{
	(void)state;
	check_body("4a", "4a");
	check_body("4a\x1e"
		   "4b\x1e"
		   "bAQ==",
		   "4a|4b|bAQ==");
	check_body("", "");
	check_body("4a\x1e", "4a|");
	check_body("\x1e"
		   "4a",
		   "|4a");
	check_body("\x1e\x1e", "||");
}

static void what_is_joined_is_split_again(void **state)
{
	char bytes[64];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_add(&writer, SLICE("4a"));
	engine_io_add(&writer, SLICE("2"));
	engine_io_add(&writer, SLICE("4b"));
	check_text(&writer, "4a\x1e"
			    "2\x1e"
			    "4b");
	writer_init(&writer, bytes, 4);
	engine_io_add(&writer, SLICE("4a"));
	engine_io_add(&writer, SLICE("4b"));
	assert_true(writer.overflow);
}

static void binary_is_base64(void **state)
{
	uint8_t bytes[3];
	size_t size = 99;

	(void)state;
	assert_true(engine_io_read_binary(SLICE("AQID"), bytes, sizeof(bytes), &size));
	assert_int_equal(size, 3);
	assert_memory_equal(bytes, "\1\2\3", 3);
	assert_true(engine_io_read_binary(SLICE(""), bytes, sizeof(bytes), &size));
	assert_int_equal(size, 0);
	assert_false(engine_io_read_binary(SLICE("AQ"), bytes, sizeof(bytes), &size));
	assert_false(engine_io_read_binary(SLICE("AQIDBA=="), bytes, sizeof(bytes), &size));
}

static void the_open_packet(void **state)
{
	struct engine_io_open open = {
		.sid = SLICE("AAAA_-9"),
		.can_upgrade = true,
		.ping_interval_ms = 25000,
		.ping_timeout_ms = 20000,
		.max_payload = 1000000,
	};
	char bytes[ENGINE_IO_OPEN_SIZE_MAX];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write_open(&writer, &open);
	check_text(&writer, "0{\"sid\":\"AAAA_-9\",\"upgrades\":[\"websocket\"],"
			    "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
	open.can_upgrade = false;
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write_open(&writer, &open);
	check_text(&writer, "0{\"sid\":\"AAAA_-9\",\"upgrades\":[],"
			    "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
}

static void the_largest_open_packet_fits(void **state)
{
	char sid[64];
	char bytes[ENGINE_IO_OPEN_SIZE_MAX];
	struct writer writer;

	(void)state;
	memset(sid, 'x', sizeof(sid));
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write_open(&writer, &(struct engine_io_open){
					      .sid = slice_of(sid, sizeof(sid)),
					      .can_upgrade = true,
					      .ping_interval_ms = UINT32_MAX,
					      .ping_timeout_ms = UINT32_MAX,
					      .max_payload = UINT64_MAX,
				      });
	assert_false(writer.overflow);
}

static void check_error(enum engine_io_error error, int status, const char *body)
{
	char bytes[96];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write_error(&writer, error);
	check_text(&writer, body);
	assert_int_equal(engine_io_error_status(error), status);
}

static void errors_have_the_codes_of_the_protocol(void **state)
{
	(void)state;
	check_error(ENGINE_IO_ERROR_TRANSPORT, 400,
		    "{\"code\":0,\"message\":\"Transport unknown\"}");
	check_error(ENGINE_IO_ERROR_SESSION, 400,
		    "{\"code\":1,\"message\":\"Session ID unknown\"}");
	check_error(ENGINE_IO_ERROR_METHOD, 400,
		    "{\"code\":2,\"message\":\"Bad handshake method\"}");
	check_error(ENGINE_IO_ERROR_REQUEST, 400, "{\"code\":3,\"message\":\"Bad request\"}");
	check_error(ENGINE_IO_ERROR_FORBIDDEN, 403, "{\"code\":4,\"message\":\"Forbidden\"}");
	check_error(ENGINE_IO_ERROR_VERSION, 400,
		    "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
}

static void packets_are_written(void **state)
{
	char bytes[16];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write(&writer, ENGINE_IO_PONG, SLICE("probe"));
	check_text(&writer, "3probe");
	writer_init(&writer, bytes, sizeof(bytes));
	engine_io_write(&writer, ENGINE_IO_PING, (struct slice){NULL, 0});
	check_text(&writer, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_a_digit_and_the_rest),
		cmocka_unit_test(other_texts_are_none),
		cmocka_unit_test(bodies_are_split_at_separators),
		cmocka_unit_test(what_is_joined_is_split_again),
		cmocka_unit_test(binary_is_base64),
		cmocka_unit_test(the_open_packet),
		cmocka_unit_test(the_largest_open_packet_fits),
		cmocka_unit_test(errors_have_the_codes_of_the_protocol),
		cmocka_unit_test(packets_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
