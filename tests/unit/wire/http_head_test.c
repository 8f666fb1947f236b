/* tests/unit/wire/http_head_test.c - request heads, each one at every length of its prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http_head.h"

#define SIZE_MAX_HERE 8192

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

/* Parses a copy of the exact size, so that a sanitizer sees each step too far. */
static int parse_copy(struct slice bytes, size_t size_max)
{
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
	static struct http_head head;
	int answer;

	assert_non_null(copy);
	memcpy(copy, bytes.bytes, bytes.size);
	answer = http_head_parse(slice_of(copy, bytes.size), size_max, &head);
	free(copy);
	return answer;
}

/* Feeding byte by byte: PARTIAL until the last byte, then `expected`, which trailing bytes do not
 * change. */
static void check_answer(struct slice text, size_t size_max, int expected)
{
	for (size_t size = 0; size <= text.size; size++) {
		int wanted = size < text.size ? HTTP_HEAD_PARTIAL : expected;
		int answer = parse_copy(slice_of(text.bytes, size), size_max);

		if (answer != wanted)
			fail_msg("%.*s\ngot %d, expected %d", (int)size,
				 (const char *)text.bytes, answer, wanted);
	}

	uint8_t more[1024];

	assert_true(text.size + 2 < sizeof(more));
	for (unsigned last = 0; last < 256 && expected != HTTP_HEAD_PARTIAL; last++) {
		memcpy(more, text.bytes, text.size);
		more[text.size] = (uint8_t)last;
		more[text.size + 1] = '\n';
		assert_int_equal(parse_copy(slice_of(more, text.size + 2), size_max), expected);
	}
}

/* Heads that must be refused or taken at their last byte: not earlier, not later. */
static const struct {
	int answer;
	struct slice text;
} answer_rows[] = {
	{1, SLICE(GET HOST "\r\n")},
	{1, SLICE("GET / HTTP/1.0\r\n\r\n")},
	{1, SLICE("\r\n" GET HOST "\r\n")},
	{1, SLICE("GET /?a=\"<>\\^`{|}~[]!$&'()*+,;=:@%zz HTTP/1.0\r\n\r\n")},
	{1, SLICE("!#$%&'*+-.^_`|~09azAZ / HTTP/1.0\r\n!#$%&'*+-.^_`|~09azAZ:\r\n\r\n")},
	{1, SLICE("GET / HTTP/1.0\r\na:\t b\t c \x80\xFF\"\\\t \r\n\r\n")},
	{1, SLICE("POST / HTTP/1.1\r\nhOsT:\r\nContent-Length: 5\r\n\r\n")},
	{1, SLICE(GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")},
	/* the request line */
	{400, SLICE(" ")},
	{400, SLICE("\n")},
	{400, SLICE("\r\n\r")}, /* only one empty line */
	{400, SLICE("\r\r")},
	{400, SLICE("\0")},
	{400, SLICE("\x16")}, /* a TLS client */
	{400, SLICE("GE\t")},
	{400, SLICE("GE(")},
	{400, SLICE("GET\r")},
	{400, SLICE("GET\n")},
	{400, SLICE("GET\t")},
	{400, SLICE("G\xC3")},
	{400, SLICE("GET  ")},
	{400, SLICE("GET h")}, /* http://host/, which is for proxies */
	{400, SLICE("OPTIONS *")},
	{400, SLICE("GET a")},
	{400, SLICE("GET /a#")},
	{400, SLICE("GET /a\t")},
	{400, SLICE("GET /a\r")},
	{400, SLICE("GET /a\n")},
	{400, SLICE("GET /a\0")},
	{400, SLICE("GET /a\x7F")},
	{400, SLICE("GET /a\xC3")},
	{400, SLICE("GET /a  ")},
	{400, SLICE("GET / h")},
	{400, SLICE("GET / HTTP/x")},
	{400, SLICE("GET / HTTP/1x")},
	{400, SLICE("GET / HTTP/11")},
	{400, SLICE("GET / HTTP/1.x")},
	{400, SLICE("GET / HTTP/1.1 ")},
	{400, SLICE("GET / HTTP/1.10")},
	{400, SLICE("GET / HTTP/1.1\n")},
	{400, SLICE("GET / HTTP/1.1\r\r")},
	{505, SLICE("GET / HTTP/2")},
	{505, SLICE("GET / HTTP/0")},
	{505, SLICE("GET / HTTP/1.2")},
	{505, SLICE("GET / HTTP/1.9")},
	/* header lines */
	{400, SLICE(GET " ")}, /* folding before there is anything to fold */
	{400, SLICE(GET "\t")},
	{400, SLICE(GET "\n")},
	{400, SLICE(GET "\rX")},
	{400, SLICE(GET ":")},
	{400, SLICE(GET "a ")}, /* space before the colon */
	{400, SLICE(GET "a\t")},
	{400, SLICE(GET "a\r")},
	{400, SLICE(GET "a\n")},
	{400, SLICE(GET "a\0")},
	{400, SLICE(GET "\"")},
	{400, SLICE(GET "Content-Length\x0B")},
	{400, SLICE(GET "h\xC3")},
	{400, SLICE(GET "a: b\n")}, /* bare LF */
	{400, SLICE(GET "a: b\rc")}, /* bare CR */
	{400, SLICE(GET "a: b\r\r")},
	{400, SLICE(GET "a: b\0")},
	{400, SLICE(GET "a: b\x0B")},
	{400, SLICE(GET "a: b\x1F")},
	{400, SLICE(GET "a: b\x7F")},
	{400, SLICE(GET HOST " ")}, /* folding */
	{400, SLICE(GET HOST "\t")},
	{400, SLICE(GET HOST "\n")},
	{400, SLICE(GET HOST "\r\r")},
	/* Host */
	{400, SLICE(GET "\r\n")},
	{400, SLICE(GET HOST HOST "\r\n")},
	{400, SLICE("GET / HTTP/1.0\r\n" HOST HOST "\r\n")},
};

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answer_rows); i++)
		check_answer(answer_rows[i].text, SIZE_MAX_HERE, answer_rows[i].answer);
}

