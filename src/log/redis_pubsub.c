/* log/redis_pubsub.c - SUBSCRIBE, PSUBSCRIBE and what they push (RESP2 arrays). */
#include "log/redis_pubsub.h"

#include <string.h>

#include "base/assert.h"

enum kind {
	KIND_OTHER,
	KIND_CONFIRMATION, /* [kind, channel, number] */
	KIND_MESSAGE,      /* ["message", channel, payload] */
	KIND_PATTERN,      /* ["pmessage", pattern, channel, payload] */
	KIND_PONG,         /* ["pong", ""], or PONG before the first subscription */
	KIND_END,          /* ["unsubscribe", ...]: nobody asked for that */
};

#define SUBSCRIPTIONS 4

static enum kind kind_of(struct slice text)
{
	static const struct {
		const char *text;
		enum kind kind;
	} kinds[] = {
		{"pmessage", KIND_PATTERN},
		{"message", KIND_MESSAGE},
		{"psubscribe", KIND_CONFIRMATION},
		{"subscribe", KIND_CONFIRMATION},
		{"pong", KIND_PONG},
		{"PONG", KIND_PONG},
		{"punsubscribe", KIND_END},
		{"unsubscribe", KIND_END},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (slice_equal_text(text, kinds[i].text))
			return kinds[i].kind;
	return KIND_OTHER;
}

static void keep_channel(struct redis_pubsub *pubsub, struct slice text)
{
	size_t size = text.size < sizeof(pubsub->channel) ? text.size : sizeof(pubsub->channel);

	if (size > 0)
		memcpy(pubsub->channel, text.bytes, size);
	pubsub->channel_size = (uint16_t)size;
}

/* An element after the first. Position 1 of a message is its channel, 2 its payload; with a
 * pattern before them, 2 and 3. */
static void on_part(struct redis_pubsub *pubsub, const struct reply_token *token)
{
	uint32_t position = token->index - (pubsub->kind == KIND_PATTERN);
	bool is_message = pubsub->kind == KIND_MESSAGE || pubsub->kind == KIND_PATTERN;

	if (!is_message || token->type != REPLY_TEXT)
		return;
	if (position == 1)
		keep_channel(pubsub, token->text);
	else if (position == 2)
		pubsub->listener.on_message(pubsub->listener.owner,
					    slice_of(pubsub->channel, pubsub->channel_size),
					    token->text);
}

static void fail(struct redis_pubsub *pubsub, const char *what, struct slice detail)
{
	redis_session_fail(&pubsub->session, what, detail);
	pubsub->is_ready = false;
}

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_pubsub *pubsub = owner;
	bool is_kind = token->depth == 0 || (token->depth == 1 && token->index == 0);

	if (pubsub->session.error[0] != '\0')
		return;
	if (token->type == REPLY_ERROR)
		fail(pubsub, "Redis refused to subscribe", token->text);
	else if (is_kind)
		pubsub->kind =
			(uint8_t)(token->type == REPLY_TEXT ? kind_of(token->text) : KIND_OTHER);
	else if (token->depth == 1)
		on_part(pubsub, token);
}

static void on_end(void *owner)
{
	struct redis_pubsub *pubsub = owner;

	if (pubsub->session.error[0] != '\0')
		return;
	if (pubsub->kind == KIND_PONG && pubsub->pings_pending > 0)
		pubsub->pings_pending--;
	else if (pubsub->kind == KIND_END)
		fail(pubsub, "Redis ended a subscription", SLICE(""));
	else if (pubsub->kind == KIND_CONFIRMATION)
		pubsub->is_ready = ++pubsub->confirmed >= SUBSCRIPTIONS;
}

void redis_pubsub_init(struct redis_pubsub *pubsub, const struct config_redis *server,
		       struct redis_pubsub_listener listener)
{
	*pubsub = (struct redis_pubsub){.listener = listener};
	redis_session_init(&pubsub->session, server, "belfry-pubsub",
			   (struct reply_listener){on_token, on_end, pubsub});
}

void redis_pubsub_deinit(struct redis_pubsub *pubsub)
{
	redis_session_deinit(&pubsub->session);
}

enum status redis_pubsub_open(struct redis_pubsub *pubsub)
{
	struct slice exact[] = {SLICE("SUBSCRIBE"), SLICE("ws:broadcast")};
	struct slice patterns[] = {SLICE("PSUBSCRIBE"), SLICE("ws:user:*"),
				   SLICE("ws:connection:*"), SLICE("ws:channel:*")};
	enum status status = redis_session_open(&pubsub->session);

	pubsub->is_ready = false;
	pubsub->confirmed = pubsub->pings_pending = 0;
	pubsub->kind = KIND_OTHER;
	pubsub->channel_size = 0;
	if (status == STATUS_OK)
		status = redis_session_command(&pubsub->session, exact, ARRAY_SIZE(exact));
	if (status == STATUS_OK)
		status = redis_session_command(&pubsub->session, patterns, ARRAY_SIZE(patterns));
	return status;
}

void redis_pubsub_close(struct redis_pubsub *pubsub)
{
	pubsub->is_ready = false;
}

enum status redis_pubsub_ping(struct redis_pubsub *pubsub)
{
	struct slice ping[] = {SLICE("PING")};
	enum status status;

	if (pubsub->pings_pending > 0)
		return STATUS_AGAIN;
	status = redis_session_command(&pubsub->session, ping, 1);
	if (status == STATUS_OK)
		pubsub->pings_pending++;
	return status;
}
