/* router/sessions.c - one array a shard, indexed by the slot, and chains through them. */
#include "router/sessions.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "router/interests.h"

#define SHARD_SIZE (SLOTS_MAX * sizeof(struct session))

_Static_assert(sizeof(struct session) == 64, "sessions.h says what a slot costs");
_Static_assert(SHARDS_MAX <= 1 << (INTEREST_PLACE_BITS - 16) && SLOTS_MAX <= 0xFFFF,
	       "an interest has room for a place");

bool sessions_init(struct sessions *sessions, uint32_t shards_count)
{
	ASSERT(shards_count > 0 && shards_count <= SHARDS_MAX);
	*sessions = (struct sessions){0};
	for (uint32_t i = 0; i < shards_count; i++) {
		void *shard = mmap(NULL, SHARD_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (shard == MAP_FAILED) {
			sessions_deinit(sessions);
			return false;
		}
		sessions->shards[i] = shard;
		sessions->shards_count = i + 1;
	}
	return true;
}

void sessions_deinit(struct sessions *sessions)
{
	uint32_t shard = 0, slot = 0;
	struct session *session;

	while ((session = sessions_next(sessions, &shard, &slot)))
		free(session->identity);
	for (uint32_t i = 0; i < sessions->shards_count; i++)
		munmap(sessions->shards[i], SHARD_SIZE);
	*sessions = (struct sessions){0};
}

struct session *sessions_at(struct sessions *sessions, uint32_t shard, uint32_t slot)
{
	ASSERT(shard < sessions->shards_count);
	ASSERT(slot < SLOTS_MAX);
	return &sessions->shards[shard][slot];
}

struct session *sessions_at_place(struct sessions *sessions, uint32_t place)
{
	ASSERT(place != 0);
	return sessions_at(sessions, session_place_shard(place), session_place_slot(place));
}

struct session *sessions_attach(struct sessions *sessions, uint32_t shard, uint32_t slot,
				struct interest *user)
{
	struct session *session = sessions_at(sessions, shard, slot);
	uint32_t place = session_place(shard, slot);

	ASSERT(session->user == NULL);
	*session = (struct session){.user = user, .next = user->first_conn};
	if (session->next != 0)
		sessions_at_place(sessions, session->next)->previous = place;
	user->first_conn = place & INTEREST_PLACE_MASK;
	user->conns++;
	sessions->count++;
	if (sessions->ends[shard] <= slot)
		sessions->ends[shard] = slot + 1;
	return session;
}

void sessions_detach(struct sessions *sessions, struct session *session)
{
	struct interest *user = session->user;

	ASSERT(user && user->conns > 0 && sessions->count > 0);
	if (session->next != 0)
		sessions_at_place(sessions, session->next)->previous = session->previous;
	if (session->previous != 0)
		sessions_at_place(sessions, session->previous)->next = session->next;
	else
		user->first_conn = session->next & INTEREST_PLACE_MASK;
	user->conns--;
	sessions->count--;
	*session = (struct session){0};
}

struct session *sessions_find(struct sessions *sessions, uint32_t shard, uint32_t slot,
			      uint32_t generation)
{
	struct session *session = sessions_at(sessions, shard, slot);

	return session->user && session->generation == generation ? session : NULL;
}

struct session *sessions_next(struct sessions *sessions, uint32_t *shard, uint32_t *slot)
{
	for (; *shard < sessions->shards_count; (*shard)++, *slot = 0) {
		while (*slot < sessions->ends[*shard]) {
			struct session *session = &sessions->shards[*shard][(*slot)++];

			if (session->user)
				return session;
		}
	}
	return NULL;
}