static void limits(void **state)
{
	struct slice head = SLICE("GET /ab HTTP/1.1\r\nHost: a\r\n\r\n");

	(void)state;
	check_answer(head, head.size, 1);
	check_answer(slice_of(head.bytes, head.size - 1), head.size - 1, 431);
	check_answer(slice_of(head.bytes, 2), 2, 431);
	check_answer(SLICE("GET "), 4, 414);
	check_answer(SLICE("GET /a"), 6, 414);
	check_answer(SLICE("GET /ab"), 7, 414);
	check_answer(SLICE("GET /ab "), 8, 431);
	check_answer(SLICE(""), 0, 431);
}

/* `count` header lines and Host. */
static int parse_many(unsigned count)
{
	char bytes[4096] = GET HOST;
	size_t size = strlen(bytes);

	for (unsigned i = 0; i < count; i++, size += 6)
		memcpy(bytes + size, "a: b\r\n", 6);
	memcpy(bytes + size, "\r\n", 2);
	return parse_copy(slice_of(bytes, size + 2), SIZE_MAX_HERE);
}

static void header_lines_max(void **state)
{
	(void)state;
	assert_int_equal(parse_many(HTTP_HEADERS_MAX - 1), HTTP_HEAD_COMPLETE);
	assert_int_equal(parse_many(HTTP_HEADERS_MAX), 431);
	assert_int_equal(parse_many(HTTP_HEADERS_MAX + 1), 431);
}

/* NULL expects the absent slice. */
static void check_slice(struct slice actual, const char *expected)
{
	assert_int_equal(slice_is_absent(actual), expected == NULL);
	if (!slice_equal_text(actual, expected))
		fail_msg("got \"%.*s\", expected \"%s\"", (int)actual.size,
			 (const char *)actual.bytes, expected);
}

static struct http_head parse(const char *text)
{
	struct http_head head;

	assert_int_equal(http_head_parse(slice_of_text(text), SIZE_MAX_HERE, &head),
			 HTTP_HEAD_COMPLETE);
	return head;
}

static void parts(void **state)
{
	const char *text = "POST /a/b%20?c=d?e HTTP/1.1\r\nHost:  h:80 \t\r\nA:\r\n"
			   "B:b b\r\n\r\nbody";
	struct http_head head = parse(text);

	(void)state;
	check_slice(head.method, "POST");
	check_slice(head.path, "/a/b%20");
	check_slice(head.query, "c=d?e");
	assert_int_equal(head.minor_version, 1);
	assert_int_equal(head.headers_count, 3);
	check_slice(head.headers[0].name, "Host");
	check_slice(head.headers[0].value, "h:80");
	check_slice(head.headers[1].value, "");
	check_slice(head.headers[2].value, "b b");
	assert_int_equal(head.head_size, strlen(text) - 4);
	head = parse("GET / HTTP/1.0\r\n\r\n");
	check_slice(head.path, "/");
	check_slice(head.query, NULL);
	assert_int_equal(head.minor_version, 0);
	head = parse("\r\nGET /? HTTP/1.0\r\n\r\n");
	check_slice(head.query, "");
	assert_int_equal(head.head_size, 21);
}

