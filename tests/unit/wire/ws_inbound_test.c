/* tests/unit/wire/ws_inbound_test.c - RFC 6455 sections 5 to 8, fed whole, byte by byte and split
 * at every point.
 *
 * What the reader tells is written down as text that does not depend on the cutting:
 * t(...) or b(...) a message, still open without the last parenthesis; p(...) ping, o(...) pong,
 * c1000(...) close, !1002 violation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/writer.h"
#include "wire/ws_inbound.h"

#define ROW_SIZE_MAX 512

struct row {
	const char *bytes;
	size_t size;
	const char *expected;
	uint64_t message_size_max;
};

#define ROW(bytes, expected) {bytes, sizeof(bytes) - 1, expected, 1 << 20}
#define ROW_MAX(bytes, expected, max) {bytes, sizeof(bytes) - 1, expected, max}

#define MASK "\0\0\0\0" /* keeps the payloads of the tables readable */

static void write_event(struct writer *told, const struct ws_inbound_event *event)
{
	switch (event->type) {
	case WS_EVENT_NONE:
		return;
	case WS_EVENT_PIECE:
		if (event->first)
			writer_text(told, event->opcode == WS_TEXT ? "t(" : "b(");
		break;
	case WS_EVENT_PING:
	case WS_EVENT_PONG:
		writer_text(told, event->type == WS_EVENT_PING ? "p(" : "o(");
		break;
	case WS_EVENT_CLOSE:
		writer_format(told, "c%d(", event->code);
		break;
	case WS_EVENT_VIOLATION:
		assert_non_null(event->reason);
		assert_in_range(strlen(event->reason), 1, CONTROL_PAYLOAD_MAX - 2);
		writer_format(told, "!%d", event->code);
		return;
	}
	assert_null(event->reason);
	writer_slice(told, event->payload);
	if (event->type != WS_EVENT_PIECE || event->last)
		writer_text(told, ")");
}

/* Feeds all of `bytes` and writes down what was told. Stops at a violation. */
static void feed(struct ws_inbound *in, struct slice bytes, struct writer *told)
{
	/* of the exact size, so that a sanitizer sees each step too far */
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
	struct ws_inbound_event event = {.type = WS_EVENT_NONE};
	size_t used = 0;

	assert_non_null(copy);
	memcpy(copy, bytes.bytes, bytes.size);
	while (used < bytes.size && event.type != WS_EVENT_VIOLATION) {
		size_t step = ws_inbound_next(in, copy + used, bytes.size - used, &event);

		assert_in_range(step, event.type == WS_EVENT_VIOLATION ? 0 : 1, bytes.size - used);
		used += step;
		assert_true(event.type != WS_EVENT_NONE || used == bytes.size);
		write_event(told, &event);
	}
	free(copy);
}

/* Cuts at `split`, and when `step` is not 0 also each `step` bytes after it. */
static void check_cut(const struct row *row, size_t split, size_t step)
{
	char text[2 * ROW_SIZE_MAX];
	struct writer told;
	struct ws_inbound in;
	struct slice bytes = slice_of(row->bytes, row->size);

	writer_init(&told, text, sizeof(text));
	ws_inbound_init(&in, row->message_size_max);
	feed(&in, slice_of(bytes.bytes, split), &told);
	while (in.violation_code == 0 && split < bytes.size) {
		size_t left = bytes.size - split;
		size_t size = step > 0 && step < left ? step : left;

		feed(&in, slice_of(bytes.bytes + split, size), &told);
		split += size;
	}
	if (!slice_equal_text(writer_written(&told), row->expected))
		fail_msg("told %.*s, expected %s", (int)told.size, text, row->expected);
}

static void check_row(const struct row *row)
{
	check_cut(row, row->size, 0);
	check_cut(row, 0, 1);
	for (size_t split = 1; split < row->size; split++)
		check_cut(row, split, 0);
	if (row->size > 3)
		check_cut(row, 3, 7);
}

