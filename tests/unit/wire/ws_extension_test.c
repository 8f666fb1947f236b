/* tests/unit/wire/ws_extension_test.c - offers of RFC 7692 section 7 and what can be wrong in them.
 *
 * The outcome is written down as text: "400" against the grammar, "-" nothing agreed, "on" agreed
 * without a window size, "on 10" with one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/ws_extension.h"

#define PMD "permessage-deflate"
#define LINES_MAX 3

struct row {
	const char *lines[LINES_MAX]; /* up to the first NULL; values of the header */
	const char *expected;
};

static void negotiate(const struct row *row, char *text, size_t text_size)
{
	struct http_head head = {.headers_count = 1, .headers = {{SLICE("Host"), SLICE("a,,\"")}}};
	struct ws_deflate terms = {.on = true, .server_bits = 77};
	char *copies[LINES_MAX] = {NULL};

	for (uint32_t i = 0; i < LINES_MAX && row->lines[i]; i++) {
		size_t size = strlen(row->lines[i]);

		/* of the exact size, so that a sanitizer sees each step too far */
		copies[i] = malloc(size ? size : 1);
		assert_non_null(copies[i]);
		memcpy(copies[i], row->lines[i], size);
		head.headers[head.headers_count++] =
			(struct http_header){i % 2 == 0 ? SLICE("Sec-WebSocket-Extensions")
							: SLICE("sec-websocket-EXTENSIONS"),
					     slice_of(copies[i], size)};
	}
	if (!ws_extension_negotiate(&head, &terms)) {
		assert_int_equal(terms.server_bits, 77); /* untouched */
		snprintf(text, text_size, "400");
	} else if (!terms.on) {
		assert_false(ws_extension_may_compress(&terms));
		snprintf(text, text_size, "-");
	} else if (terms.server_bits == 0) {
		snprintf(text, text_size, "on");
	} else {
		snprintf(text, text_size, "on %d", terms.server_bits);
	}
	for (uint32_t i = 0; i < LINES_MAX; i++)
		free(copies[i]);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[16];

		negotiate(&rows[i], text, sizeof(text));
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: %s instead of %s", rows[i].lines[0] ? rows[i].lines[0] : "()",
				 text, rows[i].expected);
	}
}

static const struct row rfc_rows[] = {
	/* sections 7 and 7.1 */
	{{PMD}, "on"},
	{{PMD "; client_max_window_bits"}, "on"},
	{{PMD "; client_max_window_bits; server_max_window_bits=10"}, "on 10"},
	{{PMD "; client_max_window_bits; server_max_window_bits=10, " PMD
	      "; client_max_window_bits"},
	 "on"},
	{{PMD "; server_max_window_bits=10"}, "on 10"},
	{{PMD "; server_max_window_bits=10, " PMD}, "on"},
	/* 7.1.1.1, 7.1.1.2 */
	{{PMD "; server_no_context_takeover"}, "on"},
	{{PMD "; client_no_context_takeover"}, "on"},
	{{PMD "; server_no_context_takeover; client_no_context_takeover"}, "on"},
	{{PMD "; server_no_context_takeover=1"}, "-"},
	{{PMD "; client_no_context_takeover=true"}, "-"},
	{{PMD "; server_no_context_takeover=\"x\""}, "-"},
	/* 7.1.2.1, 7.1.2.2 */
	{{PMD "; server_max_window_bits=8"}, "on 8"},
	{{PMD "; server_max_window_bits=9"}, "on 9"},
	{{PMD "; server_max_window_bits=11"}, "on 11"},
	{{PMD "; server_max_window_bits=12"}, "on 12"},
	{{PMD "; server_max_window_bits=13"}, "on 13"},
	{{PMD "; server_max_window_bits=14"}, "on 14"},
	{{PMD "; server_max_window_bits=15"}, "on 15"},
	{{PMD "; client_max_window_bits=8"}, "on"},
	{{PMD "; client_max_window_bits=15"}, "on"},
	{{PMD "; server_max_window_bits=\"10\""}, "on 10"},
	{{PMD "; server_max_window_bits"}, "-"},
	{{PMD "; server_max_window_bits=7"}, "-"},
	{{PMD "; server_max_window_bits=16"}, "-"},
	{{PMD "; server_max_window_bits=0"}, "-"},
	{{PMD "; server_max_window_bits=08"}, "-"},
	{{PMD "; server_max_window_bits=012"}, "-"},
	{{PMD "; server_max_window_bits=100"}, "-"},
	{{PMD "; server_max_window_bits=+9"}, "-"},
	{{PMD "; server_max_window_bits=1x"}, "-"},
	{{PMD "; server_max_window_bits=x"}, "-"},
	{{PMD "; server_max_window_bits=1"}, "-"},
	{{PMD "; client_max_window_bits=7"}, "-"},
	{{PMD "; client_max_window_bits=16"}, "-"},
	{{PMD "; client_max_window_bits=08"}, "-"},
	{{PMD "; client_max_window_bits=twelve"}, "-"},
	/* unknown, and twice the same */
	{{PMD "; window_bits=10"}, "-"},
	{{PMD "; x"}, "-"},
	{{PMD "; Server_no_context_takeover"}, "-"},
	{{PMD "; server_no_context_takeover; server_no_context_takeover"}, "-"},
	{{PMD "; client_no_context_takeover; client_no_context_takeover"}, "-"},
	{{PMD "; server_max_window_bits=12; server_max_window_bits=12"}, "-"},
	{{PMD "; client_max_window_bits; client_max_window_bits=12"}, "-"},
};

