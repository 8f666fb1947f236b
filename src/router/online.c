/* router/online.c - presence: from sessions to Redis, or to answers. */
#include "router/online.h"

#include <stdlib.h>

#include "belfry/query.h"
#include "router/presence_question.h"
#include "router/presence_redis.h"
#include "router/queries.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "router/takeover.h"
#include "wire/connection_id.h"

#define USER_PREFIX_SIZE 5 /* of "user:" in the name of an interest */
#define CONNS_SHOWN_MAX 1000u

struct online {
	struct presence presence;
	struct presence_redis redis; /* begun with the first turn: see is_begun */
	bool is_begun;
};

bool online_init(struct router *router)
{
	struct presence_options options = {
		.key = router->options.channel_key,
		.linger_ms = router->config->presence_linger_ms,
		.refresh_ms = router->config->presence_ttl_ms / 3,
	};

	if (!router->config->presence)
		return true;
	router->online = calloc(1, sizeof(*router->online));
	return router->online && presence_init(&router->online->presence, &options);
}

void online_deinit(struct router *router)
{
	if (!router->online)
		return;
	if (router->redis) {
		redis_client_close(redis_log_client(router->redis));
		if (router->online->is_begun)
			presence_redis_deinit(&router->online->redis);
	}
	presence_deinit(&router->online->presence);
	free(router->online);
}

/* ---- sessions ---- */

static struct slice user_of(const struct session *session)
{
	return slice_skip(slice_of(session->user->name, session->user->name_size),
			  USER_PREFIX_SIZE);
}

static struct slice id_of(const struct router *router, const struct session *session,
			  struct connection_id own, char room[CONNECTION_ID_SIZE])
{
	takeover_id(router, session, own, room);
	return slice_of(room, CONNECTION_ID_SIZE);
}

void online_attach(struct router *router, uint32_t shard, uint32_t slot,
		   const struct recovery *recovery)
{
	const struct session *session = sessions_at(&router->sessions, shard, slot);
	struct connection_id own = {(uint8_t)shard, (uint16_t)slot, session->generation};
	char room[CONNECTION_ID_SIZE];
	struct presence_arrival arrival = {
		.user = user_of(session),
		.connection_id = id_of(router, session, own, room),
		.device = recovery->device,
		.since_ms = recovery->since_ms,
		.address = recovery->address,
	};

	/* Without memory it is not shown; its detach then finds nothing. */
	if (router->online && !presence_attach(&router->online->presence, &arrival))
		counter_add(&router->counters->presence_lost, 1);
}

void online_detach(struct router *router, uint32_t shard, uint32_t slot)
{
	const struct session *session = sessions_at(&router->sessions, shard, slot);
	struct connection_id own = {(uint8_t)shard, (uint16_t)slot, session->generation};
	char room[CONNECTION_ID_SIZE];

	if (router->online)
		presence_detach(&router->online->presence, router->now_ms, user_of(session),
				id_of(router, session, own, room));
}

/* ---- turns ---- */

static void on_answer(void *owner, void *asker, int status, struct slice body)
{
	struct router *router = owner;

	if (status == 200)
		queries_answer(router, asker, status, body);
	else if (status == 404)
		queries_refuse(router, asker, 404, "not_found", "there is no such connection");
	else
		queries_refuse(router, asker, 503, "log_unavailable", "Redis did not answer");
}

static void begin(struct router *router)
{
	struct presence_redis_options options = {
		.presence = &router->online->presence,
		.client = redis_log_client(router->redis),
		.listener = {on_answer, router},
		.store =
			{
				.node = slice_of_text(router->config->node_name),
				.ttl_ms = router->config->presence_ttl_ms,
				.linger_ms = router->config->presence_linger_ms,
			},
	};

	random_secret(&options.store.process, sizeof(options.store.process));
	presence_redis_init(&router->online->redis, &options);
	router->online->is_begun = true;
}

void online_turn(struct router *router)
{
	struct presence_action action;

	if (!router->online)
		return;
	counter_set(&router->counters->online_users, router->online->presence.users_count);
	if (!router->redis) {
		while (presence_next(&router->online->presence, router->now_ms, &action))
			continue; /* nobody else is to be told */
		return;
	}
	if (!router->online->is_begun)
		begin(router);
	presence_redis_turn(&router->online->redis, router->now_ms, router->unix_ms);
}