static const struct row good_rows[] = {
	ROW("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "t(Hello)"), /* RFC 6455 5.7 */
	ROW("\x01\x83" MASK "Hel" "\x80\x82" MASK "lo", "t(Hello)"),
	ROW("\x81\x80" MASK, "t()"), ROW("\x82\x80" MASK, "b()"),
	ROW("\x82\x83" MASK "\xFF\xFE\x80", "b(\xFF\xFE\x80)"),
	ROW("\x81\x81" MASK "a" "\x81\x81" MASK "b" "\x82\x81" MASK "c", "t(a)t(b)b(c)"),
	/* empty fragments */
	ROW("\x01\x80" MASK "\x00\x80" MASK "\x80\x80" MASK, "t()"),
	ROW("\x01\x80" MASK "\x80\x81" MASK "a", "t(a)"),
	ROW("\x01\x81" MASK "a" "\x00\x80" MASK "\x80\x80" MASK, "t(a)"),
	ROW("\x02\x81" MASK "a" "\x00\x81" MASK "b" "\x80\x80" MASK, "b(ab)"),
	ROW("\x02\x80" MASK "\x80\x80" MASK, "b()"),
	/* control frames, alone and between fragments */
	ROW("\x89\x80" MASK, "p()"), ROW("\x8A\x80" MASK, "o()"),
	ROW("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "p(Hello)"),
	ROW("\x8A\x83" MASK "abc" "\x89\x81" MASK "d", "o(abc)p(d)"),
	ROW("\x89\x82" MASK "\xFF\xC0", "p(\xFF\xC0)"), /* any bytes */
	ROW("\x01\x81" MASK "a" "\x89\x81" MASK "!" "\x80\x81" MASK "b", "t(ap(!)b)"),
	ROW("\x01\x80" MASK "\x8A\x80" MASK "\x80\x81" MASK "b", "o()t(b)"),
	/* a sequence of UTF-8 over fragments, also with a ping inside of it */
	ROW("\x81\x83" MASK "\xE2\x82\xAC", "t(\xE2\x82\xAC)"),
	ROW("\x01\x81" MASK "\xE2" "\x00\x81" MASK "\x82" "\x80\x81" MASK "\xAC",
	    "t(\xE2\x82\xAC)"),
	ROW("\x01\x81" MASK "\xC3" "\x89\x81" MASK "\xFF" "\x00\x80" MASK "\x80\x82" MASK "\xA9.",
	    "t(\xC3p(\xFF)\xA9.)"),
	/* closes */
	ROW("\x88\x80" MASK, "c1005()"),
	ROW("\x88\x82" MASK "\x03\xE8", "c1000()"),
	ROW("\x88\x85" MASK "\x03\xE9" "bye", "c1001(bye)"),
	ROW("\x88\x82" MASK "\x13\x87", "c4999()"),
	ROW("\x88\x85" MASK "\x0F\xA0\xE2\x82\xAC", "c4000(\xE2\x82\xAC)"),
	ROW("\x01\x81" MASK "a" "\x88\x80" MASK, "t(ac1005()"),
	ROW("\x88\x80" MASK "\x81\x81" MASK "a" "\xFF\xFF", "c1005()"), /* silence after it */
	/* just the size that is allowed */
	ROW_MAX("\x81\x83" MASK "abc", "t(abc)", 3),
	ROW_MAX("\x01\x82" MASK "ab" "\x89\x83" MASK "xyz" "\x80\x81" MASK "c", "t(abp(xyz)c)", 3),
	ROW_MAX("\x81\x83" MASK "abc" "\x81\x83" MASK "def", "t(abc)t(def)", 3),
	ROW_MAX("\x81\x80" MASK, "t()", 0),
};

static void tell_good_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_rows); i++)
		check_row(&good_rows[i]);
}