static void offers_of_the_rfc(void **state)
{
	(void)state;
	check_rows(rfc_rows, ARRAY_SIZE(rfc_rows));
}

static const struct row choice_rows[] = {
	{{NULL}, "-"},
	{{""}, "-"},
	{{" , ,"}, "-"},
	{{"foo"}, "-"},
	{{"x-webkit-deflate-frame"}, "-"},
	{{"permessage-deflat"}, "-"},
	{{"permessage-deflatee"}, "-"},
	{{"foo, " PMD}, "on"},
	{{"foo; a=b; a=b; c=\"d\", " PMD ", bar"}, "on"},
	{{"permessage-bzip2, " PMD "; x, " PMD "; server_max_window_bits=13"}, "on 13"},
	{{PMD "; x, " PMD "; y=1, " PMD "; server_max_window_bits=16"}, "-"},
	/* several header lines are one list */
	{{"foo", PMD}, "on"},
	{{PMD "; x", "bar", PMD "; server_max_window_bits=14"}, "on 14"},
	{{"", PMD, ""}, "on"},
	/* the first one under which the server can compress, else the first good one */
	{{PMD "; server_max_window_bits=14, " PMD}, "on 14"},
	{{PMD ", " PMD "; server_max_window_bits=14"}, "on"},
	{{PMD "; server_max_window_bits=9, " PMD "; server_max_window_bits=12"}, "on 12"},
	{{PMD "; server_max_window_bits=9, " PMD "; server_max_window_bits=8"}, "on 9"},
	{{PMD "; server_max_window_bits=8", PMD "; x", PMD}, "on"},
	/* blanks */
	{{PMD ";server_max_window_bits=13;client_max_window_bits"}, "on 13"},
	{{"\t" PMD " ;\tserver_max_window_bits\t=  13 ; client_max_window_bits ,"}, "on 13"},
	{{",," PMD ",,"}, "on"},
	{{PMD ";server_max_window_bits = \"13\" "}, "on 13"},
	/* quoted values */
	{{PMD "; server_max_window_bits=\"1\\3\""}, "on 13"},
	{{PMD "; server_max_window_bits=\"\\1\\3\""}, "on 13"},
	{{PMD "; server_max_window_bits=\"130\""}, "-"},
	{{"foo; a=\"\\b\", " PMD}, "on"},
	/* what browsers and libraries send */
	{{"permessage-deflate; client_max_window_bits"}, "on"},
	{{"permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"}, "on 12"},
	{{"permessage-deflate; client_no_context_takeover; server_no_context_takeover"}, "on"},
	{{"x-webkit-deflate-frame, permessage-deflate"}, "on"},
};

