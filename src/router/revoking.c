/* router/revoking.c - sessions and questions against the table, and marks in the log's file. */
#include "router/revoking.h"

#include <stdlib.h>

#include "belfry/close_reason.h"
#include "router/answers.h"
#include "router/queries.h"
#include "router/router_state.h"

#define MARK_PREFIX "r:"
#define USER_PREFIX "user:"
#define LIST_ENTRY_MAX(id_size) (12 * (id_size) + 160) /* see REVOCATION_JSON_MAX */

bool revoking_init(struct router *router)
{
	struct revoking *revoking = calloc(1, sizeof(*revoking));

	if (!revoking)
		return false;
	router->revoking = revoking;
	revoking->router = router;
	revoking->must_read = true;
	return revocations_init(&revoking->known, router->options.channel_key);
}

void revoking_deinit(struct router *router)
{
	if (router->revoking)
		revocations_deinit(&router->revoking->known);
	free(router->revoking);
}

/* ---- sessions ---- */

static void note_token(struct router *router, struct session *session, struct slice jti,
		       uint32_t issued_s)
{
	session->jti = revocations_jti(&router->revoking->known, jti);
	session->issued_s = issued_s;
}

static bool is_revoked(const struct router *router, const struct session *session)
{
	struct revocations_token token = {session_user_hash(router, session), session->jti,
					  session->issued_s};

	return revocations_has(&router->revoking->known, &token, router->unix_ms);
}

bool revoking_on_attach(struct router *router, struct session *session,
			const struct recovery *recovery)
{
	note_token(router, session, recovery->jti, revocation_issued(recovery->issued_s));
	return is_revoked(router, session);
}

static struct delivery close_of(struct session *session, uint32_t slot)
{
	session->is_ended = true;
	return (struct delivery){
		.type = DELIVERY_CLOSE,
		.slot = (uint16_t)slot,
		.generation = session->generation,
		.count = CLOSE_REVOKED,
	};
}

void revoking_on_token(struct router *router, uint32_t shard, struct session *session,
		       const struct receipt *receipt)
{
	bool is_inline = receipt->text_size <= RECEIPT_INLINE_MAX;
	struct slice jti =
		slice_of(is_inline ? receipt->text_inline : receipt->text_heap, receipt->text_size);

	if (session) {
		note_token(router, session, jti, receipt->channel);
		if (!session->is_ended && is_revoked(router, session)) {
			struct delivery close = close_of(session, receipt->slot);

			fanout_push(router, shard, &close);
		}
	}
	if (!is_inline)
		free(receipt->text_heap);
}

static void compare(struct router *router, uint32_t shard, uint32_t slot)
{
	struct session *session = sessions_at(&router->sessions, shard, slot);

	if (session->is_ended || !is_revoked(router, session))
		return;
	struct delivery close = close_of(session, slot);

	answers_push(router, shard, &close);
}

/* Closes those that are revoked, of the next sessions. */
static void walk(struct router *router)
{
	struct revoking *revoking = router->revoking;

	for (uint32_t n = 0; n < REVOKING_TURN_MAX; n++) {
		struct session *session = sessions_next(&router->sessions, &revoking->walk_shard,
							&revoking->walk_slot);

		if (!session) {
			revoking->is_walking = false;
			return;
		}
		compare(router, revoking->walk_shard, revoking->walk_slot - 1);
	}
}

/* The user that a revocation names; absent: it may mean anybody. */
static struct slice user_of(struct slice id)
{
	struct revocation revocation;

	if (!revocation_parse(id, &revocation) || revocation.kind == REVOCATION_JTI)
		return (struct slice){NULL, 0};
	return revocation.subject;
}

/* False: it would be too much for this turn. */
static bool compare_user(struct router *router, struct slice id)
{
	struct revoking *revoking = router->revoking;
	uint8_t name[sizeof(USER_PREFIX) + USER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, name, sizeof(name));
	writer_text(&writer, USER_PREFIX);
	writer_slice(&writer, id);
	ASSERT(!writer.overflow);
	struct slice channel = writer_written(&writer);
	const struct interest *user =
		interests_find(&router->interests, channel, router_hash(router, channel));

	if (revoking->compared > REVOKING_TURN_MAX)
		return false;
	revoking->compared += 1 + (user ? user->conns : 0);
	if (revoking->compared > REVOKING_TURN_MAX)
		return false;
	for (uint32_t place = user ? user->first_conn : 0; place != 0;
	     place = sessions_at_place(&router->sessions, place)->next)
		compare(router, session_place_shard(place), session_place_slot(place));
	return true;
}

enum revocations_put revoking_put(struct router *router, struct slice id, uint64_t until_ms)
{
	enum revocations_put answer = revocations_put(&router->revoking->known, id, until_ms);
	struct slice user = user_of(id);

	if (answer == REVOCATIONS_NEW && (slice_is_absent(user) || !compare_user(router, user)))
		router->revoking->must_walk = true;
	return answer;
}

/* ---- the log's file ---- */

/* Size 0: takes it out. */
static bool mark(struct router *router, struct slice id, struct slice value)
{
	uint8_t bytes[sizeof(MARK_PREFIX) + REVOCATION_ID_MAX];
	struct writer key;

	writer_init(&key, bytes, sizeof(bytes));
	writer_text(&key, MARK_PREFIX);
	writer_slice(&key, id);
	ASSERT(!key.overflow);
	return embedded_log_mark(&router->embedded, writer_written(&key), value) == STATUS_OK;
}

