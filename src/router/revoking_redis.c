/* router/revoking_redis.c - the sorted set in Redis: looked at, read, changed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log_line.h"
#include "router/queries.h"
#include "router/redis_log.h"
#include "router/revoking.h"
#include "router/router_state.h"

#define SET_KEY "belfry:revoked"
#define VERSION_KEY "belfry:revoked:version"
#define NUMBER_SIZE 24

static bool is_good(enum status status, const struct redis_reply *reply, enum reply_type type)
{
	return status == STATUS_OK && reply->values[0].type == type;
}

static struct slice number_text(uint64_t number, const char *before, char room[NUMBER_SIZE])
{
	return slice_of(room, (size_t)snprintf(room, NUMBER_SIZE, "%s%lu", before, number));
}

/* ---- reading ---- */

/* It is Redis that says no: what is known goes on to count. */
static void tell_error(struct revoking *revoking, enum status status,
		       const struct redis_reply *reply)
{
	if (status != STATUS_OK || revoking->told_error)
		return;
	revoking->told_error = true;
	if (reply->values[0].type == REPLY_ERROR)
		log_line(LOG_WARN, "router", "Redis does not tell what is revoked: %.*s",
			 (int)reply->values[0].text.size,
			 (const char *)reply->values[0].text.bytes);
	else
		log_line(LOG_WARN, "router", SET_KEY " is not read: unexpected reply");
}

/* A score as Redis writes it, also "1.7693370005e+12" and "inf". False: none. */
static bool read_score(struct slice text, uint64_t *ret_until_ms)
{
	char digits[40];
	char *end;

	if (text.size == 0 || text.size >= sizeof(digits))
		return false;
	memcpy(digits, text.bytes, text.size);
	digits[text.size] = '\0';
	double score = strtod(digits, &end);

	if (*end != '\0' || isnan(score) || score < 0)
		return false;
	*ret_until_ms = score < 1e18 ? (uint64_t)score : UINT64_MAX;
	return true;
}

/* The members and their scores. False: out of memory, some may be missing. */
static bool take_members(struct revoking *revoking, const struct redis_reply *reply)
{
	bool is_whole = true, has_bad = false;
	uint64_t until_ms = 0;

	revocations_begin(&revoking->known);
	for (uint32_t i = 1; i + 1 < reply->count; i += 2) {
		enum revocations_put answer = REVOCATIONS_BAD;

		if (read_score(reply->values[i + 1].text, &until_ms))
			answer = revoking_put(revoking->router, reply->values[i].text, until_ms);
		is_whole &= answer != REVOCATIONS_NO_MEMORY;
		has_bad |= answer == REVOCATIONS_BAD || answer == REVOCATIONS_FULL;
	}
	if (is_whole)
		revocations_end(&revoking->known);
	if (has_bad && !revoking->told_bad)
		log_line(LOG_WARN, "router",
			 SET_KEY " has members that are no revocations, or more than %u",
			 REVOCATIONS_MAX);
	revoking->told_bad = has_bad;
	return is_whole;
}

/* What has ended takes room and says nothing. */
static void clean(struct revoking *revoking, uint64_t live)
{
	uint64_t now_ms = revoking->router->unix_ms;
	char end[NUMBER_SIZE];

	if (revoking->members <= live || now_ms <= REVOKING_CLEAN_MS)
		return;
	struct slice words[] = {SLICE("ZREMRANGEBYSCORE"), SLICE(SET_KEY), SLICE("-inf"),
				number_text(now_ms - REVOKING_CLEAN_MS, "", end)};

	(void)!redis_client_add(redis_log_client(revoking->router->redis), words, ARRAY_SIZE(words),
				NULL);
}

static void on_members(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct revoking *revoking = CONTAINER_OF(call, struct revoking, call_members);

	revoking->pending--;
	if (!is_good(status, reply, REPLY_ARRAY)) {
		tell_error(revoking, status, reply);
		return;
	}
	revoking->told_error = false;
	if (!take_members(revoking, reply))
		return;
	revoking->is_read = true;
	revoking->must_read = false;
	revoking->next_read_ms = revoking->router->now_ms + REVOKING_REREAD_MS;
	clean(revoking, (reply->count - 1) / 2);
}

static bool add(struct revoking *revoking, const struct slice *words, uint32_t count,
		struct redis_call *call)
{
	if (redis_client_add(redis_log_client(revoking->router->redis), words, count, call) !=
	    STATUS_OK)
		return false;
	revoking->pending++;
	return true;
}

