/* tests/unit/router/sessions_test.c - a session for each slot of each shard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "router/interests.h"
#include "router/sessions.h"

static struct interest somebody;

static void attach(struct sessions *sessions, uint32_t shard, uint32_t slot, uint32_t generation)
{
	struct session *session = sessions_at(sessions, shard, slot);

	session->user = &somebody;
	session->generation = generation;
}

static void a_session_is_found_by_its_use_of_the_slot(void **state)
{
	struct sessions sessions;

	(void)state;
	assert_true(sessions_init(&sessions, 2));
	assert_null(sessions_find(&sessions, 1, 7, 0));
	attach(&sessions, 1, 7, 3);
	assert_ptr_equal(sessions_find(&sessions, 1, 7, 3), sessions_at(&sessions, 1, 7));
	assert_null(sessions_find(&sessions, 1, 7, 2));
	assert_null(sessions_find(&sessions, 0, 7, 3));
	assert_null(sessions_find(&sessions, 1, 8, 3));
	sessions_at(&sessions, 1, 7)->user = NULL;
	assert_null(sessions_find(&sessions, 1, 7, 3));
	sessions_deinit(&sessions);
}

static void the_walk_meets_each_attached_one_once(void **state)
{
	static const uint32_t places[][2] = {
		{0, 0}, {0, 1}, {0, SLOTS_MAX - 1}, {2, 0}, {2, 40000}, {3, SLOTS_MAX - 1},
	};
	struct sessions sessions;
	uint32_t shard = 0, slot = 0;

	(void)state;
	assert_true(sessions_init(&sessions, 4));
	assert_null(sessions_next(&sessions, &shard, &slot));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		attach(&sessions, places[i][0], places[i][1], 1);
	shard = slot = 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct session *session = sessions_next(&sessions, &shard, &slot);

		assert_ptr_equal(session, sessions_at(&sessions, places[i][0], places[i][1]));
		assert_int_equal(shard, places[i][0]);
		assert_int_equal(slot, places[i][1] + 1);
	}
	assert_null(sessions_next(&sessions, &shard, &slot));
	assert_null(sessions_next(&sessions, &shard, &slot));
	sessions_deinit(&sessions);
}

static void identities_are_freed_at_the_end(void **state)
{
	struct sessions sessions;

	(void)state;
	assert_true(sessions_init(&sessions, SHARDS_MAX));
	attach(&sessions, SHARDS_MAX - 1, 5, 1);
	sessions_at(&sessions, SHARDS_MAX - 1, 5)->identity = calloc(1, CONNECTION_ID_SIZE);
	sessions_deinit(&sessions); /* a leak is AddressSanitizer's to find */
	assert_int_equal(sessions.shards_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_found_by_its_use_of_the_slot),
		cmocka_unit_test(the_walk_meets_each_attached_one_once),
		cmocka_unit_test(identities_are_freed_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
