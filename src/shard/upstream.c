/* shard/upstream.c - one block for each message. */
#include "shard/upstream.h"

#include <stdlib.h>

#include "shard/identity.h"
#include "shard/message.h"
#include "shard/receipts.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "wire/command.h"

static const struct {
	const char *code;
	const char *text;
} answers[] = {
#define X(name, code, text) [UPSTREAM_ANSWER_##name] = {code, text},
	UPSTREAM_ANSWER_TABLE(X)
#undef X
};

static enum upstream_type type_of(enum command_type type)
{
	switch (type) {
	case COMMAND_MARK_READ:
		return UPSTREAM_MARK_READ;
	case COMMAND_MARK_ALL_READ:
		return UPSTREAM_MARK_ALL_READ;
	case COMMAND_DELETE:
		return UPSTREAM_DELETE;
	case COMMAND_TYPING:
		return UPSTREAM_TYPING;
	case COMMAND_BAD:
		return UPSTREAM_UNKNOWN;
	default:
		ASSERT(type == COMMAND_PUBLISH);
		return UPSTREAM_PUBLISH;
	}
}

/* A copy in *bytes, which moves on. An absent slice stays absent. */
static struct slice put(uint8_t **bytes, struct slice slice)
{
	uint8_t *copy = *bytes;

	if (slice_is_absent(slice))
		return slice;
	if (slice.size > 0)
		memcpy(copy, slice.bytes, slice.size);
	*bytes += slice.size;
	return slice_of(copy, slice.size);
}

struct upstream *upstream_pack(struct shard *shard, struct conn *conn,
			       const struct command *command)
{
	struct slice user = subscriptions_user(shard, conn);
	char id[CONNECTION_ID_SIZE];
	size_t size = user.size + sizeof(id) + command->notification_id.size + command->to.size +
		      command->channel.size + command->event.size + command->payload.size;
	struct upstream *upstream = calloc(1, sizeof(*upstream) + size);

	if (!upstream)
		return NULL;
	if (!slice_is_absent(command->ref))
		upstream->ref = slice_to_text(command->ref);
	uint8_t *bytes = (uint8_t *)(upstream + 1);

	subscriptions_connection_id(shard, conn, id);
	upstream->type = type_of(command->type);
	upstream->user = put(&bytes, user);
	upstream->connection_id = put(&bytes, slice_of(id, sizeof(id)));
	upstream->id = put(&bytes, command->notification_id);
	upstream->to = put(&bytes, command->to);
	upstream->channel = put(&bytes, command->channel);
	upstream->event = put(&bytes, command->event);
	upstream->data = put(&bytes, command->payload);
	return upstream;
}

static bool is_allowed(struct shard *shard, struct conn *conn, const struct command *command)
{
	struct identity_asker asker = {
		.user = subscriptions_user(shard, conn),
		.is_admin = conn_has(conn, CONN_ADMIN),
		.claims = conn->claims,
	};

	return command->type != COMMAND_PUBLISH ||
	       identity_may_publish(shard->config, &asker, command->channel);
}

void upstream_on_command(struct shard *shard, struct conn *conn, const struct command *command)
{
	struct upstream *upstream;

	ASSERT(conn->state == CONN_OPEN);
	if (!is_allowed(shard, conn, command)) {
		message_send_error(shard, conn, "not_allowed",
				   "clients may not publish to this channel", command->ref);
		return;
	}
	upstream = upstream_pack(shard, conn, command);
	if (upstream)
		receipts_upstream(shard, conn, upstream);
	else
		message_send_error(shard, conn, "overload", "out of memory", command->ref);
}

bool upstream_on_unknown(struct shard *shard, struct conn *conn, const struct command *command)
{
	if (command->type != COMMAND_BAD || slice_is_absent(command->event) ||
	    !conn_has(conn, CONN_UPSTREAM))
		return false;
	upstream_on_command(shard, conn, command);
	return true;
}

const char *upstream_answer_code(enum upstream_answer answer)
{
	ASSERT(answer < ARRAY_SIZE(answers));
	return answers[answer].code;
}

const char *upstream_answer_text(enum upstream_answer answer)
{
	ASSERT(answer < ARRAY_SIZE(answers));
	return answers[answer].text;
}
