/* tests/unit/wire/ws_inbound_compressed_test.c - RSV1 where permessage-deflate was agreed on (RFC
 * 7692 section 6), fed whole, byte by byte and split at every point.
 *
 * What the reader tells is written down as in ws_inbound_test.c, a compressed message with a z
 * before it: zt(...), and each byte that is not printable as a dot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/writer.h"
#include "wire/ws_inbound.h"

#define MASK "\0\0\0\0" /* keeps the payloads of the tables readable */
#define MESSAGE_SIZE_MAX 5
#define SIXTY_NINE "123456789012345678901234567890123456789012345678901234567890123456789"

struct row {
	const char *bytes;
	size_t size;
	const char *expected;
};

#define ROW(bytes, expected)                       \
	{                                          \
		bytes, sizeof(bytes) - 1, expected \
	}

static void write_event(struct writer *told, const struct ws_inbound_event *event)
{
	if (event->type == WS_EVENT_VIOLATION)
		writer_format(told, "!%d", event->code);
	else if (event->type == WS_EVENT_PING)
		writer_text(told, "p(");
	else if (event->type == WS_EVENT_CLOSE)
		writer_format(told, "c%d(", event->code);
	else if (event->type == WS_EVENT_PIECE && event->first)
		writer_format(told, "%s%s(", event->compressed ? "z" : "",
			      event->opcode == WS_TEXT ? "t" : "b");
	if (event->type == WS_EVENT_NONE || event->type == WS_EVENT_VIOLATION)
		return;
	for (size_t i = 0; i < event->payload.size; i++) {
		uint8_t byte = event->payload.bytes[i];

		writer_bytes(told, byte >= ' ' && byte < 0x7F ? &byte : (const uint8_t *)".", 1);
	}
	if (event->type != WS_EVENT_PIECE || event->last)
		writer_text(told, ")");
}

static void feed(struct ws_inbound *in, struct slice bytes, struct writer *told)
{
	/* of the exact size, so that a sanitizer sees each step too far */
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
	struct ws_inbound_event event = {.type = WS_EVENT_NONE};
	size_t used = 0;

	assert_non_null(copy);
	memcpy(copy, bytes.bytes, bytes.size);
	do {
		used += ws_inbound_next(in, copy + used, bytes.size - used, &event);
		write_event(told, &event);
	} while (event.type != WS_EVENT_NONE && event.type != WS_EVENT_VIOLATION);
	free(copy);
}

/* The first `split` bytes at once, the rest in pieces of `step`; 0: at once, too. */
static void check_cut(const struct row *row, size_t split, size_t step)
{
	char text[512];
	struct writer told;
	struct ws_inbound in;
	size_t at = 0;

	writer_init(&told, text, sizeof(text));
	ws_inbound_init(&in, MESSAGE_SIZE_MAX);
	assert_false(in.takes_compressed);
	in.takes_compressed = true;
	for (size_t size = split; at < row->size && in.violation_code == 0; at += size) {
		if (at > 0 || size == 0)
			size = step > 0 && step < row->size - at ? step : row->size - at;
		feed(&in, slice_of(row->bytes + at, size), &told);
	}
	if (!slice_equal_text(writer_written(&told), row->expected))
		fail_msg("told %.*s, expected %s", (int)told.size, text, row->expected);
}

static void check_row(const struct row *row)
{
	check_cut(row, 0, 0);
	check_cut(row, 0, 1);
	for (size_t split = 1; split < row->size; split++)
		check_cut(row, split, 0);
}

static const struct row rows[] = {
	/* RFC 7692 section 7.2.3.1, whole and in two fragments; the bytes are told as they are */
	ROW("\xC1\x87" MASK "\xf2\x48\xcd\xc9\xc9\x07\x00", "zt(.H.....)"),
	ROW("\x41\x83" MASK "\xf2\x48\xcd\x80\x84" MASK "\xc9\xc9\x07\x00", "zt(.H.....)"),
	ROW("\xC2\x81" MASK "\xFF\xC1\x80" MASK, "zb(.)zt()"),
	/* beside messages that are not compressed, and between fragments */
	ROW("\xC1\x81" MASK "\xFF\x81\x81" MASK "a\xC1\x81" MASK "\xC0", "zt(.)t(a)zt(.)"),
	ROW("\x81\x81" MASK "a\x89\x81" MASK "b\x88\x80" MASK, "t(a)p(b)c1005()"),
	ROW("\x41\x81" MASK "\xFF\x89\x81" MASK "b\x80\x81" MASK "\xFE", "zt(.p(b).)"),
	ROW("\x41\x81" MASK "\xFF\x88\x80" MASK, "zt(.c1005()"),
	/* 5 + 5 / 8 + 64 bytes may be needed for 5 that do not compress, and no more */
	ROW("\xC2\xC5" MASK SIXTY_NINE "", "zb(" SIXTY_NINE ")"),
	ROW("\xC1\xC6", "!1009"),
	ROW("\x41\xC5" MASK SIXTY_NINE "\x80\x81", "zt(" SIXTY_NINE "!1009"),
	ROW("\x81\x86", "!1009"),
	ROW("\xC1\x86" MASK "123456\x81\x86", "zt(123456)!1009"),
	/* the other two bits; control frames; reserved opcodes; continuations */
	ROW("\xA1", "!1002"),
	ROW("\x91", "!1002"),
	ROW("\xE1", "!1002"),
	ROW("\xD1", "!1002"),
	ROW("\xF1", "!1002"),
	ROW("\xC9", "!1002"),
	ROW("\xCA", "!1002"),
	ROW("\xC8", "!1002"),
	ROW("\xC3", "!1002"),
	ROW("\xCB", "!1002"),
	ROW("\xC0", "!1002"),
	ROW("\x41\x81" MASK "a\xC0", "zt(a!1002"),
	ROW("\x41\x81" MASK "a\x40", "zt(a!1002"),
	ROW("\x01\x81" MASK "a\xC0", "t(a!1002"),
	ROW("\x41\x81" MASK "a\xC9", "zt(a!1002"),
	ROW("\x41\x81" MASK "a\xC1", "zt(a!1002"),
	ROW("\xC1\x07", "!1002"),
	/* what is not compressed is looked at as ever */
	ROW("\x81\x81" MASK "\xFF", "!1007"),
	ROW("\xC1\x81" MASK "\xFF\x81\x81" MASK "\xFF", "zt(.)!1007"),
	ROW("\x41\x81" MASK "\xFF\x80\x80" MASK "\x81\x81" MASK "\xFF", "zt(.)!1007"),
};

static void rsv1_belongs_to_the_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void bound_of_compressed_messages(void **state)
{
	(void)state;
	assert_int_equal(ws_inbound_compressed_max(0), 64);
	assert_int_equal(ws_inbound_compressed_max(65536), 65536 + 8192 + 64);
	assert_true(ws_inbound_compressed_max(UINT64_MAX) == UINT64_MAX);
	assert_true(ws_inbound_compressed_max(UINT64_MAX - 64) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsv1_belongs_to_the_message),
		cmocka_unit_test(bound_of_compressed_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