/* Each row ends with the byte that shows the violation. */
static const struct row bad_rows[] = {
	/* reserved bits */
	ROW("\xC1", "!1002"), ROW("\xA1", "!1002"), ROW("\x91", "!1002"), ROW("\xF2", "!1002"),
	ROW("\xC9", "!1002"), ROW("\x98", "!1002"),
	ROW("\x01\x81" MASK "a" "\xC0", "t(a!1002"),
	/* reserved opcodes */
	ROW("\x83", "!1002"), ROW("\x84", "!1002"), ROW("\x85", "!1002"), ROW("\x86", "!1002"),
	ROW("\x87", "!1002"), ROW("\x03", "!1002"), ROW("\x8B", "!1002"), ROW("\x8C", "!1002"),
	ROW("\x8D", "!1002"), ROW("\x8E", "!1002"), ROW("\x8F", "!1002"), ROW("\x0F", "!1002"),
	/* not masked */
	ROW("\x81\x05", "!1002"), ROW("\x82\x00", "!1002"), ROW("\x81\x7E", "!1002"),
	ROW("\x81\x7F", "!1002"), ROW("\x88\x00", "!1002"), ROW("\x89\x01", "!1002"),
	ROW("\x8A\x7D", "!1002"), ROW("\x81\x81" MASK "a" "\x81\x01", "t(a)!1002"),
	/* control frames: fragmented, long */
	ROW("\x08", "!1002"), ROW("\x09", "!1002"), ROW("\x0A", "!1002"), ROW("\x88\xFE", "!1002"),
	ROW("\x88\xFF", "!1002"), ROW("\x89\xFE", "!1002"), ROW("\x89\xFF", "!1002"),
	ROW("\x8A\xFE", "!1002"), ROW("\x8A\xFF", "!1002"),
	/* lengths */
	ROW("\x81\xFE\x00\x00", "!1002"), ROW("\x82\xFE\x00\x7D", "!1002"),
	ROW("\x82\xFF\x80", "!1002"), ROW("\x81\xFF\xFF", "!1002"),
	ROW("\x82\xFF\0\0\0\0\0\0", "!1002"), /* so it is at most 0xFFFF */
	/* fragments out of order */
	ROW("\x80", "!1002"), ROW("\x00", "!1002"),
	ROW("\x81\x81" MASK "a" "\x80", "t(a)!1002"),
	ROW("\x01\x81" MASK "a" "\x80\x80" MASK "\x00", "t(a)!1002"),
	ROW("\x01\x81" MASK "a" "\x81", "t(a!1002"), ROW("\x01\x81" MASK "a" "\x01", "t(a!1002"),
	ROW("\x02\x80" MASK "\x82", "!1002"),
	ROW("\x02\x81" MASK "a" "\x89\x80" MASK "\x01", "b(ap()!1002"),
	/* closes */
	ROW("\x88\x81", "!1002"),
	ROW("\x88\x82" MASK "\x00\x00", "!1002"),
	ROW("\x88\x82" MASK "\x03\xE7", "!1002"), /* 999 */
	ROW("\x88\x83" MASK "\x03\xED\xFF", "!1002"),
	ROW("\x88\x83" MASK "\x03\xE8\xFF", "!1007"),
	ROW("\x88\x84" MASK "\x03\xE8\xE2\x82", "!1007"),
	ROW("\x88\x85" MASK "\x03\xE8\xED\xA0\x80", "!1007"),
	/* text that is not UTF-8, refused at the first impossible byte */
	ROW("\x81\x81" MASK "\xFF", "!1007"),
	ROW("\x81\x85" MASK "ab\x80", "t(ab!1007"),
	ROW("\x81\x82" MASK "\xC0", "!1007"),
	ROW("\x81\x83" MASK "\xED\xA0", "t(\xED!1007"),
	ROW("\x81\x84" MASK "\xF4\x90", "t(\xF4!1007"),
	ROW("\x81\x82" MASK "\xE2\x82", "t(\xE2!1007"), /* ends inside of a sequence */
	ROW("\x81\x81" MASK "\xE2", "!1007"),
	ROW("\x81\x8C" MASK "12345678" "abc\xE2", "t(12345678abc!1007"),
	ROW("\x01\x81" MASK "\xE2" "\x80\x84" MASK "(", "t(\xE2!1007"),
	ROW("\x01\x81" MASK "\xC3" "\x80\x80" MASK, "t(\xC3!1007"),
	ROW("\x01\x81" MASK "\xC3" "\x00\x80" MASK "\x80\x80" MASK, "t(\xC3!1007"),
	ROW("\x01\x81" MASK "\xC3" "\x89\x81" MASK "a" "\x80\x81" MASK "b", "t(\xC3p(a)!1007"),
	ROW("\x81\x81" MASK "a" "\x01\x81" MASK "\x80", "t(a)!1007"),
	/* too large, as soon as it is announced */
	ROW_MAX("\x81\x84", "!1009", 3),
	ROW_MAX("\x81\x81", "!1009", 0),
	ROW_MAX("\x01\x83" MASK "abc" "\x80\x81", "t(abc!1009", 3),
	ROW_MAX("\x01\x83" MASK "abc" "\x89\x81" MASK "d" "\x00\x82", "t(abcp(d)!1009", 4),
	ROW_MAX("\x82\xFE\x01\x01", "!1009", 256),
	ROW_MAX("\x82\xFE\x02", "!1009", 256),
	ROW_MAX("\x82\xFE\x00\x7E", "!1009", 125),
	ROW_MAX("\x82\xFF\0\0\0\0\0\x01\x00\x01", "!1009", 0x10000),
	ROW_MAX("\x82\xFF\x7F", "!1009", UINT64_C(1) << 62),
	ROW_MAX("\x02\x81" MASK "a" "\x80\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "b(a!1009",
		INT64_MAX),
};

/* The row as it is, and without its last byte: then nothing is wrong yet. */
static void check_bad_row(const struct row *row)
{
	char text[2 * ROW_SIZE_MAX];
	struct writer told;
	struct ws_inbound in;

	check_row(row);
	writer_init(&told, text, sizeof(text));
	ws_inbound_init(&in, row->message_size_max);
	feed(&in, slice_of(row->bytes, row->size - 1), &told);
	if (in.violation_code != 0)
		fail_msg("%s: refused too early", row->expected);
}

static void refuse_bad_rows(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(bad_rows) >= 40);
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
		check_bad_row(&bad_rows[i]);
}