static void untouched_unless_complete(void **state)
{
	static struct http_head head, before;

	(void)state;
	memset(&head, 0xA5, sizeof(head));
	memset(&before, 0xA5, sizeof(before));
	assert_int_equal(http_head_parse(SLICE(GET HOST), 100, &head), HTTP_HEAD_PARTIAL);
	assert_int_equal(http_head_parse((struct slice){NULL, 0}, 100, &head), HTTP_HEAD_PARTIAL);
	assert_int_equal(http_head_parse(SLICE(GET HOST "\r\r"), 100, &head), 400);
	assert_int_equal(http_head_parse(SLICE(GET HOST), 20, &head), 431);
	assert_memory_equal(&head, &before, sizeof(head));
}

static void find_and_count(void **state)
{
	struct http_head head = parse(GET HOST "X-A: 1\r\nx-a: 2\r\nX-AB: 3\r\n\r\n");

	(void)state;
	check_slice(http_head_find(&head, "x-A"), "1");
	check_slice(http_head_find(&head, "x-ab"), "3");
	check_slice(http_head_find(&head, "x"), NULL);
	assert_int_equal(http_head_count(&head, "X-a"), 2);
	assert_int_equal(http_head_count(&head, "x"), 0);
}

static void tokens(void **state)
{
	struct http_head head = parse(
		GET HOST "A: b\r\nConnection: keep-alive ,\t,Upgrade\r\nconnection: x y\r\n\r\n");

	(void)state;
	assert_true(http_head_has_token(&head, "connection", "upgrade"));
	assert_true(http_head_has_token(&head, "Connection", "KEEP-ALIVE"));
	assert_true(http_head_has_token(&head, "Connection", "x y"));
	assert_false(http_head_has_token(&head, "Connection", "keep"));
	assert_false(http_head_has_token(&head, "Connection", "x"));
	assert_false(http_head_has_token(&head, "Connection", "b"));
	assert_false(http_head_has_token(&head, "None", "b"));
}

