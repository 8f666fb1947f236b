/* router/recall.c - CLIENT UNBLOCK, until the read is back. */
#include "router/recall.h"

#include <stdio.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/router_state.h"

#define AGAIN_MS 10 /* it had not begun to wait yet when it was called */

void recall_want(struct redis_log *redis)
{
	redis->recall.redis = redis;
	redis->recall.is_wanted = true;
	redis->stream.is_hasty = true;
}

void recall_on_read(struct recall *recall)
{
	if (!recall->is_wanted)
		return;
	recall->is_wanted = false;
	recall->redis->stream.is_hasty = false;
}

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct recall *recall = (struct recall *)call;

	recall->is_calling = false;
	recall->again_ms = recall->redis->router->now_ms + AGAIN_MS;
	if (status != STATUS_OK || reply->values[0].type != REPLY_ERROR)
		return;
	recall->again_ms += REDIS_STREAM_BLOCK_MS;
	if (!recall->is_refused)
		log_line(
			LOG_WARN, "router",
			"Redis refused CLIENT UNBLOCK, so a new partition may wait for %u ms: %.*s",
			REDIS_STREAM_BLOCK_MS, (int)reply->values[0].text.size,
			(const char *)reply->values[0].text.bytes);
	recall->is_refused = true;
}

void recall_turn(struct recall *recall)
{
	struct redis_log *redis = recall->redis;
	char text[24];

	if (!recall->is_wanted || recall->is_calling || !redis->client.is_ready ||
	    redis->stream.state != REDIS_STREAM_READING || redis->stream.client_id == 0 ||
	    redis->router->now_ms < recall->again_ms)
		return;
	struct slice id = slice_of(
		text, (size_t)snprintf(text, sizeof(text), "%lu", redis->stream.client_id));
	struct slice words[] = {SLICE("CLIENT"), SLICE("UNBLOCK"), id};

	recall->call.on_reply = on_reply;
	recall->is_calling = redis_client_add(&redis->client, words, ARRAY_SIZE(words),
					      &recall->call) == STATUS_OK;
}