/* Whatever comes after a violation, it is what is told. */
static void violation_is_final(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		char text[2 * ROW_SIZE_MAX];
		uint8_t more[] = "\x81\x81" MASK "a";
		struct writer told;
		struct ws_inbound in;
		struct ws_inbound_event event;

		writer_init(&told, text, sizeof(text));
		ws_inbound_init(&in, bad_rows[i].message_size_max);
		feed(&in, slice_of(bad_rows[i].bytes, bad_rows[i].size), &told);
		for (size_t size = 0; size < sizeof(more); size++) {
			assert_int_equal(ws_inbound_next(&in, more, size, &event), size);
			assert_int_equal(event.type, WS_EVENT_VIOLATION);
			assert_int_equal(event.code, in.violation_code);
		}
		assert_false(ws_inbound_is_idle(&in));
	}
}

/* All close codes against the list of the contract. */
static void every_close_code(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 0xFFFF; code++) {
		uint8_t bytes[] = "\x88\x82" MASK "\0\0";
		struct ws_inbound in;
		struct ws_inbound_event event;
		bool expected = (code >= 3000 && code < 5000) ||
				(code >= 1000 && code < 1015 && code != 1004 && code != 1005 &&
				 code != 1006);

		bytes[6] = (uint8_t)(code >> 8);
		bytes[7] = (uint8_t)code;
		ws_inbound_init(&in, 0);
		assert_int_equal(ws_inbound_next(&in, bytes, sizeof(bytes) - 1, &event), 8);
		assert_int_equal(event.type, expected ? WS_EVENT_CLOSE : WS_EVENT_VIOLATION);
		assert_int_equal(event.code, expected ? code : 1002);
	}
}

