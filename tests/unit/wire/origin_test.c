/* tests/unit/wire/origin_test.c - origins against rules and hosts, most of them attacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "belfry/config.h"
#include "belfry/limits.h"
#include "wire/http_head.h"
#include "wire/origin.h"

static void check_match(const char *rule, const char *origin, bool expected)
{
	if (origin_matches(slice_of_text(rule), slice_of_text(origin)) != expected)
		fail_msg("%s %s %s", rule, expected ? "should match" : "matches", origin);
}

static void one_origin(void **state)
{
	static const char rule[] = "https://app.example";
	static const char *const others[] = {
		"http://app.example",
		"wss://app.example",
		"https://app.example:8443",
		"https://app.example:80",
		"https://app.example.",
		"https://app.example.evil",
		"https://evil-app.example",
		"https://evil.app.example",
		"https://xapp.example",
		"https://app.exampl",
		"https://app.example.evil:443",
		"https://app_example",
		"https://appxexample",
		"https://app.example@evil",
		"https://evil@app.example",
		"https://app.example:443@evil",
		"https://app.example/",
		"https://app.example/x",
		"https://app.example?",
		"https://app.example#",
		"https://app.example\\.evil",
		"https://app.example:",
		"https://app.example:0443",
		"https://app.example:+443",
		"https://app.example:65979",
		"https://app.example:443:443",
		"https:app.example",
		"https:/app.example",
		"https:///app.example",
		"//app.example",
		"app.example",
		"://app.example",
		"https://",
		"https",
		"",
		"null",
		"*",
		"https://*",
		"https://*.example",
		"https://app.example https://evil",
		"https://app.example,x",
		"https://app.example%00.evil",
		"https://app.example\t",
		" https://app.example",
		"https://\xd0\xb0pp.example",
		"https://[app.example]",
		"https://app..example",
		"https://.app.example",
		"javascript://app.example",
		"https+x://app.example",
	};

	(void)state;
	check_match(rule, rule, true);
	check_match(rule, "https://app.example:443", true);
	check_match(rule, "HTTPS://App.EXAMPLE", true);
	check_match("HTTPS://App.Example:443", rule, true);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_match(rule, others[i], false);
}

static void ports_and_schemes(void **state)
{
	(void)state;
	check_match("http://a.example:80", "http://a.example", true);
	check_match("http://a.example", "http://a.example:80", true);
	check_match("http://a.example", "http://a.example:443", false);
	check_match("http://localhost:3000", "http://localhost:3000", true);
	check_match("http://localhost:3000", "http://localhost:3001", false);
	check_match("http://localhost:3000", "http://localhost:30000", false);
	check_match("http://localhost:3000", "http://localhost", false);
	check_match("http://localhost", "http://localhost:3000", false);
	check_match("http://127.0.0.1:3000", "http://127.0.0.1:3000", true);
	check_match("http://127.0.0.1", "http://127.0.0.10", false);
	check_match("http://[::1]:3000", "http://[::1]:3000", true);
	check_match("http://[::1]:3000", "http://[::1]", false);
	check_match("http://[::1]", "http://[::1]evil", false);
	check_match("http://[::1]", "http://[::1", false);
	check_match("capacitor://localhost", "capacitor://localhost", true);
	check_match("capacitor://localhost", "capacitor://localhost:1", false);
	check_match("capacitor://localhost", "http://localhost", false);
}

static void patterns(void **state)
{
	static const char rule[] = "https://*.example.com";
	static const char *const others[] = {
		"https://example.com",
		"https://.example.com",
		"https://evil-example.com",
		"https://evilexample.com",
		"https://a.example.com.evil",
		"http://a.example.com",
		"https://a.example.com:8443",
		"https://a.example.com:80",
		"https://a.exampleXcom",
		"https://a..example.com",
		"https://.a.example.com",
		"https://a.example.com.",
		"https://evil/.example.com",
		"https://evil#.example.com",
		"https://evil?.example.com",
		"https://evil@a.example.com",
		"https://evil:80.example.com",
		"https://evil\\.example.com",
		"https://evil .example.com",
		"https://*.example.com",
		"https://[::1].example.com",
		"https://evil%2f.example.com",
		"null",
		"",
	};

	(void)state;
	check_match(rule, "https://a.example.com", true);
	check_match(rule, "https://a.b.c.example.com", true);
	check_match(rule, "https://a.example.com:443", true);
	check_match(rule, "HTTPS://A.Example.Com", true);
	check_match(rule, "https://example.com.example.com", true);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_match(rule, others[i], false);
	check_match("https://*.example.com:8443", "https://a.example.com:8443", true);
	check_match("https://*.example.com:8443", "https://a.example.com", false);
}

static void words(void **state)
{
	(void)state;
	check_match("null", "null", true);
	check_match("null", "NULL", true);
	check_match("null", "https://null", false);
	check_match("null", "", false);
	check_match("*", "null", false);
	check_match("*", "Null", false);
	check_match("*", "https://anything.example", true);
	check_match("*", "file://", true);
}

static void rules(void **state)
{
	static const char *const good[] = {
		"*",
		"null",
		"https://a",
		"https://*.a",
		"http://a:1",
		"http://*.a.b:65535",
		"http://[::1]:3000",
		"chrome-extension://abcdef",
	};
	static const char *const bad[] = {
		"",
		"a",
		"a.example",
		"https://",
		"https://*",
		"https://*.",
		"https://*a.example",
		"https://a.*.example",
		"https://**.example",
		"https://*.*.example",
		"*://a",
		"https://*.[::1]",
		"https://a/",
		"https://a:0",
		"https://a:65536",
		"https://a:",
		"https://a b",
		"https://a,b",
		"null:",
		"https://.a",
		"https://a..b",
		"-x://a",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!origin_is_rule(slice_of_text(good[i])))
			fail_msg("%s should be a rule", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (origin_is_rule(slice_of_text(bad[i])))
			fail_msg("%s is a rule", bad[i]);
}

/* `rules`: at most two, with a comma between; `lines` are the headers of the request. */
static enum origin_verdict judge(const char *rules_text, const char *lines)
{
	static char copy[256];
	static char request[2048];
	static struct http_head head;
	char *items[2];
	struct config_list list = {items, 0};