uint64_t online_wait_ms(const struct router *router)
{
	if (!router->online || !router->online->is_begun)
		return UINT64_MAX;
	return presence_redis_wait_ms(&router->online->redis, router->now_ms);
}

void online_stop(struct router *router)
{
	if (!router->online || !router->redis || !router->online->is_begun)
		return;
	presence_detach_all(&router->online->presence, router->now_ms);
	while (redis_log_client(router->redis)->is_ready && online_wait_ms(router) == 0 &&
	       redis_log_client(router->redis)->count < PRESENCE_PENDING_MAX)
		presence_redis_turn(&router->online->redis, router->now_ms, router->unix_ms);
	presence_redis_end(&router->online->redis);
}

/* ---- questions ---- */

struct listing {
	struct router *router;
	struct writer writer;
	uint32_t count;
};

static void add_conn(void *owner, const struct presence_conn *conn)
{
	struct listing *listing = owner;

	if (listing->count++ < CONNS_SHOWN_MAX)
		presence_answer_add(&listing->writer,
				    slice_of_text(listing->router->config->node_name), conn);
}

static void count_conn(void *owner, const struct presence_conn *conn)
{
	uint32_t *count = owner;

	(void)conn;
	++*count;
}

static void answer_user_here(struct router *router, struct query *query)
{
	struct presence *presence = &router->online->presence;
	struct listing listing = {.router = router};
	uint32_t count = 0;

	presence_each_conn(presence, query->subject, count_conn, &count);
	if (count > CONNS_SHOWN_MAX)
		count = CONNS_SHOWN_MAX;
	size_t capacity = PRESENCE_ANSWER_MAX + count * (PRESENCE_MEMBER_MAX + 1);
	uint8_t *bytes = malloc(capacity);

	if (!bytes) {
		queries_refuse(router, query, 503, "memory", "out of memory");
		return;
	}
	writer_init(&listing.writer, bytes, capacity);
	presence_answer_open(&listing.writer, query->subject,
			     presence_is_online(presence, query->subject));
	presence_each_conn(presence, query->subject, add_conn, &listing);
	presence_answer_close(&listing.writer);
	ASSERT(!listing.writer.overflow);
	queries_answer(router, query, 200, writer_written(&listing.writer));
	free(bytes);
}

static void refuse_off(struct router *router, struct query *query)
{
	queries_refuse(router, query, 501, "unsupported", "presence is switched off");
}

/* What the question's beginning came to. */
static void finish_asking(struct router *router, struct query *query, enum status status)
{
	if (status == STATUS_INVALID)
		queries_refuse(router, query, 404, "not_found", "nobody can have this name");
	else if (status != STATUS_OK)
		queries_refuse(router, query, 503, "log_unavailable", "Redis cannot be reached");
}

void online_answer_user(struct router *router, struct query *query)
{
	if (!router->online)
		refuse_off(router, query);
	else if (!router->redis)
		answer_user_here(router, query);
	else if (!router->online->is_begun)
		finish_asking(router, query, STATUS_UNAVAILABLE);
	else
		finish_asking(
			router, query,
			presence_question_user(&router->online->redis, query->subject, query));
}

void online_answer_conn(struct router *router, struct query *query)
{
	uint8_t bytes[PRESENCE_CONN_MAX];
	const struct presence_conn *conn;
	struct writer writer;

	if (!router->online) {
		refuse_off(router, query);
		return;
	}
	if (router->redis && router->online->is_begun) {
		finish_asking(
			router, query,
			presence_question_conn(&router->online->redis, query->subject, query));
		return;
	}
	conn = presence_find_conn(&router->online->presence, query->subject);
	if (!conn) {
		queries_refuse(router, query, 404, "not_found", "there is no such connection");
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	presence_answer_conn(&writer, slice_of_text(router->config->node_name), conn);
	ASSERT(!writer.overflow);
	queries_answer(router, query, 200, writer_written(&writer));
}