/* Writes one masked frame. */
static void write_frame(struct writer *writer, uint8_t first, struct slice payload,
			const uint8_t mask[4])
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t size = ws_frame_write_header(header, WS_BINARY, payload.size);

	header[0] = first;
	header[1] |= 0x80;
	writer_bytes(writer, header, size);
	writer_bytes(writer, mask, 4);
	for (size_t i = 0; i < payload.size; i++) {
		uint8_t byte = payload.bytes[i] ^ mask[i & 3];

		writer_bytes(writer, &byte, 1);
	}
}

/* A binary frame, cut in two, is unmasked to what it was. */
static void check_unmask(struct slice payload, size_t split, const uint8_t mask[4])
{
	uint8_t bytes[256];
	uint8_t got[256];
	struct writer writer;
	struct writer read;
	struct ws_inbound in;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_init(&read, got, sizeof(got));
	write_frame(&writer, 0x82, payload, mask);
	ws_inbound_init(&in, sizeof(bytes));
	split += writer.size - payload.size;
	feed(&in, slice_of(bytes, split), &read);
	feed(&in, slice_of(bytes + split, writer.size - split), &read);
	assert_int_equal(read.size, payload.size + 3);
	assert_memory_equal(got + 2, payload.bytes, payload.size);
	assert_true(ws_inbound_is_idle(&in));
}

static void unmask_every_alignment(void **state)
{
	static const uint8_t mask[4] = {0x12, 0xFD, 0x80, 0x7F};
	uint8_t payload[130];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 73 + 5);
	for (size_t size = 0; size <= sizeof(payload); size += size < 40 ? 1 : 15)
		for (size_t split = 0; split <= size; split++)
			check_unmask(slice_of(payload, size), split, mask);
}

/* A message of each size at the limits of the length forms: one frame, one event. */
static void check_one_piece(size_t size, size_t header_size)
{
	static const uint8_t mask[4] = {1, 2, 3, 4};
	size_t capacity = size + FRAME_HEADER_MAX;
	uint8_t *bytes = malloc(capacity);
	uint8_t *payload = malloc(size + 1);
	struct writer writer;
	struct ws_inbound in;
	struct ws_inbound_event event;

	assert_non_null(bytes);
	assert_non_null(payload);
	memset(payload, 'x', size);
	writer_init(&writer, bytes, capacity);
	write_frame(&writer, 0x81, slice_of(payload, size), mask);
	ws_inbound_init(&in, size);
	assert_int_equal(ws_inbound_next(&in, bytes, writer.size, &event), header_size + size);
	assert_int_equal(event.type, WS_EVENT_PIECE);
	assert_int_equal(event.opcode, WS_TEXT);
	assert_true(event.first && event.last);
	assert_int_equal(event.payload.size, size);
	assert_ptr_equal(event.payload.bytes, bytes + header_size); /* in place */
	assert_memory_equal(event.payload.bytes, payload, size);
	assert_true(ws_inbound_is_idle(&in));
	free(payload);
	free(bytes);
}

static void one_frame_is_one_piece(void **state)
{
	(void)state;
	check_one_piece(0, 6);
	check_one_piece(1, 6);
	check_one_piece(125, 6);
	check_one_piece(126, 8);
	check_one_piece(0xFFFF, 8);
	check_one_piece(0x10000, 14);
	check_one_piece(1000003, 14);
}

/* first, last and the empty end of a message that came in two fragments. */
static void pieces_of_fragments(void **state)
{
	uint8_t bytes[] = "\x01\x82" MASK "ab" "\x80\x80" MASK;
	struct ws_inbound in;
	struct ws_inbound_event event;

	(void)state;
	ws_inbound_init(&in, 10);
	assert_int_equal(ws_inbound_next(&in, bytes, 14, &event), 8);
	assert_true(event.type == WS_EVENT_PIECE && event.first && !event.last);
	assert_int_equal(ws_inbound_next(&in, bytes + 8, 6, &event), 6);
	assert_true(event.type == WS_EVENT_PIECE && !event.first && event.last);
	assert_int_equal(event.payload.size, 0);
}