	snprintf(copy, sizeof(copy), "%s", rules_text);
	if (copy[0] != '\0')
		items[list.count++] = copy;
	if (strchr(copy, ',')) {
		items[list.count++] = strchr(copy, ',') + 1;
		*strchr(copy, ',') = '\0';
	}
	snprintf(request, sizeof(request), "GET /ws HTTP/1.%d\r\n%s\r\n",
		 strstr(lines, "Host:") ? 1 : 0, lines);
	assert_int_equal(http_head_parse(slice_of_text(request), 2048, &head), HTTP_HEAD_COMPLETE);
	return origin_judge(&list, &head);
}

static void check_judge(const char *rules_text, const char *lines, enum origin_verdict expected)
{
	enum origin_verdict verdict = judge(rules_text, lines);

	if (verdict != expected)
		fail_msg("[%s]\n%sgot %d, expected %d", rules_text, lines, (int)verdict,
			 (int)expected);
}

static void check_host(const char *origin, const char *host, enum origin_verdict expected)
{
	char lines[512];

	snprintf(lines, sizeof(lines), "Host: %s\r\nOrigin: %s\r\n", host, origin);
	check_judge("", lines, expected);
}

static void the_same_host(void **state)
{
	(void)state;
	check_judge("", "Host: a\r\n", ORIGIN_NONE);
	check_host("http://a.example", "a.example", ORIGIN_SAME);
	check_host("http://A.example", "a.EXAMPLE", ORIGIN_SAME);
	check_host("http://a.example:8080", "a.example:8080", ORIGIN_SAME);
	check_host("http://127.0.0.1:8080", "127.0.0.1:8080", ORIGIN_SAME);
	check_host("http://[::1]:8080", "[::1]:8080", ORIGIN_SAME);
	check_host("http://[::1]", "[::1]", ORIGIN_SAME);
	/* a proxy that speaks TLS */
	check_host("https://a.example", "a.example", ORIGIN_SAME);
	check_host("https://a.example", "a.example:443", ORIGIN_SAME);
	check_host("https://a.example", "a.example:80", ORIGIN_SAME);
	check_host("https://a.example:443", "a.example", ORIGIN_SAME);
	check_host("https://a.example:8443", "a.example:8443", ORIGIN_SAME);
	/* another port is another page */
	check_host("http://a.example:3000", "a.example", ORIGIN_REFUSED);
	check_host("http://a.example", "a.example:8080", ORIGIN_REFUSED);
	check_host("http://a.example:3000", "a.example:8080", ORIGIN_REFUSED);
	check_host("http://a.example:443", "a.example", ORIGIN_REFUSED);
	check_host("https://a.example:8443", "a.example", ORIGIN_REFUSED);
	/* another host */
	check_host("http://evil.example", "a.example", ORIGIN_REFUSED);
	check_host("http://a.example.evil", "a.example", ORIGIN_REFUSED);
	check_host("http://x.a.example", "a.example", ORIGIN_REFUSED);
	check_host("http://a.example", "x.a.example", ORIGIN_REFUSED);
	check_host("http://localhost", "127.0.0.1", ORIGIN_REFUSED);
	check_host("http://a.example@evil", "a.example", ORIGIN_REFUSED);
	check_host("http://evil@a.example", "a.example", ORIGIN_REFUSED);
	check_host("null", "null", ORIGIN_REFUSED);
	check_host("http://null", "a", ORIGIN_REFUSED);
	check_host("capacitor://localhost", "localhost", ORIGIN_REFUSED);
	check_host("http://*", "*", ORIGIN_REFUSED);
	check_host("a.example", "a.example", ORIGIN_REFUSED);
	check_judge("", "Origin: http://a\r\n", ORIGIN_REFUSED);
	check_judge("", "Host: \r\nOrigin: http://\r\n", ORIGIN_REFUSED);
}

