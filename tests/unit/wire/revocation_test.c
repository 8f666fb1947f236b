/* tests/unit/wire/revocation_test.c - ids there and back, and bodies, most of them wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/revocation.h"

static char longest[JTI_SIZE_MAX + USER_SIZE_MAX + 64];

/* `prefix` and `size` bytes more. */
static const char *padded(const char *prefix, size_t size)
{
	size_t start = (size_t)snprintf(longest, sizeof(longest), "%s", prefix);

	memset(longest + start, 'x', size);
	longest[start + size] = '\0';
	return longest;
}

static void check_id(const char *id, bool expected)
{
	struct revocation revocation = {.before_s = 7};
	uint8_t bytes[REVOCATION_ID_MAX];
	struct writer writer;

	if (revocation_parse(slice_of_text(id), &revocation) != expected)
		fail_msg("%s: expected %d", id, expected);
	if (!expected) {
		assert_int_equal(revocation.before_s, 7);
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	revocation_write(&writer, &revocation);
	if (writer.overflow || !slice_equal_text(writer_written(&writer), id))
		fail_msg("%s became %.*s", id, (int)writer.size, (const char *)bytes);
}

static void ids(void **state)
{
	static const char *const good[] = {
		"user:42",
		"user:user:42",
		"user:\xc3\xa9",
		"jti:a",
		"jti: ",
		"jti:a,b:c",
		"before:1",
		"before:4294967295",
		"before:1769337000:42",
		"before:1:a:b",
	};
	static const char *const bad[] = {
		"",           "user",
		"user:",      "user:a b",
		"user:a,b",   "jti",
		"jti:",       "before",
		"before:",    "before:0",
		"before:01",  "before:-1",
		"before:1.5", "before:4294967296",
		"before:1:",  "before:1:a b",
		"before::42", "User:42",
		" user:42",   "conn:1",
		":",          "42",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		check_id(good[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_id(bad[i], false);
	check_id(padded("user:", USER_SIZE_MAX), true);
	check_id(padded("user:", USER_SIZE_MAX + 1), false);
	check_id(padded("jti:", JTI_SIZE_MAX), true);
	check_id(padded("jti:", JTI_SIZE_MAX + 1), false);
	check_id(padded("before:4294967295:", USER_SIZE_MAX), true);
	check_id(padded("before:4294967295:", USER_SIZE_MAX + 1), false);
}

/* `expected`: the id; ttl 0: the body is refused and `expected` is in what is said. */
static void check_body(const char *body, const char *expected, uint32_t ttl_s)
{
	size_t size = strlen(body);
	uint8_t *copy = malloc(size + 1); /* of the exact size, but for malloc(0) */
	struct revocation revocation = {0};
	uint8_t room[USER_SIZE_MAX];
	uint8_t bytes[REVOCATION_ID_MAX];
	struct writer writer;
	uint32_t got_s = 0;

	assert_non_null(copy);
	memcpy(copy + 1, body, size);
	const char *wrong = revocation_read(slice_of(copy + 1, size), room, &revocation, &got_s);

	if (ttl_s == 0) {
		if (!wrong || !strstr(wrong, expected))
			fail_msg("%s: %s", body, wrong ? wrong : "was taken");
		free(copy);
		return;
	}
	if (wrong)
		fail_msg("%s: %s", body, wrong);
	writer_init(&writer, bytes, sizeof(bytes));
	revocation_write(&writer, &revocation);
	if (!slice_equal_text(writer_written(&writer), expected) || got_s != ttl_s)
		fail_msg("%s: got %.*s for %u s", body, (int)writer.size, (const char *)bytes,
			 got_s);
	free(copy);
}

static void bodies(void **state)
{
	(void)state;
	check_body("{\"user\":\"42\"}", "user:42", 86400);
	check_body(" {\"user\" : 42 , \"ttl\" : 1} ", "user:42", 1);
	check_body("{\"ttl\":31622400,\"jti\":\"a\\u00e9\\n\"}", "jti:a\xc3\xa9\n", 31622400);
	check_body("{\"jti\":17}", "jti:17", 86400);
	check_body("{\"issued_before\":1769337000}", "before:1769337000", 86400);
	check_body("{\"issued_before\":1769337000.25}", "before:1769337001", 86400);
	check_body("{\"user\":\"42\",\"issued_before\":1}", "before:1:42", 86400);
	check_body("{\"issued_before\":1,\"user\":\"42\"}", "before:1:42", 86400);
	check_body("{\"\\u0075ser\":\"42\"}", "user:42", 86400);
}

static void wrong_bodies(void **state)
{
	char body[USER_SIZE_MAX + 64];

	(void)state;
	check_body("", "not JSON", 0);
	check_body("{", "not JSON", 0);
	check_body("[]", "object", 0);
	check_body("\"user\"", "object", 0);
	check_body("{}", "name a user", 0);
	check_body("{\"ttl\":5}", "name a user", 0);
	check_body("{\"user\":\"42\",\"jti\":\"a\"}", "name a user", 0);
	check_body("{\"jti\":\"a\",\"user\":\"42\"}", "name a user", 0);
	check_body("{\"jti\":\"a\",\"issued_before\":1}", "name a user", 0);
	check_body("{\"user\":\"42\",\"user\":\"43\"}", "name a user", 0);
	check_body("{\"issued_before\":1,\"issued_before\":2}", "name a user", 0);
	check_body("{\"usr\":\"42\",\"issued_before\":1}", "only user", 0);
	check_body("{\"USER\":\"42\"}", "only user", 0);
	check_body("{\"user\":\"\"}", "user must", 0);
	check_body("{\"user\":\"a b\"}", "user must", 0);
	check_body("{\"user\":null}", "user must", 0);
	check_body("{\"user\":-1}", "user must", 0);
	check_body("{\"user\":1.5}", "user must", 0);
	check_body("{\"user\":[\"42\"]}", "user must", 0);
	check_body("{\"user\":\"\\ud800\"}", "user must", 0);
	snprintf(body, sizeof(body), "{\"%s\"}", padded("user\":\"", USER_SIZE_MAX + 1));
	check_body(body, "user must", 0);
	check_body("{\"jti\":\"\"}", "jti must", 0);
	snprintf(body, sizeof(body), "{\"%s\"}", padded("jti\":\"", JTI_SIZE_MAX + 1));
	check_body(body, "jti must", 0);
	check_body("{\"user\":\"1\",\"ttl\":0}", "ttl must", 0);
	check_body("{\"user\":\"1\",\"ttl\":-1}", "ttl must", 0);
	check_body("{\"user\":\"1\",\"ttl\":31622401}", "ttl must", 0);
	check_body("{\"user\":\"1\",\"ttl\":\"60\"}", "ttl must", 0);
	check_body("{\"user\":\"1\",\"ttl\":60,\"ttl\":60}", "ttl must", 0);
	check_body("{\"user\":\"1\",\"ttl\":1e99}", "ttl must", 0);
}

static void check_time(const char *time, const char *seconds)
{
	char body[128];
	char id[32];

	snprintf(body, sizeof(body), "{\"issued_before\":%s}", time);
	snprintf(id, sizeof(id), "before:%s", seconds ? seconds : "");
	check_body(body, seconds ? id : "issued_before must", seconds ? 86400 : 0);
}

static void times(void **state)
{
	(void)state;
	check_time("\"2026-01-25T10:30:00Z\"", "1769337000");
	check_time("\"2026-01-25t10:30:00.000z\"", "1769337000");
	check_time("\"2026-01-25T10:30:00.001Z\"", "1769337001");
	check_time("\"2026-01-25T12:30:00+02:00\"", "1769337000");
	check_time("\"2026-01-25T05:00:00.5-05:30\"", "1769337001");
	check_time("\"1970-01-01T00:00:01Z\"", "1");
	check_time("\"2000-02-29T23:59:59Z\"", "951868799");
	check_time("\"2000-03-01T00:00:00Z\"", "951868800");
	check_time("\"2024-12-31T23:59:60Z\"", "1735689600");
	check_time("\"2100-03-01T00:00:00Z\"", "4107542400");
	check_time("\"2106-02-07T06:28:15Z\"", "4294967295");
	check_time("\"2106-02-07T06:28:16Z\"", NULL);
	check_time("\"1970-01-01T00:00:00Z\"", NULL);
	check_time("\"1969-12-31T23:59:59Z\"", NULL);
	check_time("\"0000-01-01T00:00:00Z\"", NULL);
	check_time("\"9999-12-31T23:59:59Z\"", NULL);
	check_time("\"2026-02-29T00:00:00Z\"", NULL);
	check_time("\"2026-01-25\"", NULL);
	check_time("\"1769337000\"", NULL);
	check_time("1769337000000", NULL);
	check_time("0", NULL);
	check_time("-5", NULL);
	check_time("1e1", "11");
	check_time("true", NULL);
}

static void issued(void **state)
{
	(void)state;
	assert_int_equal(revocation_issued(INT64_MIN), 0);
	assert_int_equal(revocation_issued(-1), 0);
	assert_int_equal(revocation_issued(1769337000), 1769337000);
	assert_int_equal(revocation_issued(UINT32_MAX), UINT32_MAX);
	assert_int_equal(revocation_issued(INT64_MAX), UINT32_MAX);
}

static void check_json(const char *id, const char *expected)
{
	char bytes[REVOCATION_JSON_MAX];
	struct revocation revocation;
	struct writer writer;

	assert_true(revocation_parse(slice_of_text(id), &revocation));
	writer_init(&writer, bytes, sizeof(bytes));
	revocation_write_json(&writer, &revocation, 1769337000000);
	assert_false(writer.overflow);
	if (expected && !slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s: got %.*s", id, (int)writer.size, bytes);
}

static void shown(void **state)
{
	(void)state;
#define UNTIL ",\"until\":\"2026-01-25T10:30:00.000Z\"}"
	check_json("user:42", "{\"id\":\"user:42\",\"user\":\"42\"" UNTIL);
	check_json("jti:a\"", "{\"id\":\"jti:a\\\"\",\"jti\":\"a\\\"\"" UNTIL);
	check_json("before:9", "{\"id\":\"before:9\",\"issued_before\":9" UNTIL);
	check_json("before:9:42",
		   "{\"id\":\"before:9:42\",\"user\":\"42\",\"issued_before\":9" UNTIL);
#undef UNTIL
	check_json(padded("before:4294967295:", USER_SIZE_MAX), NULL);
	padded("jti:", JTI_SIZE_MAX);
	memset(longest + 4, 1, JTI_SIZE_MAX);
	check_json(longest, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),   cmocka_unit_test(bodies), cmocka_unit_test(wrong_bodies),
		cmocka_unit_test(times), cmocka_unit_test(issued), cmocka_unit_test(shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
