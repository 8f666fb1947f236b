/* router/presence_question.c - commands that read presence, and what comes of their replies. */
#include "router/presence_question.h"

#include <stdlib.h>

#include "base/assert.h"

struct question {
	struct redis_call call;
	struct presence_redis *redis;
	void *asker;
	size_t size;
	uint8_t name[]; /* user or connection id */
};

static void answer(struct question *question, int status, struct slice body)
{
	struct presence_redis *redis = question->redis;

	redis->calls_count--;
	redis->listener.on_answer(redis->listener.owner, question->asker, status, body);
	free(question);
}

static void answer_none(struct question *question, int status)
{
	answer(question, status, (struct slice){NULL, 0});
}

/* Answers with what `write` makes of the reply, in memory of its own. */
static void answer_written(struct question *question, const struct redis_reply *reply,
			   bool (*write)(struct writer *writer, struct slice name,
					 const struct redis_reply *reply))
{
	size_t size = PRESENCE_ANSWER_MAX + 6 * question->size;
	struct writer writer;
	void *bytes;

	for (uint32_t i = 0; i < reply->count; i++)
		size += reply->values[i].text.size + 1;
	bytes = malloc(size);
	if (!bytes) {
		answer_none(question, 503);
		return;
	}
	writer_init(&writer, bytes, size);
	if (write(&writer, slice_of(question->name, question->size), reply)) {
		ASSERT(!writer.overflow);
		answer(question, 200, writer_written(&writer));
	} else {
		answer_none(question, 404);
	}
	free(bytes);
}

static bool write_user(struct writer *writer, struct slice name, const struct redis_reply *reply)
{
	presence_answer_open(writer, name, reply->count > 1);
	for (uint32_t i = 1; i < reply->count; i++)
		presence_answer_add_stored(writer, reply->values[i].text);
	presence_answer_close(writer);
	return true;
}

static bool write_conn(struct writer *writer, struct slice name, const struct redis_reply *reply)
{
	return reply->values[0].type == REPLY_TEXT &&
	       presence_answer_stored(writer, name, reply->values[0].text);
}

static void on_user(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct question *question = CONTAINER_OF(call, struct question, call);

	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR)
		answer_written(question, reply, write_user);
	else
		answer_none(question, 503);
}

static void on_conn(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct question *question = CONTAINER_OF(call, struct question, call);

	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR)
		answer_written(question, reply, write_conn);
	else
		answer_none(question, 503);
}

/* Sends redis->batch, a single command. */
static enum status ask(struct presence_redis *redis, struct slice name, void *asker,
		       struct redis_call call)
{
	const struct presence_command *command = &redis->batch.commands[0];
	struct question *question = malloc(sizeof(*question) + name.size);
	enum status status;

	if (!question)
		return STATUS_NO_MEMORY;
	*question = (struct question){call, redis, asker, name.size};
	memcpy(question->name, name.bytes, name.size);
	status = redis_client_add(redis->client, command->words, command->count, &question->call);
	if (status == STATUS_OK)
		redis->calls_count++;
	else
		free(question);
	return status;
}

enum status presence_question_user(struct presence_redis *redis, struct slice user, void *asker)
{
	if (user.size == 0 || user.size > USER_SIZE_MAX)
		return STATUS_INVALID;
	presence_store_list(user, redis->unix_ms, &redis->batch);
	return ask(redis, user, asker, (struct redis_call){on_user});
}

enum status presence_question_conn(struct presence_redis *redis, struct slice id, void *asker)
{
	if (id.size == 0 || id.size > CHANNEL_SIZE_MAX)
		return STATUS_INVALID;
	presence_store_find(id, &redis->batch);
	return ask(redis, id, asker, (struct redis_call){on_conn});
}