static void persistence(void **state)
{
	static const struct {
		const char *text;
		bool expected;
	} rows[] = {
		{GET HOST "\r\n", true},
		{GET HOST "Connection: close\r\n\r\n", false},
		{GET HOST "Connection: keep-alive, Close\r\n\r\n", false},
		{GET HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
		{GET HOST "Connection: closed\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_head head = parse(rows[i].text);

		assert_int_equal(http_head_is_persistent(&head), rows[i].expected);
	}
}

/* What two servers may read differently is refused: -1. */
static void body_sizes(void **state)
{
	static const struct {
		const char *lines;
		int64_t expected;
	} rows[] = {
		{"", 0},
		{"Content-Length: 0\r\n", 0},
		{"content-length: 42\r\n", 42},
		{"Content-Length:\t42 \r\n", 42},
		{"Content-Length: 9223372036854775807\r\n", INT64_MAX},
		{"Content-Length: 18446744073709551616\r\n", -1},
		{"Content-Length:\r\n", -1},
		{"Content-Length: +5\r\n", -1},
		{"Content-Length: -5\r\n", -1},
		{"Content-Length: 0x5\r\n", -1},
		{"Content-Length: 5,5\r\n", -1},
		{"Content-Length: 5, 6\r\n", -1},
		{"Content-Length: 5 5\r\n", -1},
		{"Content-Length: 5;\r\n", -1},
		{"Content-Length: 5.0\r\n", -1},
		{"Content-Length: \"5\"\r\n", -1},
		{"Content-Length: \xB2\r\n", -1},
		{"Content-Length: 5\r\nContent-Length: 5\r\n", -1},
		{"Content-Length: 5\r\ncontent-length: 6\r\n", -1},
		{"Transfer-Encoding: chunked\r\n", -1},
		{"Transfer-Encoding: identity\r\n", -1},
		{"Transfer-Encoding:\r\n", -1},
		{"transfer-encoding: x\r\nContent-Length: 5\r\n", -1},
		{"Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n", -1},
		{"X-Content-Length: 5\r\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[256] = GET HOST;
		uint64_t size = 77;

		memcpy(text + strlen(text), rows[i].lines, strlen(rows[i].lines));
		memcpy(text + strlen(text), "\r\n", 2);

		struct http_head head = parse(text);

		assert_int_equal(http_head_body_size(&head, &size), rows[i].expected >= 0);
		assert_true(size == (rows[i].expected < 0 ? 77 : (uint64_t)rows[i].expected));
	}
}

/* NULL expects a refusal. */
static void check_decode(const char *text, const char *expected, size_t expected_size)
{
	uint8_t bytes[32];
	size_t size = 77;

	if (!expected) {
		assert_false(http_percent_decode(slice_of_text(text), bytes, 32, &size));
		assert_int_equal(size, 77);
		return;
	}
	assert_true(http_percent_decode(slice_of_text(text), bytes, expected_size, &size));
	assert_int_equal(size, expected_size);
	assert_memory_equal(bytes, expected, size);
	if (expected_size > 0)
		assert_false(http_percent_decode(slice_of_text(text), bytes, expected_size - 1,
						 &size));
}

static void check_path_decode(const char *text, const char *expected)
{
	uint8_t bytes[32];
	size_t size;
	bool right = http_path_decode(slice_of_text(text), bytes, sizeof(bytes), &size);

	assert_int_equal(right, expected != NULL);
	if (right)
		assert_true(slice_equal_text(slice_of(bytes, size), expected));
}

static void path_decode(void **state)
{
	(void)state;
	check_path_decode("", "");
	check_path_decode("feed:42", "feed:42");
	check_path_decode("a+b", "a+b");
	check_path_decode("a%2Bb%2f%20c", "a+b/ c");
	check_path_decode("%4", NULL);
	check_path_decode("%4g", NULL);
}

static void percent_decode(void **state)
{
	uint8_t same[] = "a%2Fb+%41";
	size_t size;

	(void)state;
	check_decode("", "", 0);
	check_decode("abc", "abc", 3);
	check_decode("a+b%20c", "a b c", 5);
	check_decode("%2B%2f%aF%Fa", "+/\xAF\xFA", 4);
	check_decode("%00", "\0", 1);
	check_decode("%2541", "%41", 3);
	check_decode("%", NULL, 0);
	check_decode("%4", NULL, 0);
	check_decode("a%", NULL, 0);
	check_decode("%%41", NULL, 0);
	check_decode("%g0", NULL, 0);
	check_decode("%0g", NULL, 0);
	check_decode("%+1", NULL, 0);
	check_decode("%u0041", NULL, 0);
	/* an escape that is cut off, though its digits follow in memory */
	assert_false(http_percent_decode(slice_of("a%41", 2), same, 9, &size));
	assert_false(http_percent_decode(slice_of("a%41", 3), same, 9, &size));
	assert_true(http_percent_decode(slice_of(same, 9), same, 9, &size));
	assert_true(slice_equal(slice_of(same, size), SLICE("a/b A")));
}

static void check_query(const char *query, const char *name, const char *expected)
{
	check_slice(http_query_find(slice_of_text(query), name), expected);
}

static void queries(void **state)
{
	(void)state;
	check_query("token=abc", "token", "abc");
	check_query("a=1&token=a%20b=c&token=2", "token", "a%20b=c");
	check_query("a=1&b=2", "b", "2");
	check_query("a=1&b=2", "c", NULL);
	check_query("a=", "a", "");
	check_query("a", "a", "");
	check_query("x&a&b", "a", "");
	check_query("&&a=1&", "a", "1");
	check_query("aa=1&a=2", "a", "2");
	check_query("A=1", "a", NULL);
	check_query("=1", "a", NULL);
	check_query("", "a", NULL);
	check_query(NULL, "a", NULL);
}

static void check_cookie(const char *lines, const char *name, const char *expected)
{
	char text[256] = GET HOST;

	memcpy(text + strlen(text), lines, strlen(lines));
	memcpy(text + strlen(text), "\r\n", 2);

	struct http_head head = parse(text);

	check_slice(http_cookie_find(&head, name), expected);
}

static void cookies(void **state)
{
	(void)state;
	check_cookie("Cookie: token=abc\r\n", "token", "abc");
	check_cookie("cookie: a=1; token=b=c==; d=2\r\n", "token", "b=c==");
	check_cookie("Cookie: a=1;b=2;c=3\r\n", "b", "2");
	check_cookie("Cookie: a=\"q u\"\r\n", "a", "q u");
	check_cookie("Cookie: a=\"\"\r\n", "a", "");
	check_cookie("Cookie: a=\"\r\n", "a", "\"");
	check_cookie("Cookie: a=\r\n", "a", "");
	check_cookie("Cookie: a; a=1\r\n", "a", "1"); /* no '=': not a pair */
	check_cookie("Cookie: aa=1; A=2\r\n", "a", NULL);
	check_cookie("Cookie: a=1\r\nCookie: b=2\r\n", "b", "2");
	check_cookie("Cookie: a=1\r\nCookie: a=2\r\n", "a", "1");
	check_cookie("Cookie:\r\n", "a", NULL);
	check_cookie("Set-Cookie: a=1\r\n", "a", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(limits),
		cmocka_unit_test(header_lines_max),
		cmocka_unit_test(parts),
		cmocka_unit_test(untouched_unless_complete),
		cmocka_unit_test(find_and_count),
		cmocka_unit_test(tokens),
		cmocka_unit_test(persistence),
		cmocka_unit_test(body_sizes),
		cmocka_unit_test(percent_decode),
		cmocka_unit_test(path_decode),
		cmocka_unit_test(queries),
		cmocka_unit_test(cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
