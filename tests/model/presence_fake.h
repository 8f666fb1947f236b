/* tests/model/presence_fake.h - a Redis that knows the keys of presence, and no others.
 *
 * Layer   tests
 * Threads one
 * Memory  static; texts on the heap
 * Errors  a command that it does not know aborts
 *
 * Users are u0, u1 and u2.
 */
#ifndef BELFRY_TESTS_MODEL_PRESENCE_FAKE_H
#define BELFRY_TESTS_MODEL_PRESENCE_FAKE_H

#include "log/redis_client.h"

#define FAKE_USERS 3
#define FAKE_MEMBERS_MAX 64
#define FAKE_WORDS_MAX 20

enum fake_event { FAKE_NONE, FAKE_ONLINE, FAKE_OFFLINE };

struct fake_member {
	char *text; /* NULL: none */
	uint64_t end_ms;
};

extern struct fake_redis {
	struct fake_member presence[FAKE_USERS][FAKE_MEMBERS_MAX];
	uint64_t presence_expiry_ms[FAKE_USERS];
	struct fake_member online[FAKE_USERS];
	uint64_t sweeper_expiry_ms;
	enum fake_event last_event[FAKE_USERS];
	void (*on_event)(uint32_t user, enum fake_event event); /* before it is the last one */
} fake;

struct fake_command {
	uint32_t words_count;
	char *words[FAKE_WORDS_MAX];
	struct redis_value values[1 + FAKE_USERS]; /* the reply */
	uint32_t values_count;
};

void fake_execute(struct fake_command *command, uint64_t now_ms);

/* Drops what is in belfry:presence:U, if its time is over. */
void fake_expire(uint32_t user, uint64_t now_ms);
void fake_remove(struct fake_member *member);

#endif
