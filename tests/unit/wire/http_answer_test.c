/* tests/unit/wire/http_answer_test.c - answers, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http_answer.h"

static void check_written(const struct writer *writer, const char *expected)
{
	struct slice written = writer_written(writer);

	assert_false(writer->overflow);
	if (!slice_equal_text(written, expected))
		fail_msg("got\n%.*s\nexpected\n%s", (int)written.size,
			 (const char *)written.bytes, expected);
}

static void check_answer(struct http_answer answer, const char *expected)
{
	char bytes[512];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	http_answer_write(&writer, &answer);
	check_written(&writer, expected);
	for (size_t room = 0; room < strlen(expected); room++) {
		writer_init(&writer, bytes, room);
		http_answer_write(&writer, &answer);
		assert_true(writer.overflow);
	}
}

static void with_body(void **state)
{
	struct http_answer answer = {
		.status = 200, .content_type = "text/plain", .body = SLICE("hi")};

	(void)state;
	check_answer(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 2\r\n\r\nhi");
	answer.head_only = true;
	check_answer(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 2\r\n\r\n");
	answer.head_only = false;
	answer.close = true;
	answer.extra = "Retry-After: 3\r\nX-A: b\r\n";
	check_answer(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 2\r\nRetry-After: 3\r\nX-A: b\r\n"
			     "Connection: close\r\n\r\nhi");
}

static void without_body(void **state)
{
	(void)state;
	check_answer((struct http_answer){.status = 404},
		     "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	check_answer((struct http_answer){.status = 299, .close = true},
		     "HTTP/1.1 299 Unknown\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	/* no content type, no body */
	check_answer((struct http_answer){.status = 200, .body = SLICE("lost")},
		     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	check_answer((struct http_answer){.status = 426,
					  .extra = "Upgrade: websocket\r\n"
						   "Sec-WebSocket-Version: 13\r\n"},
		     "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
		     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

static void never_a_body(void **state)
{
	(void)state;
	check_answer((struct http_answer){.status = 204}, "HTTP/1.1 204 No Content\r\n\r\n");
	check_answer((struct http_answer){.status = 100}, "HTTP/1.1 100 Continue\r\n\r\n");
	check_answer((struct http_answer){.status = 304,
					  .content_type = "text/plain",
					  .body = SLICE("x"),
					  .extra = "ETag: \"1\"\r\n"},
		     "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
}

static void check_error(int status, const char *extra, const char *expected)
{
	char bytes[512];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	http_answer_write_error(&writer, status, "some_code", "Some text", extra);
	check_written(&writer, expected);
}

#define ERROR_BODY "{\"error\":\"some_code\",\"message\":\"Some text\"}"

static void errors(void **state)
{
	(void)state;
	assert_int_equal(strlen(ERROR_BODY), 43);
	check_error(400, NULL,
		    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
		    "Content-Length: 43\r\nConnection: close\r\n\r\n" ERROR_BODY);
	check_error(401, NULL,
		    "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
		    "Content-Length: 43\r\nWWW-Authenticate: Bearer\r\n"
		    "Connection: close\r\n\r\n" ERROR_BODY);
	check_error(503, "Retry-After: 7\r\n",
		    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
		    "Content-Length: 43\r\nRetry-After: 7\r\n"
		    "Connection: close\r\n\r\n" ERROR_BODY);
}

static void reasons(void **state)
{
	(void)state;
	assert_string_equal(http_answer_reason(101), "Switching Protocols");
	assert_string_equal(http_answer_reason(413), "Content Too Large");
	assert_string_equal(http_answer_reason(429), "Too Many Requests");
	assert_string_equal(http_answer_reason(505), "HTTP Version Not Supported");
	assert_string_equal(http_answer_reason(306), "Unknown");
	assert_string_equal(http_answer_reason(0), "Unknown");
	assert_string_equal(http_answer_reason(-1), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_body), cmocka_unit_test(without_body),
		cmocka_unit_test(never_a_body), cmocka_unit_test(errors),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
