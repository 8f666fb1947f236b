/* router/fetch.c - XRANGE of one id, and of the first entry when that one is not there. */
#include "router/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log_line.h"
#include "log/redis_entry.h"
#include "router/redis_log.h"
#include "router/replay.h"
#include "router/router_state.h"

#define HEADS 1024u
#define MISSING_MAX 64u /* ids that are known not to be there, for who did not wait */

/* One entry that is asked for. */
struct fetch {
	struct redis_call call; /* the first member: a call is its fetch */
	struct router *router;
	struct event_id id;
	struct event_id body_id; /* differs from those of other streams */
	struct replay *waiting;  /* by next_queued */
	struct fetch *next;      /* in the hash chain */
	uint32_t partition;
	bool asks_first; /* the entry is not there: which one is the first? */
};

struct fetches {
	struct fetch *heads[HEADS];
	uint32_t count;
	struct event_id missing[MISSING_MAX]; /* a ring */
	uint32_t missing_next;
	uint64_t refused_logged_ms;
};

struct fetches *fetches_create(void)
{
	return calloc(1, sizeof(struct fetches));
}

void fetches_destroy(struct fetches *fetches)
{
	free(fetches); /* the client was closed: nothing is under way */
}

static struct fetch **head_of(struct fetches *fetches, struct event_id id)
{
	uint64_t mixed = (id.ms * 31 + id.sequence) * UINT64_C(0x9E3779B97F4A7C15);

	return &fetches->heads[mixed >> 54];
}

static struct fetch *find(struct fetches *fetches, struct event_id id)
{
	struct fetch *fetch = *head_of(fetches, id);

	while (fetch && !event_id_equal(fetch->body_id, id))
		fetch = fetch->next;
	return fetch;
}

static void note_missing(struct fetches *fetches, struct event_id id)
{
	fetches->missing[fetches->missing_next++ % MISSING_MAX] = id;
}

static bool is_missing(const struct fetches *fetches, struct event_id id)
{
	for (uint32_t i = 0; i < MISSING_MAX; i++)
		if (event_id_equal(fetches->missing[i], id))
			return true;
	return false;
}

/* Everyone who waits goes on with what became of it. */
static void finish(struct fetch *fetch, enum fetch_result result)
{
	struct fetches *fetches = redis_log_fetches(fetch->router->redis);
	struct fetch **link = head_of(fetches, fetch->body_id);

	while (*link != fetch)
		link = &(*link)->next;
	*link = fetch->next;
	fetches->count--;
	if (result == FETCH_DELETED || result == FETCH_TRIMMED)
		note_missing(fetches, fetch->body_id);
	while (fetch->waiting) {
		struct replay *replay = fetch->waiting;

		fetch->waiting = replay->next_queued;
		replay->fetched = fetch->body_id;
		replay->fetched_result = result;
		replay_wake(replay);
	}
	free(fetch);
}

static bool ask(struct fetch *fetch)
{
	char text[EVENT_ID_TEXT_MAX + 1];
	struct slice id = slice_of(text, (size_t)snprintf(text, sizeof(text), "%lu-%lu",
							  fetch->id.ms, fetch->id.sequence));
	struct slice words[] = {SLICE("XRANGE"),
				redis_log_key(fetch->router->redis, fetch->partition),
				fetch->asks_first ? SLICE("-") : id,
				fetch->asks_first ? SLICE("+") : id,
				SLICE("COUNT"),
				SLICE("1")};

	return redis_client_add(redis_log_client(fetch->router->redis), words, ARRAY_SIZE(words),
				&fetch->call) == STATUS_OK;
}

/* It was not there: somebody deleted it, or the log begins later by now. */
static void on_missing(struct fetch *fetch)
{
	if (fetch->asks_first) {
		finish(fetch, FETCH_TRIMMED); /* the log is empty */
		return;
	}
	fetch->asks_first = true;
	if (!ask(fetch))
		finish(fetch, FETCH_AWAY);
}

static void on_entry(struct fetch *fetch, const struct redis_entry *found)
{
	struct router *router = fetch->router;
	struct entry entry;

	if (fetch->asks_first) {
		bool is_trimmed = event_id_is_after(found->id, fetch->id);

		if (is_trimmed)
			history_trim_before(router->history, found->id);
		finish(fetch, is_trimmed ? FETCH_TRIMMED : FETCH_DELETED);
		return;
	}
	if (entry_parse(found->fields, found->fields_count, router->config->max_message_size,
			&entry) != ENTRY_OK) {
		finish(fetch, FETCH_DELETED);
		return;
	}
	bool kept = bodies_keep(router->bodies, fetch->body_id, &entry);

	ASSERT(kept);
	counter_add(&router->counters->fetched, 1);
	finish(fetch, FETCH_READY);
}

/* One log line a second says why. */
static void on_refused(struct fetch *fetch, struct slice why)
{
	struct router *router = fetch->router;
	struct fetches *fetches = redis_log_fetches(router->redis);

	counter_add(&router->counters->fetches_refused, 1);
	if (router->now_ms - fetches->refused_logged_ms >= 1000) {
		fetches->refused_logged_ms = router->now_ms;
		log_line(LOG_ERROR, "router", "Redis refused XRANGE, clients miss messages: %.*s",
			 why.size > 150 ? 150 : (int)why.size,
			 why.size ? (const char *)why.bytes : "");
	}
	finish(fetch, FETCH_REFUSED);
}

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct fetch *fetch = (struct fetch *)call;
	struct redis_entry found;

	if (status != STATUS_OK) {
		finish(fetch, FETCH_AWAY);
		return;
	}
	struct redis_entry_reader *reader = &fetch->router->redis->reader;

	if (redis_entry_begin(reader, reply, 0) != STATUS_OK)
		on_refused(fetch, reply->values[0].text);
	else if (redis_entry_next(reader, &found))
		on_entry(fetch, &found);
	else
		on_missing(fetch);
}

static struct fetch *begin(struct router *router, struct event_id id, struct slice channel)
{
	struct fetches *fetches = redis_log_fetches(router->redis);
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->call.on_reply = on_reply;
	fetch->router = router;
	fetch->id = id;
	fetch->body_id = redis_log_body_id(router, id, channel);
	fetch->partition = redis_log_partition(router->redis, channel);
	if (!ask(fetch)) {
		free(fetch);
		return NULL;
	}
	struct fetch **head = head_of(fetches, fetch->body_id);

	fetch->next = *head;
	*head = fetch;
	fetches->count++;
	return fetch;
}

enum fetch_result fetch_body(struct router *router, struct event_id id, struct slice channel,
			     struct replay *replay, struct entry *ret_entry)
{
	struct event_id body_id = redis_log_body_id(router, id, channel);
	struct fetch *fetch;

	if (bodies_find(router->bodies, body_id, ret_entry))
		return FETCH_READY;
	if (!router->redis)
		return FETCH_TRIMMED;
	if (!replay && is_missing(redis_log_fetches(router->redis), body_id))
		return FETCH_DELETED;
	if (!redis_log_client(router->redis)->is_ready)
		return FETCH_AWAY;
	fetch = find(redis_log_fetches(router->redis), body_id);
	if (!fetch && redis_log_fetches(router->redis)->count >= FETCHES_MAX)
		return FETCH_FULL;
	if (!fetch)
		fetch = begin(router, id, channel);
	if (!fetch)
		return FETCH_AWAY;
	if (replay) {
		ASSERT(replay->place == REPLAY_AT_SESSION);
		replay->place = REPLAY_AT_CALL;
		replay->next_queued = fetch->waiting;
		fetch->waiting = replay;
	}
	return FETCH_PENDING;
}
