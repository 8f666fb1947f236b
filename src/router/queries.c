/* router/queries.c - what is asked over HTTP, answered from what the router knows. */
#include "router/queries.h"

#include <stdlib.h>

#include "base/writer.h"
#include "belfry/upstream.h"
#include "router/fold.h"
#include "router/listing.h"
#include "router/needs.h"
#include "router/online.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/revoking.h"
#include "router/saying.h"
#include "wire/json.h"

#define QUERIES_TURN_MAX 16 /* each may walk over a channel's history; notices do not wait long */
#define REFUSAL_SIZE_MAX 256
#define PARTITION_PATIENCE_MS 10000u

void queries_answer(struct router *router, struct query *query, int status, struct slice body)
{
	ASSERT(query->status == 0 && query->body == NULL);
	ASSERT(status >= 200 && status <= 599);
	query->body = malloc(body.size ? body.size : 1);
	query->status = query->body ? status : 503;
	if (query->body) {
		memcpy(query->body, body.bytes, body.size);
		query->body_size = body.size;
	}
	bool pushed = ring_push(&router->options.answers->ring, &query);

	ASSERT(pushed); /* admin has at most as many under way as the lane holds */
	router->must_wake_admin = true;
}

void queries_refuse(struct router *router, struct query *query, int status, const char *code,
		    const char *message)
{
	uint8_t bytes[REFUSAL_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_format(&writer, "{\"error\":\"%s\",\"message\":\"%s\"}", code, message);
	ASSERT(!writer.overflow);
	queries_answer(router, query, status, writer_written(&writer));
}

static uint64_t user_channel(const struct router *router, struct slice user,
			     uint8_t room[CHANNEL_SIZE_MAX], struct slice *ret_name)
{
	struct writer writer;

	writer_init(&writer, room, CHANNEL_SIZE_MAX);
	writer_text(&writer, "user:");
	writer_slice(&writer, user);
	ASSERT(!writer.overflow);
	*ret_name = writer_written(&writer);
	return router_hash(router, *ret_name);
}

/* How much `subject`, a user, has not read. */
static void answer_unread(struct router *router, struct query *query)
{
	uint8_t room[CHANNEL_SIZE_MAX], bytes[64 + 6 * USER_SIZE_MAX];
	struct slice name;
	uint64_t channel = user_channel(router, query->subject, room, &name);
	struct writer writer;

	if (!router->is_loaded) {
		queries_refuse(router, query, 503, "log_unavailable", "the log is not read yet");
		return;
	}
	if (!fold_is_inbox(router, name)) {
		queries_refuse(router, query, 501, "unsupported", "user is no inbox here");
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "{\"user_id\":");
	json_write_string(&writer, query->subject);
	writer_format(&writer, ",\"unread\":%u}",
		      history_unread(router->history, channel, router->unix_ms));
	ASSERT(!writer.overflow);
	queries_answer(router, query, 200, writer_written(&writer));
}

/* A disconnect on its way into the log. */
struct disconnect {
	struct router *router;
	struct query *query;
};

static void on_disconnected(void *owner, unsigned answer)
{
	struct disconnect *disconnect = owner;

	if (answer == UPSTREAM_ANSWER_OK)
		queries_answer(disconnect->router, disconnect->query, 200,
			       SLICE("{\"disconnected\":true}"));
	else
		queries_refuse(disconnect->router, disconnect->query, 503, "log_unavailable",
			       "the log did not take it: nobody may have been disconnected");
	free(disconnect);
}

/* Ends the connections of `subject`, a user, on all nodes: they all read the log. */
static void answer_disconnect(struct router *router, struct query *query)
{
	struct disconnect *disconnect = malloc(sizeof(*disconnect));
	uint8_t room[CHANNEL_SIZE_MAX];
	struct saying_entry entry = {
		.type = SLICE(FOLD_DISCONNECT),
		.data = SLICE("{}"),
	};

	if (!disconnect) {
		queries_refuse(router, query, 503, "memory", "out of memory");
		return;
	}
	user_channel(router, query->subject, room, &entry.channel);
	*disconnect = (struct disconnect){router, query};
	saying_append(router, &entry, on_disconnected, disconnect);
}

/* The channel that the answer is about; absent: none. */
static struct slice channel_of(const struct router *router, const struct query *query,
			       uint8_t room[CHANNEL_SIZE_MAX])
{
	struct slice name = slice_of(NULL, 0);

	if (query->type == QUERY_HISTORY)
		return query->subject;
	if (query->type == QUERY_UNREAD)
		user_channel(router, query->subject, room, &name);
	return name;
}

/* Its channel is in a partition that is not read here: the question makes it read. */
static bool must_wait(const struct router *router, const struct query *query)
{
	uint8_t room[CHANNEL_SIZE_MAX];
	struct slice channel = channel_of(router, query, room);

	return router->is_loaded && !slice_is_absent(channel) && !needs_ask(router, channel);
}

static void answer(struct router *router, struct query *query)
{
	static void (*const answers[])(struct router * router, struct query * query) = {
		[QUERY_HISTORY] = listing_answer,
		[QUERY_PRESENCE] = online_answer_user,
		[QUERY_UNREAD] = answer_unread,
		[QUERY_DISCONNECT] = answer_disconnect,
		[QUERY_CONNECTION] = online_answer_conn,
		[QUERY_REVOKE] = revoking_answer_revoke,
		[QUERY_REVOCATIONS] = revoking_answer_list,
		[QUERY_RESTORE] = revoking_answer_restore,
	};

	ASSERT(query->type < ARRAY_SIZE(answers));
	if (router->is_stopping)
		queries_refuse(router, query, 503, "stopping", "this node is stopping");
	else
		answers[query->type](router, query);
}

static void take(struct router *router, struct query *query)
{
	if (router->is_stopping || !must_wait(router, query)) {
		answer(router, query);
		return;
	}
	query->began_ms = router->now_ms;
	query->next = router->waiting_queries;
	router->waiting_queries = query;
}

void queries_turn(struct router *router)
{
	struct query **link = &router->waiting_queries;
	bool is_up = !router->redis || redis_log_is_up(router->redis);
	uint64_t patience_ms = is_up ? PARTITION_PATIENCE_MS : REPLAY_PATIENCE_MS;

	while (*link) {
		struct query *query = *link;
		bool is_late = router->now_ms - query->began_ms > patience_ms;
		bool waits = !router->is_stopping && must_wait(router, query);

		if (waits && !is_late) {
			link = &query->next;
			continue;
		}
		*link = query->next;
		if (waits)
			queries_refuse(router, query, 503, "log_unavailable",
				       "this part of the log is not read yet");
		else
			answer(router, query);
	}
}

bool queries_drain(struct router *router)
{
	struct ring *ring = &router->options.queries->ring;
	struct query *query;

	for (unsigned i = 0; i < QUERIES_TURN_MAX; i++) {
		if (!ring_pop(ring, &query))
			return false;
		take(router, query);
	}
	return ring_peek(ring) != NULL;
}