static void read_members(struct revoking *revoking)
{
	char now[NUMBER_SIZE], limit[NUMBER_SIZE];
	struct slice words[] = {
		SLICE("ZRANGEBYSCORE"),
		SLICE(SET_KEY),
		number_text(revoking->router->unix_ms, "(", now),
		SLICE("+inf"),
		SLICE("WITHSCORES"),
		SLICE("LIMIT"),
		SLICE("0"),
		number_text(REVOCATIONS_MAX + 1, "", limit),
	};

	revoking->call_members.on_reply = on_members;
	(void)!add(revoking, words, ARRAY_SIZE(words), &revoking->call_members);
}

static void on_version(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct revoking *revoking = CONTAINER_OF(call, struct revoking, call_version);
	uint64_t version = 0;

	revoking->pending--;
	if (is_good(status, reply, REPLY_TEXT))
		version = hash_bytes(revoking->known.key, reply->values[0].text);
	else if (!is_good(status, reply, REPLY_NIL))
		return;
	revoking->must_read |= version != revoking->version;
	revoking->version = version;
}

/* The second of the two; when the set was asked for as well, its reply is still to come. */
static void on_count(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct revoking *revoking = CONTAINER_OF(call, struct revoking, call_count);

	revoking->pending--;
	if (!is_good(status, reply, REPLY_INTEGER)) {
		tell_error(revoking, status, reply);
		return;
	}
	revoking->must_read |= reply->values[0].number != revoking->members;
	revoking->members = reply->values[0].number;
	if (revoking->must_read && revoking->pending == 0)
		read_members(revoking);
}

void revoking_look(struct router *router)
{
	struct revoking *revoking = router->revoking;
	struct slice version[] = {SLICE("GET"), SLICE(VERSION_KEY)};
	struct slice count[] = {SLICE("ZCOUNT"), SLICE(SET_KEY), SLICE("-inf"), SLICE("+inf")};

	if (revoking->pending > 0)
		return;
	revoking->must_read |= router->now_ms >= revoking->next_read_ms ||
			       router->unix_ms >= revoking->known.next_end_ms;
	revoking->call_version.on_reply = on_version;
	revoking->call_count.on_reply = on_count;
	if (!add(revoking, version, ARRAY_SIZE(version), &revoking->call_version) ||
	    !add(revoking, count, ARRAY_SIZE(count), &revoking->call_count))
		return;
	/* At once: what is asked for after this comes after it. */
	if (revoking->must_read)
		read_members(revoking);
}

void revoking_forget(struct router *router)
{
	router->revoking->must_read = true;
}

/* ---- changing ---- */

struct change {
	struct redis_call call; /* the first member: a call is its change */
	struct router *router;
	struct query *query;
	uint64_t until_ms; /* 0: it is taken out */
};

static void answer_removed(const struct change *change, uint64_t removed)
{
	struct router *router = change->router;

	if (revocations_remove(&router->revoking->known, change->query->subject) || removed > 0)
		queries_answer(router, change->query, 200, SLICE("{\"deleted\":true}"));
	else
		queries_refuse(router, change->query, 404, "not_found",
			       "there is no such revocation");
}

/* Without memory here it is there all the same, and is read like one of another node. */
static void answer_added(const struct change *change)
{
	(void)!revoking_put(change->router, change->query->subject, change->until_ms);
	revoking_done(change->router, change->query, change->until_ms);
}

static void on_changed(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct change *change = (struct change *)call;

	if (!is_good(status, reply, REPLY_INTEGER))
		queries_refuse(change->router, change->query, 503, "log_unavailable",
			       "Redis did not take it, or nobody knows whether it did");
	else if (change->until_ms == 0)
		answer_removed(change, reply->values[0].number);
	else
		answer_added(change);
	free(change);
}

/* After the change, so that whoever sees the new version sees the change. */
static void write_version(struct router *router)
{
	uint64_t version;
	char text[NUMBER_SIZE];

	random_secret(&version, sizeof(version));
	struct slice words[] = {SLICE("SET"), SLICE(VERSION_KEY), number_text(version, "", text)};

	(void)!redis_client_add(redis_log_client(router->redis), words, ARRAY_SIZE(words), NULL);
}

void revoking_change(struct router *router, struct query *query, uint64_t until_ms)
{
	struct change *change = malloc(sizeof(*change));
	char until[NUMBER_SIZE];
	struct slice put[] = {SLICE("ZADD"), SLICE(SET_KEY), number_text(until_ms, "", until),
			      query->subject};
	struct slice take[] = {SLICE("ZREM"), SLICE(SET_KEY), query->subject};

	if (!change) {
		queries_refuse(router, query, 503, "memory", "out of memory");
		return;
	}
	*change = (struct change){{on_changed}, router, query, until_ms};
	if (redis_client_add(redis_log_client(router->redis), until_ms ? put : take,
			     until_ms ? 4 : 3, &change->call) != STATUS_OK) {
		free(change);
		queries_refuse(router, query, 503, "log_unavailable", "Redis cannot be reached");
		return;
	}
	write_version(router);
}
