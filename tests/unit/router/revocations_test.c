/* tests/unit/router/revocations_test.c - which tokens are meant, until when, and rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "router/revocations.h"

#define NOW 1769337000000u
#define LATER (NOW + 1000u)

static struct revocations revocations;

static int set_up(void **state)
{
	(void)state;
	return revocations_init(&revocations, (struct hash_key){7, 9}) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	revocations_deinit(&revocations);
	return 0;
}

static void put(const char *id, uint64_t until_ms, enum revocations_put expected)
{
	enum revocations_put answer = revocations_put(&revocations, slice_of_text(id), until_ms);

	if (answer != expected)
		fail_msg("%s: got %d, expected %d", id, (int)answer, (int)expected);
}

/* A token of `user` with `jti` ("": none), issued at `issued_s`. */
static bool is_revoked(const char *user, const char *jti, uint32_t issued_s, uint64_t now_ms)
{
	char name[300];

	snprintf(name, sizeof(name), "user:%s", user);
	struct revocations_token token = {
		.user = hash_bytes(revocations.key, slice_of_text(name)),
		.jti = revocations_jti(&revocations, slice_of_text(jti)),
		.issued_s = issued_s,
	};

	return revocations_has(&revocations, &token, now_ms);
}

static void by_user(void **state)
{
	(void)state;
	put("user:42", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "", 0, NOW));
	assert_true(is_revoked("42", "a", UINT32_MAX, LATER - 1));
	assert_false(is_revoked("42", "", 0, LATER));
	assert_false(is_revoked("4", "", 0, NOW));
	assert_false(is_revoked("421", "", 0, NOW));
	assert_false(is_revoked("43", "42", 0, NOW));
	assert_false(is_revoked("43", "user:42", 0, NOW));
}

static void by_jti(void **state)
{
	(void)state;
	put("jti:a", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "a", 5, NOW));
	assert_true(is_revoked("43", "a", 0, NOW));
	assert_false(is_revoked("42", "", 5, NOW));
	assert_false(is_revoked("42", "b", 5, NOW));
	assert_false(is_revoked("a", "", 5, NOW));
	assert_false(is_revoked("42", "a", 5, LATER));
}

static void by_time(void **state)
{
	(void)state;
	put("before:1000:42", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "", 999, NOW));
	assert_true(is_revoked("42", "", 0, NOW));
	assert_false(is_revoked("42", "", 1000, NOW));
	assert_false(is_revoked("43", "", 0, NOW));
	put("before:900", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("43", "", 899, NOW));
	assert_false(is_revoked("43", "", 900, NOW));
	assert_true(is_revoked("42", "", 950, NOW));
	assert_false(is_revoked("43", "", 899, LATER));
}

static void several_of_one_user(void **state)
{
	(void)state;
	put("before:1000:42", LATER, REVOCATIONS_NEW);
	put("before:2000:42", NOW + 10, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "", 1500, NOW));
	assert_false(is_revoked("42", "", 1500, NOW + 10));
	assert_true(is_revoked("42", "", 500, NOW + 10));
	assert_true(revocations_remove(&revocations, SLICE("before:1000:42")));
	assert_false(is_revoked("42", "", 500, NOW + 10));
	assert_true(is_revoked("42", "", 1500, NOW));
}

static void once_more(void **state)
{
	(void)state;
	put("user:42", LATER, REVOCATIONS_NEW);
	put("user:42", LATER, REVOCATIONS_KNOWN);
	put("user:42", NOW + 1, REVOCATIONS_KNOWN);
	assert_false(is_revoked("42", "", 0, NOW + 1));
	put("user:42", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "", 0, NOW + 1));
	assert_int_equal(revocations.count, 1);
	assert_int_equal(revocations_find(&revocations, SLICE("user:42"))->until_ms, LATER);
	assert_null(revocations_find(&revocations, SLICE("user:43")));
	assert_null(revocations_find(&revocations, SLICE("nonsense")));
	put("nonsense", LATER, REVOCATIONS_BAD);
	put("before:0", LATER, REVOCATIONS_BAD);
	assert_true(revocations_remove(&revocations, SLICE("user:42")));
	assert_false(revocations_remove(&revocations, SLICE("user:42")));
	assert_false(revocations_remove(&revocations, SLICE("nonsense")));
	assert_false(is_revoked("42", "", 0, NOW));
	assert_int_equal(revocations.count, 0);
}

static void on_ended(void *owner, struct slice id)
{
	char *all = owner;

	snprintf(all + strlen(all), 100 - strlen(all), "%.*s ", (int)id.size,
		 (const char *)id.bytes);
}

static void check_swept(uint64_t now_ms, const char *expected, uint32_t count)
{
	char all[100] = "";

	revocations_sweep(&revocations, now_ms, on_ended, all);
	assert_string_equal(all, expected);
	assert_int_equal(revocations.count, count);
}

static void they_end(void **state)
{
	(void)state;
	put("user:1", NOW + 30, REVOCATIONS_NEW);
	put("jti:2", NOW + 10, REVOCATIONS_NEW);
	put("before:3", UINT64_MAX, REVOCATIONS_NEW);
	put("before:4:1", NOW + 10, REVOCATIONS_NEW);
	check_swept(NOW + 9, "", 4);
	check_swept(NOW + 10, "jti:2 before:4:1 ", 2);
	check_swept(NOW + 29, "", 2);
	check_swept(NOW + 30, "user:1 ", 1);
	check_swept(UINT64_MAX - 1, "", 1);
	put("user:1", NOW, REVOCATIONS_NEW);
	check_swept(NOW, "user:1 ", 1);
}

static void rounds(void **state)
{
	(void)state;
	put("user:1", LATER, REVOCATIONS_NEW);
	put("user:2", NOW + 1, REVOCATIONS_NEW);
	revocations_begin(&revocations);
	assert_true(is_revoked("1", "", 0, NOW));
	put("user:2", LATER + 5, REVOCATIONS_NEW);
	put("user:3", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("1", "", 0, NOW));
	revocations_end(&revocations);
	assert_false(is_revoked("1", "", 0, NOW));
	assert_true(is_revoked("2", "", 0, LATER));
	assert_true(is_revoked("3", "", 0, NOW));
	assert_int_equal(revocations.count, 2);
	check_swept(LATER, "user:3 ", 1);
	revocations_begin(&revocations);
	revocations_end(&revocations);
	assert_int_equal(revocations.count, 0);
	assert_null(revocations.oldest);
	assert_null(revocations.newest);
	check_swept(UINT64_MAX, "", 0);
}

static void full(void **state)
{
	char id[32];

	(void)state;
	for (uint32_t i = 0; i < REVOCATIONS_MAX; i++) {
		snprintf(id, sizeof(id), "jti:%u", i);
		put(id, LATER, REVOCATIONS_NEW);
	}
	put("user:42", LATER, REVOCATIONS_FULL);
	put("jti:17", LATER, REVOCATIONS_KNOWN);
	assert_false(is_revoked("42", "", 0, NOW));
	assert_true(is_revoked("42", "9999", 0, NOW));
	assert_true(revocations_remove(&revocations, SLICE("jti:0")));
	put("user:42", LATER, REVOCATIONS_NEW);
	assert_true(is_revoked("42", "", 0, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(by_jti, set_up, tear_down),
		cmocka_unit_test_setup_teardown(by_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(several_of_one_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(once_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(they_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
