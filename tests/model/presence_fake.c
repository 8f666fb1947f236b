/* tests/model/presence_fake.c - the few commands of Redis that presence needs. */
#include "presence_fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct fake_redis fake;

static bool word_is(const struct fake_command *command, uint32_t index, const char *text)
{
	return index < command->words_count && strcmp(command->words[index], text) == 0;
}

static uint32_t user_in(const char *word)
{
	uint32_t user = (uint32_t)(word[strlen(word) - 1] - '0');

	ASSERT(user < FAKE_USERS);
	return user;
}

void fake_expire(uint32_t user, uint64_t now_ms)
{
	for (uint32_t i = 0; i < FAKE_MEMBERS_MAX && fake.presence_expiry_ms[user] <= now_ms; i++) {
		free(fake.presence[user][i].text);
		fake.presence[user][i].text = NULL;
	}
}

static struct fake_member *find_member(uint32_t user, const char *text)
{
	struct fake_member *hole = NULL;

	for (uint32_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
		struct fake_member *member = &fake.presence[user][i];

		if (member->text && strcmp(member->text, text) == 0)
			return member;
		if (!member->text)
			hole = member;
	}
	ASSERT(hole);
	return hole;
}

void fake_remove(struct fake_member *member)
{
	free(member->text);
	member->text = NULL;
}

static uint64_t execute_zadd_presence(const struct fake_command *command)
{
	uint32_t user = user_in(command->words[1]);
	struct fake_member *member = find_member(user, command->words[3]);
	bool is_new = !member->text;

	if (is_new)
		member->text = strdup(command->words[3]);
	member->end_ms = strtoull(command->words[2], NULL, 10);
	fake.presence_expiry_ms[user] = UINT64_MAX;
	return is_new;
}

/* ZADD belfry:online [XX] GT end user */
static uint64_t execute_zadd_online(const struct fake_command *command)
{
	uint32_t shift = word_is(command, 2, "XX");
	struct fake_member *member = &fake.online[user_in(command->words[4 + shift])];
	uint64_t end_ms = strtoull(command->words[3 + shift], NULL, 10);
	bool is_new = !member->text;

	ASSERT(word_is(command, 2 + shift, "GT"));
	if (is_new && shift)
		return 0;
	if (is_new)
		*member = (struct fake_member){strdup(command->words[4]), 0};
	if (end_ms > member->end_ms)
		member->end_ms = end_ms;
	return is_new;
}

static uint64_t execute_zrem(const struct fake_command *command)
{
	uint32_t user = user_in(word_is(command, 1, "belfry:online") ? command->words[2]
								     : command->words[1]);
	struct fake_member *member = word_is(command, 1, "belfry:online")
					     ? &fake.online[user]
					     : find_member(user, command->words[2]);
	bool was_there = member->text != NULL;

	fake_remove(member);
	return was_there;
}

/* Members that are over, or those that are not. */
static uint64_t execute_range(const struct fake_command *command, bool is_removal)
{
	uint32_t user = user_in(command->words[1]);
	uint64_t bound_ms = strtoull(command->words[is_removal ? 3 : 2] + !is_removal, NULL, 10);
	uint64_t count = 0;

	for (uint32_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
		struct fake_member *member = &fake.presence[user][i];

		if (!member->text || (member->end_ms <= bound_ms) != is_removal)
			continue;
		count++;
		if (is_removal)
			fake_remove(member);
	}
	return count;
}

static void execute_xadd(const struct fake_command *command)
{
	uint32_t user = user_in(command->words[7]);
	enum fake_event event =
		word_is(command, 11, "presence.online") ? FAKE_ONLINE : FAKE_OFFLINE;

	ASSERT(word_is(command, 1, "belfry:up") && word_is(command, 6, "user"));
	ASSERT(event == FAKE_ONLINE || word_is(command, 11, "presence.offline"));
	fake.on_event(user, event);
	fake.last_event[user] = event;
}

static void execute_sweep(struct fake_command *command)
{
	uint64_t bound_ms = strtoull(command->words[3], NULL, 10);

	command->values[0].type = REPLY_ARRAY;
	for (uint32_t user = 0; user < FAKE_USERS; user++)
		if (fake.online[user].text && fake.online[user].end_ms <= bound_ms)
			command->values[command->values_count++] = (struct redis_value){
				.type = REPLY_TEXT,
				.depth = 1,
				.text = slice_of(user == 0   ? "u0"
						 : user == 1 ? "u1"
							     : "u2",
						 2),
			};
	command->values[0].number = command->values_count - 1;
}

static void execute_set(struct fake_command *command, uint64_t now_ms)
{
	command->values[0].type = REPLY_TEXT;
	if (!word_is(command, 1, "belfry:sweeper"))
		return;
	if (fake.sweeper_expiry_ms > now_ms)
		command->values[0].type = REPLY_NIL;
	else
		fake.sweeper_expiry_ms = now_ms + strtoull(command->words[5], NULL, 10);
}

static void execute_on_set(struct fake_command *command, uint64_t now_ms)
{
	uint64_t *number = &command->values[0].number;
	bool is_online = word_is(command, 1, "belfry:online");

	if (!is_online)
		fake_expire(user_in(command->words[1]), now_ms);
	if (word_is(command, 0, "ZADD"))
		*number = is_online ? execute_zadd_online(command) : execute_zadd_presence(command);
	else if (word_is(command, 0, "ZREM"))
		*number = execute_zrem(command);
	else if (word_is(command, 0, "ZCOUNT"))
		*number = execute_range(command, false);
	else if (word_is(command, 0, "ZREMRANGEBYSCORE"))
		*number = execute_range(command, true);
	else if (word_is(command, 0, "PEXPIRE"))
		fake.presence_expiry_ms[user_in(command->words[1])] =
			now_ms + strtoull(command->words[2], NULL, 10);
	else
		ASSERT(false); /* no such command */
}

void fake_execute(struct fake_command *command, uint64_t now_ms)
{
	command->values_count = 1;
	command->values[0].type = REPLY_INTEGER;
	if (word_is(command, 0, "SET"))
		execute_set(command, now_ms);
	else if (word_is(command, 0, "ZRANGEBYSCORE"))
		execute_sweep(command);
	else if (word_is(command, 0, "XADD"))
		execute_xadd(command);
	else if (!word_is(command, 0, "DEL"))
		execute_on_set(command, now_ms);
}