static void many_fragments(void **state)
{
	enum { FRAGMENTS = 65536 };
	struct ws_inbound in;
	struct ws_inbound_event event;

	(void)state;
	ws_inbound_init(&in, FRAGMENTS);
	for (unsigned i = 0; i < FRAGMENTS; i++) {
		uint8_t bytes[] = "\x00\x81\x20\x20\x20\x20" "A"; /* A ^ 0x20 is a */

		bytes[0] = i == 0 ? 0x01 : i == FRAGMENTS - 1 ? 0x80 : 0x00;
		assert_int_equal(ws_inbound_next(&in, bytes, 7, &event), 7);
		assert_int_equal(event.type, WS_EVENT_PIECE);
		assert_int_equal(event.first, i == 0);
		assert_int_equal(event.last, i == FRAGMENTS - 1);
		assert_true(slice_equal(event.payload, SLICE("a")));
	}
	assert_true(ws_inbound_is_idle(&in));
}

static void many_empty_fragments(void **state)
{
	struct ws_inbound in;
	struct ws_inbound_event event;
	uint8_t bytes[] = "\x01\x80" MASK;
	uint8_t end[] = "\x80\x80" MASK;

	(void)state;
	ws_inbound_init(&in, 0);
	for (unsigned i = 0; i < 65536; i++) {
		bytes[0] = i == 0 ? 0x01 : 0x00;
		assert_int_equal(ws_inbound_next(&in, bytes, 6, &event), 6);
		assert_int_equal(event.type, WS_EVENT_NONE);
	}
	assert_int_equal(ws_inbound_next(&in, end, 6, &event), 6);
	assert_true(event.type == WS_EVENT_PIECE && event.first && event.last);
}

static void idle_between_messages_only(void **state)
{
	uint8_t bytes[] = "\x01\x81" MASK "a" "\x89\x81" MASK "b" "\x80\x81" MASK "c";
	struct ws_inbound in;
	struct ws_inbound_event event;

	(void)state;
	ws_inbound_init(&in, 10);
	assert_true(ws_inbound_is_idle(&in));
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		assert_int_equal(ws_inbound_next(&in, bytes + i, 1, &event), 1);
		assert_int_equal(ws_inbound_is_idle(&in), i == sizeof(bytes) - 2);
	}
	assert_int_equal(ws_inbound_next(&in, NULL, 0, &event), 0);
	assert_int_equal(event.type, WS_EVENT_NONE);
	assert_true(ws_inbound_is_idle(&in));
}

static void longest_control_frame(void **state)
{
	static const uint8_t mask[4] = {9, 8, 7, 6};
	uint8_t payload[CONTROL_PAYLOAD_MAX];
	uint8_t bytes[6 + CONTROL_PAYLOAD_MAX];
	struct writer writer;
	struct ws_inbound in;
	struct ws_inbound_event event;

	(void)state;
	memset(payload, 0xA5, sizeof(payload));
	writer_init(&writer, bytes, sizeof(bytes));
	write_frame(&writer, 0x89, slice_of(payload, sizeof(payload)), mask);
	ws_inbound_init(&in, 0);
	assert_int_equal(ws_inbound_next(&in, bytes, sizeof(bytes), &event), sizeof(bytes));
	assert_int_equal(event.type, WS_EVENT_PING);
	assert_int_equal(event.payload.size, sizeof(payload));
	assert_memory_equal(event.payload.bytes, payload, sizeof(payload));
	assert_ptr_equal(event.payload.bytes, in.control);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_good_rows),
		cmocka_unit_test(refuse_bad_rows),
		cmocka_unit_test(violation_is_final),
		cmocka_unit_test(every_close_code),
		cmocka_unit_test(unmask_every_alignment),
		cmocka_unit_test(one_frame_is_one_piece),
		cmocka_unit_test(pieces_of_fragments),
		cmocka_unit_test(many_fragments),
		cmocka_unit_test(many_empty_fragments),
		cmocka_unit_test(idle_between_messages_only),
		cmocka_unit_test(longest_control_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
