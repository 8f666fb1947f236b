/* tests/unit/shard/cors_test.c - who gets headers for other origins, and what is a preflight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "shard/cors.h"
#include "wire/http_head.h"

#define REST "Access-Control-Expose-Headers: Retry-After\r\nVary: Origin\r\n"

static struct http_head parse(const char *request)
{
	struct http_head head;

	assert_int_equal(http_head_parse(slice_of_text(request), 8192, &head), HTTP_HEAD_COMPLETE);
	return head;
}

static void check_lines(char *rule, const char *origin, const char *expected)
{
	char request[1024];
	char bytes[CORS_SIZE_MAX];
	struct config config = {.allow_origin = {&rule, rule ? 1 : 0}};
	struct writer writer;

	snprintf(request, sizeof(request), "GET /poll HTTP/1.1\r\nHost: a\r\n%s%s\r\n", origin,
		 origin[0] ? "\r\n" : "");
	struct http_head head = parse(request);
	writer_init(&writer, bytes, sizeof(bytes));
	cors_write(&config, &head, &writer);
	assert_false(writer.overflow);
	if (!slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s, %s: got\n%.*s", rule, origin, (int)writer.size, bytes);
}

static void lines(void **state)
{
	static const char listed[] = "Access-Control-Allow-Origin: https://b.example\r\n"
				     "Access-Control-Allow-Credentials: true\r\n" REST;
	static const char any[] = "Access-Control-Allow-Origin: https://b.example\r\n" REST;

	(void)state;
	check_lines((char[]){"https://b.example"}, "Origin: https://b.example", listed);
	check_lines((char[]){"https://*.example"}, "Origin: https://b.example", listed);
	check_lines((char[]){"*"}, "Origin: https://b.example", any);
	check_lines((char[]){"*"}, "Origin: null", "");
	check_lines((char[]){"*"}, "", "");
	check_lines((char[]){"null"}, "Origin: null",
		    "Access-Control-Allow-Origin: null\r\n"
		    "Access-Control-Allow-Credentials: true\r\n" REST);
	check_lines((char[]){"https://b.example"}, "Origin: https://c.example", "");
	check_lines((char[]){"https://b.example"}, "", "");
	check_lines(NULL, "Origin: https://b.example", "");
	check_lines(NULL, "Origin: http://a", "");
}

static void longest(void **state)
{
	char origin[sizeof("Origin: ") + ORIGIN_SIZE_MAX] = "Origin: https://";
	char rule[ORIGIN_SIZE_MAX + 1];
	char expected[CORS_SIZE_MAX + 1];

	(void)state;
	memset(origin + 16, 'x', sizeof(origin) - 17);
	memcpy(rule, origin + 8, sizeof(rule));
	snprintf(expected, sizeof(expected),
		 "Access-Control-Allow-Origin: %s\r\nAccess-Control-Allow-Credentials: true\r\n%s",
		 rule, REST);
	check_lines(rule, origin, expected);
}

static void check_preflight(const char *method, const char *path, bool expected)
{
	char request[256];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, path);
	struct http_head head = parse(request);
	if (cors_is_preflight(&head) != expected)
		fail_msg("%s %s: expected %d", method, path, expected);
}

static void preflights(void **state)
{
	static const char *const paths[] = {
		"/sse",
		"/sse?token=x",
		"/sse/notifications/42",
		"/poll",
		"/poll/trending?wait=0",
		"/socket.io/",
		"/socket.io/?EIO=4&transport=polling",
		"/ws/stats",
		"/ws/health",
	};
	static const char *const others[] = {
		"/",      "/ws",  "/ws/notifications", "/ssex",        "/pollx", "/socket.iox",
		"/x/sse", "/ws/", "/ws/stats/",        "/api/publish",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		check_preflight("OPTIONS", paths[i], true);
		check_preflight("GET", paths[i], false);
		check_preflight("options", paths[i], false);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_preflight("OPTIONS", others[i], false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(longest),
		cmocka_unit_test(preflights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
