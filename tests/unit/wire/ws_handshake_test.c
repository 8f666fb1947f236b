/* tests/unit/wire/ws_handshake_test.c - opening handshakes, whole and with one thing wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/ws_handshake.h"

#define GET "GET /ws HTTP/1.1\r\nHost: a\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static int check_head(const char *text, struct ws_handshake *ret)
{
	static struct http_head head;

	assert_int_equal(http_head_parse(slice_of_text(text), 8192, &head), HTTP_HEAD_COMPLETE);
	return ws_handshake_check(&head, ret);
}

static void check_answer(const char *text, int expected)
{
	struct ws_handshake handshake = {.key = SLICE("untouched")};
	int answer = check_head(text, &handshake);

	if (answer != expected)
		fail_msg("%s\ngot %d, expected %d", text, answer, expected);
	if (expected != 101)
		assert_true(slice_equal_text(handshake.key, "untouched"));
}

static void answers(void **state)
{
	(void)state;
	check_answer(GET UPGRADE CONNECTION KEY VERSION "\r\n", 101);
	check_answer(GET VERSION KEY CONNECTION UPGRADE "\r\n", 101);
	check_answer(GET
		     "upgrade: h2c, WebSocket\r\nconnection: keep-alive, uPGRADE\r\n" KEY VERSION
		     "\r\n",
		     101);
	check_answer(GET UPGRADE CONNECTION KEY VERSION "Content-Length: 0\r\n\r\n", 101);
	/* 405 */
	check_answer("POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE CONNECTION KEY VERSION "\r\n", 405);
	check_answer("HEAD /ws HTTP/1.1\r\nHost: a\r\n\r\n", 405);
	check_answer("get /ws HTTP/1.1\r\nHost: a\r\n" UPGRADE CONNECTION KEY VERSION "\r\n", 405);
	/* 426 */
	check_answer(GET "\r\n", 426);
	check_answer(GET CONNECTION KEY VERSION "\r\n", 426);
	check_answer(GET "Upgrade: h2c\r\n" CONNECTION KEY VERSION "\r\n", 426);
	check_answer(GET UPGRADE CONNECTION KEY "\r\n", 426);
	check_answer(GET UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426);
	check_answer(GET UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 013\r\n\r\n", 426);
	check_answer(GET UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426);
	/* 400 */
	check_answer("GET /ws HTTP/1.0\r\n" UPGRADE CONNECTION KEY VERSION "\r\n", 400);
	check_answer(GET UPGRADE KEY VERSION "\r\n", 400);
	check_answer(GET UPGRADE "Connection: keep-alive\r\n" KEY VERSION "\r\n", 400);
	check_answer(GET UPGRADE CONNECTION VERSION "\r\n", 400);
	check_answer(GET UPGRADE CONNECTION KEY KEY VERSION "\r\n", 400);
	check_answer(GET UPGRADE CONNECTION KEY VERSION VERSION "\r\n", 400);
	check_answer(GET UPGRADE CONNECTION KEY VERSION "Content-Length: 1\r\n\r\n", 400);
	check_answer(GET UPGRADE CONNECTION KEY VERSION "Content-Length: x\r\n\r\n", 400);
	check_answer(GET UPGRADE CONNECTION KEY VERSION "Transfer-Encoding: chunked\r\n\r\n", 400);
}

static void check_key(const char *key, int expected)
{
	char text[512];
	struct writer writer;

	writer_init(&writer, text, sizeof(text));
	writer_format(&writer, GET UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: %s\r\n\r\n", key);
	writer_bytes(&writer, "", 1);
	assert_false(writer.overflow);
	check_answer(text, expected);
}

static void keys(void **state)
{
	(void)state;
	check_key("AAAAAAAAAAAAAAAAAAAAAA==", 101);
	check_key("+/+/+/+/+/+/+/+/+/+/+w==", 101);
	check_key("abcdefghijklmnopqrstuv==", 101); /* unused bits are set */
	check_key("//////////////////////==", 101);
	check_key("", 400);
	check_key("AAAA", 400);
	check_key("AAAAAAAAAAAAAAAAAAAAAA", 400);
	check_key("AAAAAAAAAAAAAAAAAAAAAA=", 400);
	check_key("AAAAAAAAAAAAAAAAAAAAAAA=", 400); /* 17 bytes */
	check_key("AAAAAAAAAAAAAAAAAAAAA===", 400); /* 15 */
	check_key("AAAAAAAAAAAAAAAAAAAAAAAA", 400); /* 18 */
	check_key("AAAAAAAAAAAAAAAAAAAAAAA==", 400);
	check_key("AAAAAAAAAAAAAAAAAAAAAAAAAA==", 400);
	check_key("-_AAAAAAAAAAAAAAAAAAAA==", 400);
	check_key("AAAAAAAAAA AAAAAAAAAAA==", 400);
	check_key("AAAAAAAAAAAAAAAAAAAA!A==", 400);
	check_key("AAAAAAAAAAAAAAAAAAAAA*==", 400);
	check_key("AAAA====AAAAAAAAAAAAAA==", 400);
	check_key("AAAAAAAAAAAAAAAAAA==AA==", 400);
}

/* NULL expects the absent slice. */
static void check_slice(struct slice actual, const char *expected)
{
	assert_int_equal(slice_is_absent(actual), expected == NULL);
	assert_true(slice_equal_text(actual, expected));
}

static void what_is_found(void **state)
{
	struct ws_handshake handshake;

	(void)state;
	assert_int_equal(check_head(GET UPGRADE CONNECTION KEY VERSION "\r\n", &handshake), 101);
	check_slice(handshake.key, "dGhlIHNhbXBsZSBub25jZQ==");
	check_slice(handshake.protocols, NULL);
	assert_int_equal(check_head(GET UPGRADE CONNECTION KEY VERSION
				    "Sec-WebSocket-Protocol: belfry, bearer.a.b.c\r\n"
				    "Sec-WebSocket-Protocol: other\r\n\r\n",
				    &handshake),
			 101);
	check_slice(handshake.protocols, "belfry, bearer.a.b.c");
}

/* NULL expects that it is not offered. */
static void check_offer(const char *protocols, const char *prefix, bool exact, const char *expected)
{
	struct slice rest = SLICE("untouched");
	bool offers = ws_handshake_offers(slice_of_text(protocols), prefix, exact, &rest);

	assert_int_equal(offers, expected != NULL);
	check_slice(rest, expected ? expected : "untouched");
}

static void offers(void **state)
{
	(void)state;
	check_offer("belfry", "belfry", true, "");
	check_offer("a, belfry ,b", "belfry", true, "");
	check_offer("belfry2,\tbelfry", "belfry", true, "");
	check_offer("belfry2", "belfry", true, NULL);
	check_offer("Belfry", "belfry", true, NULL);
	check_offer("", "belfry", true, NULL);
	check_offer(NULL, "belfry", true, NULL);
	check_offer("belfry, bearer.a.b.c", "bearer.", false, "a.b.c");
	check_offer("bearer.x,bearer.y", "bearer.", false, "x");
	check_offer("bearer.", "bearer.", false, "");
	check_offer("bearer", "bearer.", false, NULL);
	check_offer("xbearer.y", "bearer.", false, NULL);
}

/* RFC 6455 section 1.3. */
static void accept_of_rfc6455(void **state)
{
	char accept[WS_ACCEPT_SIZE];

	(void)state;
	ws_handshake_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept);
	assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_SIZE);
}