static void choose_among_offers(void **state)
{
	(void)state;
	check_rows(choice_rows, ARRAY_SIZE(choice_rows));
}

/* RFC 6455 section 9.1: the handshake fails. */
static const struct row broken_rows[] = {
	{{";"}, "400"},
	{{"="}, "400"},
	{{"\""}, "400"},
	{{"\"" PMD "\""}, "400"},
	{{PMD ";"}, "400"},
	{{PMD "; ;x"}, "400"},
	{{PMD ";,"}, "400"},
	{{PMD " " PMD}, "400"},
	{{PMD "; a b"}, "400"},
	{{PMD "; a=b c"}, "400"},
	{{PMD "; a="}, "400"},
	{{PMD "; a=,"}, "400"},
	{{PMD "; =b"}, "400"},
	{{PMD "; a==b"}, "400"},
	{{PMD "=1"}, "400"},
	{{PMD "; a=\""}, "400"},
	{{PMD "; a=\"\""}, "400"},
	{{PMD "; a=\"b"}, "400"},
	{{PMD "; a=\"b\\"}, "400"},
	{{PMD "; a=\"b\\\""}, "400"},
	{{PMD "; a=\"b c\""}, "400"},
	{{PMD "; a=\"b,c\""}, "400"},
	{{PMD "; a=\"b\\,c\""}, "400"},
	{{PMD "; a=\"b\"c"}, "400"},
	{{PMD "; a=b\"c\""}, "400"},
	{{PMD "; \"a\"=b"}, "400"},
	{{PMD "; a=(b)"}, "400"},
	{{PMD "/1"}, "400"},
	{{PMD "; a=\xC3\xA9"}, "400"},
	{{"foo; a=\"", PMD}, "400"}, /* a quote does not go on in the next line */
	{{PMD, "foo;"}, "400"},      /* also behind what was good */
	{{PMD ", foo bar"}, "400"},
};

static void refuse_what_is_no_list(void **state)
{
	(void)state;
	check_rows(broken_rows, ARRAY_SIZE(broken_rows));
}

static void every_byte_in_a_name(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		char name[] = "a?b";
		struct row row = {{name}, "400"};
		bool is_token = byte > ' ' && byte < 0x7F &&
				strchr("()<>@,;:\\\"/[]?={}", (int)byte) == NULL;

		name[1] = (char)byte;
		if (is_token || byte == ',' || byte == ';')
			row.expected = "-";
		check_rows(&row, 1);
	}
}

static void check_answer(uint8_t server_bits, const char *expected)
{
	struct ws_deflate terms = {.on = true, .server_bits = server_bits};
	char text[128];
	struct writer writer;

	writer_init(&writer, text, sizeof(text));
	ws_extension_write(&writer, &terms);
	assert_false(writer.overflow);
	assert_true(slice_equal_text(writer_written(&writer), expected));
}

static void answers(void **state)
{
	(void)state;
	check_answer(0, PMD "; server_no_context_takeover; client_no_context_takeover");
	check_answer(8, PMD "; server_no_context_takeover; client_no_context_takeover; "
			    "server_max_window_bits=8");
	check_answer(15, PMD "; server_no_context_takeover; client_no_context_takeover; "
			     "server_max_window_bits=15");
}

static void small_windows_get_plain_frames(void **state)
{
	(void)state;
	for (uint8_t bits = 8; bits <= 15; bits++) {
		struct ws_deflate terms = {.on = true, .server_bits = bits};

		assert_int_equal(ws_extension_may_compress(&terms), bits >= 12);
	}
	assert_true(ws_extension_may_compress(&(struct ws_deflate){.on = true}));
	assert_false(ws_extension_may_compress(&(struct ws_deflate){.on = false}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_of_the_rfc),
		cmocka_unit_test(choose_among_offers),
		cmocka_unit_test(refuse_what_is_no_list),
		cmocka_unit_test(every_byte_in_a_name),
		cmocka_unit_test(answers),
		cmocka_unit_test(small_windows_get_plain_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