static bool mark_until(struct router *router, struct slice id, uint64_t until_ms)
{
	uint8_t bytes[24];
	struct writer value;

	writer_init(&value, bytes, sizeof(bytes));
	writer_u64(&value, until_ms);
	return mark(router, id, writer_written(&value)) &&
	       embedded_log_sync(&router->embedded) == STATUS_OK;
}

bool revoking_on_mark(struct router *router, struct slice key, struct slice value)
{
	struct revocations *known = &router->revoking->known;
	uint64_t until_ms;

	if (!slice_starts_with(key, SLICE(MARK_PREFIX)))
		return false;
	key = slice_skip(key, sizeof(MARK_PREFIX) - 1);
	if (value.size == 0)
		revocations_remove(known, key);
	else if (slice_to_u64(value, &until_ms))
		(void)!revocations_put(known, key, until_ms); /* not more than were put before */
	return true;
}

/* An end that the file does not take is found again at the next start. */
static void on_ended(void *owner, struct slice id)
{
	(void)!mark(owner, id, SLICE(""));
}

bool revoking_turn(struct router *router)
{
	struct revoking *revoking = router->revoking;

	revoking->compared = 0;
	if (!router->redis)
		revocations_sweep(&revoking->known, router->unix_ms, on_ended, router);
	if (revoking->must_walk && !revoking->is_walking) {
		revoking->must_walk = false;
		revoking->is_walking = true;
		revoking->walk_shard = revoking->walk_slot = 0;
	}
	if (revoking->is_walking)
		walk(router);
	counter_set(&router->counters->revocations, revoking->known.count);
	return revoking->is_walking || revoking->must_walk;
}

/* ---- questions ---- */

static void refuse_file(struct router *router, struct query *query)
{
	queries_refuse(router, query, 503, "log_unavailable", "the log's file cannot be written");
}

void revoking_done(struct router *router, struct query *query, uint64_t until_ms)
{
	uint8_t bytes[REVOCATION_JSON_MAX];
	struct revocation revocation;
	struct writer writer;
	bool is_id = revocation_parse(query->subject, &revocation);

	ASSERT(is_id);
	writer_init(&writer, bytes, sizeof(bytes));
	revocation_write_json(&writer, &revocation, until_ms);
	ASSERT(!writer.overflow);
	queries_answer(router, query, 200, writer_written(&writer));
}

static bool is_full(const struct revocations *known, struct slice id)
{
	return known->count >= REVOCATIONS_MAX && !revocations_find(known, id);
}

void revoking_answer_revoke(struct router *router, struct query *query)
{
	uint64_t until_ms = router->unix_ms + query->limit * UINT64_C(1000);

	if (is_full(&router->revoking->known, query->subject)) {
		queries_refuse(router, query, 409, "full",
			       "10000 revocations are kept: delete some, or wait for their end");
	} else if (router->redis) {
		revoking_change(router, query, until_ms);
	} else if (!mark_until(router, query->subject, until_ms)) {
		refuse_file(router, query);
	} else if (revoking_put(router, query->subject, until_ms) > REVOCATIONS_KNOWN) {
		queries_refuse(router, query, 503, "memory", "out of memory");
	} else {
		revoking_done(router, query, until_ms);
	}
}

void revoking_answer_restore(struct router *router, struct query *query)
{
	struct revocations *known = &router->revoking->known;

	if (router->redis) {
		revoking_change(router, query, 0);
	} else if (!revocations_find(known, query->subject)) {
		queries_refuse(router, query, 404, "not_found", "there is no such revocation");
	} else if (!mark(router, query->subject, SLICE(""))) {
		refuse_file(router, query);
	} else {
		revocations_remove(known, query->subject);
		queries_answer(router, query, 200, SLICE("{\"deleted\":true}"));
	}
}

static void write_list(struct writer *writer, const struct revocations *known, uint64_t now_ms)
{
	struct revocation revocation;
	uint32_t count = 0;

	writer_text(writer, "{\"revocations\":[");
	for (const struct revoked *at = known->oldest; at; at = at->newer) {
		if (at->until_ms <= now_ms || !revocation_parse(revoked_id(at), &revocation))
			continue;
		writer_text(writer, count++ ? "," : "");
		revocation_write_json(writer, &revocation, at->until_ms);
	}
	writer_format(writer, "],\"count\":%u}", count);
	ASSERT(!writer->overflow);
}

void revoking_answer_list(struct router *router, struct query *query)
{
	const struct revocations *known = &router->revoking->known;
	size_t capacity = 64;
	struct writer writer;

	if (router->redis && !router->revoking->is_read) {
		queries_refuse(router, query, 503, "log_unavailable", "Redis was not read yet");
		return;
	}
	for (const struct revoked *at = known->oldest; at; at = at->newer)
		capacity += LIST_ENTRY_MAX((size_t)at->id_size);
	uint8_t *bytes = malloc(capacity);

	if (!bytes) {
		queries_refuse(router, query, 503, "memory", "out of memory");
		return;
	}
	writer_init(&writer, bytes, capacity);
	write_list(&writer, known, router->unix_ms);
	queries_answer(router, query, 200, writer_written(&writer));
	free(bytes);
}