static void lists(void **state)
{
	static const char host[] = "Host: a\r\nOrigin: http://a\r\n";
	char line[ORIGIN_SIZE_MAX + 64] = "Host: a\r\nOrigin: http://";
	size_t start = strlen("Host: a\r\nOrigin: ");

	(void)state;
	check_judge("https://a,https://b", "Host: c\r\n", ORIGIN_NONE);
	check_judge("https://a,https://b", "Host: c\r\nOrigin: https://b\r\n", ORIGIN_LISTED);
	check_judge("https://a,https://b", "Host: c\r\nOrigin: https://c\r\n", ORIGIN_REFUSED);
	check_judge("https://b", host, ORIGIN_REFUSED);
	check_judge("*", host, ORIGIN_ANY);
	check_judge("*,http://a", host, ORIGIN_LISTED);
	check_judge("http://a,*", host, ORIGIN_LISTED);
	check_judge("*", "Host: a\r\nOrigin: null\r\n", ORIGIN_REFUSED);
	check_judge("*,null", "Host: a\r\nOrigin: null\r\n", ORIGIN_LISTED);
	check_judge("*", "Host: a\r\nOrigin:\r\n", ORIGIN_REFUSED);
	check_judge("*", "Host: a\r\nOrigin: http://a http://b\r\n", ORIGIN_REFUSED);
	check_judge("http://a", "Host: a\r\nOrigin: http://a\r\norigin: http://b\r\n",
		    ORIGIN_REFUSED);
	check_judge("*", "Host: a\r\nOrigin: http://a\r\nOrigin: http://a\r\n", ORIGIN_REFUSED);
	memset(line + start + 7, 'x', ORIGIN_SIZE_MAX - 7);
	memcpy(line + start + ORIGIN_SIZE_MAX, "\r\n", 3);
	check_judge("*", line, ORIGIN_ANY);
	memcpy(line + start + ORIGIN_SIZE_MAX, "x\r\n", 4);
	check_judge("*", line, ORIGIN_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_origin), cmocka_unit_test(ports_and_schemes),
		cmocka_unit_test(patterns),   cmocka_unit_test(words),
		cmocka_unit_test(rules),      cmocka_unit_test(the_same_host),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
