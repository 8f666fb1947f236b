/* router/takeover.c - SET when one ends, GETDEL when its client comes back. */
#include "router/takeover.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/writer.h"
#include "router/online.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/replay_phase.h"
#include "router/router_state.h"

#define CONN_PREFIX "conn:"
#define USER_PREFIX "user:"
#define USER_PREFIX_SIZE (sizeof(USER_PREFIX) - 1) /* in the name of an interest */
#define KEY_PREFIX "belfry:gone:"
#define KEY_SIZE_MAX (sizeof(KEY_PREFIX) + CONNECTION_ID_SIZE + 1 + USER_SIZE_MAX)

void takeover_id(const struct router *router, const struct session *session,
		 struct connection_id own, char ret_id[CONNECTION_ID_SIZE])
{
	if (session->has_identity)
		connection_id_complete(sessions_identity(&router->sessions, own.shard, own.slot),
				       ret_id);
	else
		connection_id_write(own, router->options.connection_key, ret_id);
}

static struct slice user_of(const struct session *session)
{
	return slice_skip(slice_of(session->user->name, session->user->name_size),
			  USER_PREFIX_SIZE);
}

static struct slice key_of(const char id[CONNECTION_ID_SIZE], struct slice user,
			   uint8_t room[KEY_SIZE_MAX])
{
	struct writer writer;

	writer_init(&writer, room, KEY_SIZE_MAX);
	writer_text(&writer, KEY_PREFIX);
	writer_bytes(&writer, id, CONNECTION_ID_SIZE);
	writer_text(&writer, ":");
	writer_slice(&writer, user);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

/* ---- one ends ---- */

struct leaving {
	struct redis_call call; /* the first member: a call is its leaving */
	struct router *router;
	uint64_t until_ms;
	char id[CONNECTION_ID_SIZE];
	uint8_t user_size;
	uint8_t user[];
};

/* It may be taken up at this node only. */
static void keep_here(struct router *router, const char id[CONNECTION_ID_SIZE], struct slice user,
		      uint64_t until_ms)
{
	uint8_t room[USER_PREFIX_SIZE + USER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, room, sizeof(room));
	writer_text(&writer, USER_PREFIX);
	writer_slice(&writer, user);
	ASSERT(!writer.overflow);
	departed_add(&router->departed, id, router_hash(router, writer_written(&writer)), until_ms);
}

static void on_kept(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct leaving *leaving = (struct leaving *)call;

	if (status != STATUS_OK || reply->values[0].type == REPLY_ERROR)
		keep_here(leaving->router, leaving->id, slice_of(leaving->user, leaving->user_size),
			  leaving->until_ms);
	free(leaving);
}

/* False: Redis is away. */
static bool keep(struct router *router, const char id[CONNECTION_ID_SIZE], struct slice user)
{
	uint64_t window_ms = router->config->resume_window_ms;
	struct leaving *leaving = malloc(sizeof(*leaving) + user.size);
	uint8_t room[KEY_SIZE_MAX];
	char end[24];

	if (!leaving)
		return false;
	*leaving = (struct leaving){
		.call = {on_kept},
		.router = router,
		.until_ms = router->now_ms + window_ms,
		.user_size = (uint8_t)user.size,
	};
	memcpy(leaving->id, id, CONNECTION_ID_SIZE);
	memcpy(leaving->user, user.bytes, user.size);
	snprintf(end, sizeof(end), "%lu", window_ms);
	struct slice words[] = {SLICE("SET"), key_of(id, user, room), SLICE("1"), SLICE("PX"),
				slice_of_text(end)};

	if (redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words),
			     &leaving->call) == STATUS_OK)
		return true;
	free(leaving);
	return false;
}

static void leave(struct router *router, const char id[CONNECTION_ID_SIZE], struct slice user)
{
	uint64_t window_ms = router->config->resume_window_ms;

	if (window_ms > 0 && !(router->redis && keep(router, id, user)))
		keep_here(router, id, user, router->now_ms + window_ms);
}