static void check_written(const char *protocol, const struct ws_deflate *deflate,
			  const char *expected)
{
	char text[512];
	struct writer writer;

	writer_init(&writer, text, strlen(expected));
	ws_handshake_write(&writer, SLICE("dGhlIHNhbXBsZSBub25jZQ=="), protocol, deflate);
	assert_false(writer.overflow);
	check_slice(writer_written(&writer), expected);
	writer_init(&writer, text, strlen(expected) - 1);
	ws_handshake_write(&writer, SLICE("dGhlIHNhbXBsZSBub25jZQ=="), protocol, deflate);
	assert_true(writer.overflow);
}

static void write_101(void **state)
{
	(void)state;
	check_written(NULL, NULL,
		      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		      "Connection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
	check_written("belfry", &(struct ws_deflate){.on = false},
		      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		      "Connection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		      "Sec-WebSocket-Protocol: belfry\r\n\r\n");
	check_written("belfry", &(struct ws_deflate){.on = true, .server_bits = 12},
		      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		      "Connection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		      "Sec-WebSocket-Protocol: belfry\r\n"
		      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
		      "client_no_context_takeover; server_max_window_bits=12\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),           cmocka_unit_test(keys),
		cmocka_unit_test(what_is_found),     cmocka_unit_test(offers),
		cmocka_unit_test(accept_of_rfc6455), cmocka_unit_test(write_101),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
