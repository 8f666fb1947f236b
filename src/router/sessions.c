/* router/sessions.c - one array a shard, indexed by the slot. */
#include "router/sessions.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"

#define SHARD_SIZE (SLOTS_MAX * sizeof(struct session))

_Static_assert(sizeof(struct session) == 56, "sessions.h says what a slot costs");

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

struct session *sessions_find(struct sessions *sessions, uint32_t shard, uint32_t slot,
			      uint32_t generation)
{
	struct session *session = sessions_at(sessions, shard, slot);

	return session->user && session->generation == generation ? session : NULL;
}

struct session *sessions_next(struct sessions *sessions, uint32_t *shard, uint32_t *slot)
{
	for (; *shard < sessions->shards_count; (*shard)++, *slot = 0) {
		while (*slot < SLOTS_MAX) {
			struct session *session = &sessions->shards[*shard][(*slot)++];

			if (session->user)
				return session;
		}
	}
	return NULL;
}