void takeover_leave(struct router *router, const struct session *session, struct connection_id own)
{
	char id[CONNECTION_ID_SIZE];

	takeover_id(router, session, own, id);
	leave(router, id, user_of(session));
}

/* ---- one comes ---- */

/* The connection with this id is still attached, to the same user: its client came back before
 * its end was noticed. */
static bool is_ghost_of(struct router *router, struct slice id, const struct interest *user)
{
	struct connection_id parsed;
	const struct session *session;

	if (!connection_id_parse(id, router->options.connection_key, &parsed) ||
	    parsed.shard >= router->options.shards_count)
		return false;
	session = sessions_find(&router->sessions, parsed.shard, parsed.slot, parsed.generation);
	return session && session->user == user;
}

static void grant(struct sessions *sessions, uint32_t shard, uint32_t slot, struct slice id)
{
	ASSERT(connection_id_is_well_formed(id));
	memcpy(sessions_identity(sessions, shard, slot), id.bytes, CONNECTION_ID_DIGITS);
	sessions_at(sessions, shard, slot)->has_identity = true;
}

/* An identity that was not granted is somebody else's: nothing of its channel is to be seen. */
static void forget(struct recovery *recovery)
{
	struct slice prefix = SLICE(CONN_PREFIX);
	uint32_t kept = 0;

	if (slice_is_absent(recovery->identity))
		return;
	for (uint32_t i = 0; i < recovery->channels_count; i++) {
		struct slice name = recovery->channels[i].name;

		if (slice_starts_with(name, prefix) &&
		    slice_equal(slice_skip(name, prefix.size), recovery->identity))
			continue;
		recovery->channels[kept++] = recovery->channels[i];
	}
	recovery->channels_count = kept;
}

bool takeover_decide(struct router *router, uint32_t shard, uint32_t slot,
		     struct recovery *recovery)
{
	const struct session *session = sessions_at(&router->sessions, shard, slot);
	struct slice id = recovery->identity;
	bool is_id = connection_id_is_well_formed(id);

	if (is_id && (departed_take(&router->departed, id, session_user_hash(router, session),
				    router->now_ms) ||
		      is_ghost_of(router, id, session->user)))
		grant(&router->sessions, shard, slot, id);
	else if (is_id && router->redis)
		return false;
	if (!session->has_identity)
		forget(recovery);
	return true;
}

static void settle(struct replay *replay)
{
	struct session *session = replay_session(replay);

	replay->must_ask_identity = false;
	if (!session->has_identity)
		forget(replay->recovery);
	online_attach(replay->router, replay->shard, replay->slot, replay->recovery);
}

static void on_taken(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct replay *replay = (struct replay *)((char *)call - offsetof(struct replay, call));
	bool is_granted = status == STATUS_OK && reply->values[0].type == REPLY_TEXT;

	if (is_granted && replay->is_void) /* its client may come once more */
		leave(replay->router, (const char *)replay->recovery->identity.bytes,
		      replay->recovery->user);
	if (is_granted && !replay->is_void)
		grant(&replay->router->sessions, replay->shard, replay->slot,
		      replay->recovery->identity);
	if (!replay->is_void)
		settle(replay);
	replay_wake(replay);
}

bool takeover_ask(struct replay *replay)
{
	struct router *router = replay->router;
	uint8_t room[KEY_SIZE_MAX];
	struct slice words[] = {SLICE("GETDEL"),
				key_of((const char *)replay->recovery->identity.bytes,
				       user_of(replay_session(replay)), room)};

	replay->call.on_reply = on_taken;
	if (redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words),
			     &replay->call) != STATUS_OK) {
		settle(replay);
		return false;
	}
	ASSERT(replay->place == REPLAY_AT_SESSION);
	replay->place = REPLAY_AT_CALL;
	return true;
}
