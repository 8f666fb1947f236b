/* tests/model/sessions_model.c - sessions and the chains of their users against a flat array.
 * Slots are attached, detached and used again in any order, over the first and the last slots of
 * the first and the last shard, by users with few connections and by one with many. */
#include <string.h>

#include "model.h"
#include "router/interests.h"
#include "router/sessions.h"

#define USERS 6
#define SLOTS 40 /* of a shard: half of them its first ones, half its last */
#define PLACES (2 * SLOTS)

static struct sessions sessions;
static struct interest users[USERS];

static struct expected {
	struct interest *user; /* NULL: free */
	uint32_t generation;
	uint32_t attached; /* at which step */
} all[PLACES];

static uint32_t steps;

static uint32_t shard_of(uint32_t i)
{
	return i < SLOTS ? 0 : SHARDS_MAX - 1;
}

static uint32_t slot_of(uint32_t i)
{
	uint32_t slot = i % SLOTS;

	return slot < SLOTS / 2 ? slot : SLOTS_MAX - SLOTS + slot;
}

static void attach(uint32_t i)
{
	struct interest *user = &users[pick(2) ? 0 : pick(USERS)];
	struct session *session = sessions_attach(&sessions, shard_of(i), slot_of(i), user);

	session->generation = ++all[i].generation;
	all[i].user = user;
	all[i].attached = steps;
}

static void detach(uint32_t i)
{
	sessions_detach(&sessions,
			sessions_find(&sessions, shard_of(i), slot_of(i), all[i].generation));
	all[i].user = NULL;
}

static uint32_t index_of(uint32_t place)
{
	uint32_t i = 0;

	while (session_place(shard_of(i), slot_of(i)) != place)
		CHECK(++i < PLACES);
	return i;
}

/* Newest first, each once, all of them. */
static void check_user(const struct interest *user)
{
	uint32_t met = 0, expected = 0, newer = UINT32_MAX, previous = 0;

	for (uint32_t i = 0; i < PLACES; i++)
		expected += all[i].user == user;
	for (uint32_t place = user->first_conn; place != 0; met++) {
		const struct session *session = sessions_at_place(&sessions, place);
		uint32_t i = index_of(place);

		CHECK(session->user == user && all[i].user == user);
		CHECK(session->generation == all[i].generation);
		CHECK(session->previous == previous);
		CHECK(all[i].attached < newer);
		newer = all[i].attached;
		previous = place;
		place = session->next;
	}
	CHECK(met == expected && user->conns == expected);
}

static void check_walk(void)
{
	uint32_t shard = 0, slot = 0, count = 0;
	struct session *session;

	for (; (session = sessions_next(&sessions, &shard, &slot)); count++)
		CHECK(all[index_of(session_place(shard, slot - 1))].user == session->user);
	CHECK(count == sessions.count);
}

static void run_round(void)
{
	uint32_t steps_max = 200 + pick(1000), fullness = 1 + pick(9);

	memset(all, 0, sizeof(all));
	memset(users, 0, sizeof(users));
	CHECK(sessions_init(&sessions, SHARDS_MAX));
	for (steps = 0; steps < steps_max; steps++) {
		uint32_t i = pick(PLACES);
		bool wants = pick(10) < fullness;

		if (all[i].user && !wants)
			detach(i);
		else if (!all[i].user && wants)
			attach(i);
		check_user(&users[pick(USERS)]);
	}
	for (uint32_t i = 0; i < USERS; i++)
		check_user(&users[i]);
	check_walk();
	for (uint32_t i = 0; i < PLACES; i++)
		if (all[i].user)
			detach(i);
	for (uint32_t i = 0; i < USERS; i++)
		CHECK(users[i].first_conn == 0 && users[i].conns == 0);
	sessions_deinit(&sessions);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 300, run_round);
}
