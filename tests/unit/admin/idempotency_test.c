/* tests/unit/admin/idempotency_test.c - once, the same again, and what is forgotten when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/idempotency.h"

#define NOW_MS 5000000u

static struct idempotency *table;

static int begin(void **state)
{
	(void)state;
	table = idempotency_create((struct hash_key){1, 2});
	return table ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	idempotency_destroy(table);
	return 0;
}

static struct idempotency_claim claim(uint32_t number, uint64_t fingerprint, uint64_t now_ms)
{
	uint8_t name[SHA256_SIZE] = {0};

	memcpy(name, &number, sizeof(number));
	return idempotency_claim(table, name, fingerprint, now_ms);
}

static void check_claim(uint32_t number, uint64_t fingerprint, uint64_t now_ms,
			enum idempotency_verdict expected)
{
	assert_int_equal(claim(number, fingerprint, now_ms).verdict, expected);
}

/* A request that is answered at once. */
static void take(uint32_t number, uint64_t now_ms, struct slice body)
{
	struct idempotency_claim claimed = claim(number, 7, now_ms);

	assert_int_equal(claimed.verdict, IDEMPOTENCY_NEW);
	idempotency_keep(table, claimed.ticket, 200, body);
}

static void the_same_again_gets_the_same_answer(void **state)
{
	struct slice body = SLICE("{\"event_id\":\"1-0\"}");
	struct idempotency_claim again;

	(void)state;
	take(1, NOW_MS, body);
	for (uint64_t i = 0; i < 3; i++) {
		again = claim(1, 7, NOW_MS + i);
		assert_int_equal(again.verdict, IDEMPOTENCY_ANSWERED);
		assert_int_equal(again.status, 200);
		assert_true(slice_equal(again.body, body));
	}
	assert_int_equal(idempotency_tally(table).names, 1);
	assert_int_equal(idempotency_tally(table).bytes, body.size);
}

static void an_empty_answer_is_an_answer(void **state)
{
	(void)state;
	take(1, NOW_MS, SLICE(""));
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
}

static void meanwhile_it_is_busy(void **state)
{
	struct idempotency_claim claimed = claim(1, 7, NOW_MS);

	(void)state;
	assert_int_equal(claimed.verdict, IDEMPOTENCY_NEW);
	assert_true(claimed.ticket != 0);
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_BUSY);
	check_claim(1, 7, NOW_MS + 10 * IDEMPOTENCY_WINDOW_MS, IDEMPOTENCY_BUSY);
	idempotency_keep(table, claimed.ticket, 400, SLICE("x"));
	assert_int_equal(claim(1, 7, NOW_MS).status, 400);
}

static void something_else_under_the_name_is_a_mismatch(void **state)
{
	struct idempotency_claim claimed = claim(1, 7, NOW_MS);

	(void)state;
	check_claim(1, 8, NOW_MS, IDEMPOTENCY_MISMATCH);
	idempotency_keep(table, claimed.ticket, 200, SLICE("x"));
	check_claim(1, 8, NOW_MS, IDEMPOTENCY_MISMATCH);
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(2, 8, NOW_MS, IDEMPOTENCY_NEW);
}

static void what_was_released_is_free_again(void **state)
{
	(void)state;
	idempotency_release(table, claim(1, 7, NOW_MS).ticket);
	assert_int_equal(idempotency_tally(table).names, 0);
	check_claim(1, 8, NOW_MS, IDEMPOTENCY_NEW);
	check_claim(1, 8, NOW_MS, IDEMPOTENCY_BUSY);
}

static void a_name_is_forgotten_after_the_window(void **state)
{
	(void)state;
	take(1, NOW_MS, SLICE("x"));
	take(2, NOW_MS + 1, SLICE("yy"));
	check_claim(1, 7, NOW_MS + IDEMPOTENCY_WINDOW_MS - 1, IDEMPOTENCY_ANSWERED);
	check_claim(1, 8, NOW_MS + IDEMPOTENCY_WINDOW_MS, IDEMPOTENCY_NEW);
	check_claim(2, 7, NOW_MS + IDEMPOTENCY_WINDOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(2, 7, NOW_MS + IDEMPOTENCY_WINDOW_MS + 1, IDEMPOTENCY_NEW);
	assert_int_equal(idempotency_tally(table).bytes, 0);
	assert_int_equal(idempotency_tally(table).evicted, 0);
}

static void when_it_is_full_the_oldest_goes(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < IDEMPOTENCY_NAMES_MAX; number++)
		take(number, NOW_MS, SLICE("x"));
	assert_int_equal(idempotency_tally(table).names, IDEMPOTENCY_NAMES_MAX);
	take(IDEMPOTENCY_NAMES_MAX, NOW_MS, SLICE("x"));
	assert_int_equal(idempotency_tally(table).names, IDEMPOTENCY_NAMES_MAX);
	assert_int_equal(idempotency_tally(table).evicted, 1);
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(IDEMPOTENCY_NAMES_MAX, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(0, 7, NOW_MS, IDEMPOTENCY_NEW);
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_NEW);
}

static void what_is_under_way_never_goes(void **state)
{
	struct idempotency_claim first = claim(0, 7, NOW_MS);

	(void)state;
	for (uint32_t number = 1; number < IDEMPOTENCY_NAMES_MAX; number++)
		take(number, NOW_MS, SLICE("x"));
	check_claim(IDEMPOTENCY_NAMES_MAX, 7, NOW_MS, IDEMPOTENCY_FULL);
	check_claim(0, 7, NOW_MS, IDEMPOTENCY_BUSY);
	idempotency_keep(table, first.ticket, 200, SLICE("late"));
	check_claim(0, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(IDEMPOTENCY_NAMES_MAX, 7, NOW_MS, IDEMPOTENCY_NEW);
}

static void released_places_are_used_again(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < 3 * IDEMPOTENCY_NAMES_MAX; number++)
		idempotency_release(table, claim(number, 7, NOW_MS).ticket);
	assert_int_equal(idempotency_tally(table).names, 0);
	assert_int_equal(idempotency_tally(table).evicted, 0);
}

static void answers_have_a_bound_in_bytes(void **state)
{
	const size_t size = IDEMPOTENCY_BYTES_MAX / 4;
	uint8_t *bytes = calloc(1, size);

	(void)state;
	assert_non_null(bytes);
	for (uint32_t number = 0; number < 6; number++)
		take(number, NOW_MS, slice_of(bytes, size));
	assert_int_equal(idempotency_tally(table).bytes, IDEMPOTENCY_BYTES_MAX);
	assert_int_equal(idempotency_tally(table).evicted, 2);
	check_claim(2, 7, NOW_MS, IDEMPOTENCY_ANSWERED);
	check_claim(1, 7, NOW_MS, IDEMPOTENCY_NEW);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, begin, end)
		ROW(the_same_again_gets_the_same_answer),
		ROW(an_empty_answer_is_an_answer),
		ROW(meanwhile_it_is_busy),
		ROW(something_else_under_the_name_is_a_mismatch),
		ROW(what_was_released_is_free_again),
		ROW(a_name_is_forgotten_after_the_window),
		ROW(when_it_is_full_the_oldest_goes),
		ROW(what_is_under_way_never_goes),
		ROW(released_places_are_used_again),
		ROW(answers_have_a_bound_in_bytes),
#undef ROW
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
