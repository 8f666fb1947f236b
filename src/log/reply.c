/* log/reply.c - hiredis' reader with functions that build nothing. */
#include "log/reply.h"

#include <stdlib.h>

#include "base/assert.h"
#include "hiredis/hiredis_shim.h"

struct reply {
	redisReader *reader;
	struct reply_listener listener;
	uint64_t counts[16]; /* elements of the open array at each depth */
};

/* What the reader takes for an object; there is none. */
static char nothing;

static uint32_t depth_of(const redisReadTask *task)
{
	uint32_t depth = 0;

	for (; task->parent; task = task->parent)
		depth++;
	return depth;
}

static void *tell(const redisReadTask *task, struct reply_token token)
{
	struct reply *reply = task->privdata;

	token.depth = depth_of(task);
	ASSERT(token.depth < ARRAY_SIZE(reply->counts));
	token.index = task->parent ? (uint32_t)task->idx : 0;
	token.is_last = !task->parent || token.index + 1 == reply->counts[token.depth - 1];
	if (token.type == REPLY_ARRAY)
		reply->counts[token.depth] = token.number;
	reply->listener.on_token(reply->listener.owner, &token);
	return &nothing;
}

static void *on_string(const redisReadTask *task, char *text, size_t size)
{
	return tell(task,
		    (struct reply_token){
			    .type = task->type == REDIS_REPLY_ERROR ? REPLY_ERROR : REPLY_TEXT,
			    .text = slice_of(text, size),
		    });
}

static void *on_array(const redisReadTask *task, size_t count)
{
	return tell(task, (struct reply_token){.type = REPLY_ARRAY, .number = count});
}

static void *on_integer(const redisReadTask *task, long long value)
{
	return tell(task, (struct reply_token){.type = REPLY_INTEGER, .number = (uint64_t)value});
}

static void *on_nil(const redisReadTask *task)
{
	return tell(task, (struct reply_token){.type = REPLY_NIL});
}

static void on_free(void *object)
{
	(void)object;
}

HIREDIS_REPLY_FUNCTIONS(reply_functions, on_string, on_array, on_integer, on_nil, on_free);

struct reply *reply_create(struct reply_listener listener)
{
	struct reply *reply = calloc(1, sizeof(*reply));

	if (!reply)
		return NULL;
	reply->listener = listener;
	reply->reader = redisReaderCreateWithFunctions(&reply_functions);
	if (!reply->reader) {
		free(reply);
		return NULL;
	}
	hiredis_reader_set_privdata(reply->reader, reply);
	return reply;
}

void reply_destroy(struct reply *reply)
{
	if (!reply)
		return;
	redisReaderFree(reply->reader);
	free(reply);
}

enum status reply_feed(struct reply *reply, struct slice bytes)
{
	void *whole;

	if (redisReaderFeed(reply->reader, (const char *)bytes.bytes, bytes.size) != REDIS_OK)
		return STATUS_INVALID;
	for (;;) {
		whole = NULL;
		if (redisReaderGetReply(reply->reader, &whole) != REDIS_OK)
			return STATUS_INVALID;
		if (!whole)
			return STATUS_OK;
		reply->listener.on_end(reply->listener.owner);
	}
}
