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
	sessions_attach(sessions, shard, slot, &somebody)->generation = generation;
}

static void a_session_is_found_by_its_use_of_the_slot(void **state)
{
	struct sessions sessions;

	(void)state;
	somebody = (struct interest){0};
	assert_true(sessions_init(&sessions, 2));
	assert_null(sessions_find(&sessions, 1, 7, 0));
	attach(&sessions, 1, 7, 3);
	assert_ptr_equal(sessions_find(&sessions, 1, 7, 3), sessions_at(&sessions, 1, 7));
	assert_null(sessions_find(&sessions, 1, 7, 2));
	assert_null(sessions_find(&sessions, 0, 7, 3));
	assert_null(sessions_find(&sessions, 1, 8, 3));
	sessions_detach(&sessions, sessions_at(&sessions, 1, 7));
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
	somebody = (struct interest){0};
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

static void check_place(uint32_t shard, uint32_t slot)
{
	uint32_t place = session_place(shard, slot);

	assert_int_not_equal(place, 0);
	assert_int_equal(place & INTEREST_PLACE_MASK, place);
	assert_int_equal(session_place_shard(place), shard);
	assert_int_equal(session_place_slot(place), slot);
}

static void a_place_is_a_shard_and_a_slot(void **state)
{
	(void)state;
	check_place(0, 0);
	check_place(0, SLOTS_MAX - 1);
	check_place(1, 0);
	check_place(SHARDS_MAX - 1, 0);
	check_place(SHARDS_MAX - 1, SLOTS_MAX - 1);
}

/* The chain of a user as slots of shard 0, -1 at its end. */
static void check_chain(struct sessions *sessions, const struct interest *user, const int *slots)
{
	uint32_t place = user->first_conn, previous = 0, count = 0;

	for (; *slots >= 0; slots++, count++) {
		struct session *session = sessions_at_place(sessions, place);

		assert_int_equal(place, session_place(0, (uint32_t)*slots));
		assert_ptr_equal(session->user, user);
		assert_int_equal(session->previous, previous);
		previous = place;
		place = session->next;
	}
	assert_int_equal(place, 0);
	assert_int_equal(user->conns, count);
}

#define CHAIN(...) ((const int[]){__VA_ARGS__, -1})

/* Out of its front, its middle and its end; slots come again, with others. */
static void a_chain_has_what_a_user_has(void **state)
{
	struct interest one = {0}, two = {0};
	struct sessions sessions;

	(void)state;
	assert_true(sessions_init(&sessions, 1));
	for (uint32_t slot = 0; slot < 5; slot++)
		sessions_attach(&sessions, 0, slot, &one);
	check_chain(&sessions, &one, CHAIN(4, 3, 2, 1, 0));
	sessions_detach(&sessions, sessions_at(&sessions, 0, 2));
	check_chain(&sessions, &one, CHAIN(4, 3, 1, 0));
	sessions_detach(&sessions, sessions_at(&sessions, 0, 4));
	check_chain(&sessions, &one, CHAIN(3, 1, 0));
	sessions_detach(&sessions, sessions_at(&sessions, 0, 0));
	check_chain(&sessions, &one, CHAIN(3, 1));
	sessions_attach(&sessions, 0, 0, &two);
	sessions_attach(&sessions, 0, 4, &two);
	sessions_attach(&sessions, 0, 2, &one);
	check_chain(&sessions, &one, CHAIN(2, 3, 1));
	check_chain(&sessions, &two, CHAIN(4, 0));
	assert_int_equal(sessions.count, 5);
	for (uint32_t slot = 0; slot < 5; slot++)
		sessions_detach(&sessions, sessions_at(&sessions, 0, slot));
	check_chain(&sessions, &one, &CHAIN(0)[1]);
	check_chain(&sessions, &two, &CHAIN(0)[1]);
	assert_int_equal(sessions.count, 0);
	sessions_deinit(&sessions);
}

static void identities_are_freed_at_the_end(void **state)
{
	struct sessions sessions;

	(void)state;
	somebody = (struct interest){0};
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
		cmocka_unit_test(a_place_is_a_shard_and_a_slot),
		cmocka_unit_test(a_chain_has_what_a_user_has),
		cmocka_unit_test(identities_are_freed_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
