/* router/cursor_redis.c - HGET; a script that compares and writes, or HGET, HSET and PEXPIRE. */
#include "router/cursor_redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define KEY_PREFIX "belfry:cursor:"
#define KEY_SIZE_MAX (sizeof(KEY_PREFIX) + USER_SIZE_MAX)
#define NUMBER_SIZE 24
#define SCRIPT_WORDS_MAX (4 + 3 * CURSOR_BATCH_MAX)

/* KEYS: of the cursors. ARGV: how long they stay, then field and position of each. Answers for
 * each: 1, written; the text that is there, which is after it; 0, Redis refused a command.
 *
 * Both numbers have up to 64 bits, of which Lua's have 53: as digits without zeros in front the
 * longer is the greater one, and of two that are as long the text decides. */
static const char script[] =
	"local function numbers(id)\n"
	"  local ms, sequence = string.match(id or '', '^0*(%d*)%-?0*(%d*)$')\n"
	"  return ms or '', sequence or ''\n"
	"end\n"
	"local function is_greater(a, b)\n"
	"  if #a ~= #b then return #a > #b end\n"
	"  return a > b\n"
	"end\n"
	"local function is_after(a, b)\n"
	"  local a_ms, a_sequence = numbers(a)\n"
	"  local b_ms, b_sequence = numbers(b)\n"
	"  if a_ms ~= b_ms then return is_greater(a_ms, b_ms) end\n"
	"  return is_greater(a_sequence, b_sequence)\n"
	"end\n"
	"local function move(key, field, id)\n"
	"  local there = redis.pcall('HGET', key, field)\n"
	"  if type(there) == 'table' then return 0 end\n"
	"  if is_after(there, id) then return there end\n"
	"  if type(redis.pcall('HSET', key, field, id)) == 'table' then return 0 end\n"
	"  redis.pcall('PEXPIRE', key, ARGV[1])\n"
	"  return 1\n"
	"end\n"
	"local answers = {}\n"
	"for i, key in ipairs(KEYS) do\n"
	"  answers[i] = move(key, ARGV[2 * i], ARGV[2 * i + 1])\n"
	"end\n"
	"return answers\n";

struct batch {
	struct redis_call call; /* the first member: a call is its batch */
	struct router *router;
	uint32_t count;
	struct cursor *cursors[CURSOR_BATCH_MAX]; /* held */
};

/* Texts of one call. */
struct texts {
	char keys[CURSOR_BATCH_MAX][KEY_SIZE_MAX];
	uint8_t ids[CURSOR_BATCH_MAX][EVENT_ID_TEXT_MAX];
	char count[NUMBER_SIZE], ttl[NUMBER_SIZE];
};

/* Of one cursor, where there are no scripts. */
struct write {
	struct redis_call call; /* the first member: a call is its write */
	struct router *router;
	struct cursor *cursor; /* held */
};

static struct redis_client *client_of(struct router *router)
{
	return redis_log_client(router->redis);
}

static struct slice key_of(const struct cursor *cursor, char room[KEY_SIZE_MAX])
{
	return slice_of(room,
			(size_t)snprintf(room, KEY_SIZE_MAX, KEY_PREFIX "%.*s",
					 (int)cursor->user_size, (const char *)cursor->names));
}

/* The user's own has the empty name. */
static struct slice field_of(const struct cursor *cursor)
{
	return cursor->device_size > 0 ? cursor_device(cursor) : SLICE("");
}

static struct slice number_text(uint64_t number, char room[NUMBER_SIZE])
{
	return slice_of(room, (size_t)snprintf(room, NUMBER_SIZE, "%lu", number));
}

/* What the window has left behind confirms nothing any more. */
static struct slice ttl_text(const struct router *router, char room[NUMBER_SIZE])
{
	return number_text(2 * (uint64_t)router->config->retention_ms, room);
}

/* ---- reading ---- */

enum status cursor_redis_ask(struct router *router, const struct cursor *cursor,
			     struct redis_call *call)
{
	char room[KEY_SIZE_MAX];
	struct slice words[] = {SLICE("HGET"), key_of(cursor, room), field_of(cursor)};

	return redis_client_add(client_of(router), words, ARRAY_SIZE(words), call);
}

bool cursor_redis_read(enum status status, const struct redis_reply *reply, struct event_id *ret_id)
{
	if (status != STATUS_OK || reply->values[0].type == REPLY_ERROR)
		return false;
	*ret_id = (struct event_id){0, 0};
	if (reply->values[0].type == REPLY_TEXT && !event_id_parse(reply->values[0].text, ret_id))
		*ret_id = (struct event_id){0, 0};
	return true;
}

/* ---- a write has ended ---- */

static void end_written(struct router *router, struct cursor *cursor)
{
	counter_add(&router->counters->cursors_written, 1);
	cursors_written(&router->cursors, cursor);
}

/* Another node has put it further on: the user has more than one connection. */
static void end_behind(struct router *router, struct cursor *cursor, struct event_id id)
{
	cursors_learn(&router->cursors, cursor, id);
	cursors_written(&router->cursors, cursor);
}

/* ---- without scripts ---- */

static void on_written(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct write *write = (struct write *)call;

	if (status == STATUS_OK && reply->values[0].type != REPLY_ERROR)
		end_written(write->router, write->cursor);
	else
		cursors_unwritten(&write->router->cursors, write->cursor);
	free(write);
}

static bool add_set(struct write *write)
{
	const struct cursor *cursor = write->cursor;
	struct redis_client *client = client_of(write->router);
	uint8_t id[EVENT_ID_TEXT_MAX];
	char room[KEY_SIZE_MAX], ttl[NUMBER_SIZE];
	struct slice key = key_of(cursor, room);
	struct slice set[] = {SLICE("HSET"), key, field_of(cursor), cursor_position(cursor, id)};
	struct slice expire[] = {SLICE("PEXPIRE"), key, ttl_text(write->router, ttl)};

	write->call.on_reply = on_written;
	if (redis_client_add(client, set, ARRAY_SIZE(set), &write->call) != STATUS_OK)
		return false;
	/* Without an end it only stays longer. */
	(void)!redis_client_add(client, expire, ARRAY_SIZE(expire), NULL);
	return true;
}

static void on_compared(struct redis_call *call, enum status status,
			const struct redis_reply *reply)
{
	struct write *write = (struct write *)call;
	struct event_id id;
	bool is_known = cursor_redis_read(status, reply, &id);

	if (is_known && event_id_is_after(id, write->cursor->confirmed))
		end_behind(write->router, write->cursor, id);
	else if (is_known && add_set(write))
		return;
	else
		cursors_unwritten(&write->router->cursors, write->cursor);
	free(write);
}

/* False: it stays dirty. */
static bool compare(struct router *router, struct cursor *cursor)
{
	struct write *write = malloc(sizeof(*write));

	if (write) {
		*write = (struct write){{on_compared}, router, cursor};
		if (cursor_redis_ask(router, cursor, &write->call) == STATUS_OK)
			return true;
	}
	free(write);
	cursors_unwritten(&router->cursors, cursor);
	return false;
}

/* Frees the batch. False: some stay dirty. */
static bool compare_all(struct batch *batch)
{
	bool is_whole = true;

	for (uint32_t i = 0; i < batch->count; i++)
		is_whole &= compare(batch->router, batch->cursors[i]);
	free(batch);
	return is_whole;
}

/* ---- by the script ---- */

/* Whoever may not run scripts, or finds none here; not one who is told to come again. */
static bool is_refusal(enum status status, const struct redis_reply *reply)
{
	return status == STATUS_OK && reply->values[0].type == REPLY_ERROR &&
	       (slice_starts_with(reply->values[0].text, SLICE("NOPERM")) ||
		slice_starts_with(reply->values[0].text, SLICE("ERR")));
}

/* The rest of its text may be the script. */
static void give_up_scripts(struct router *router, struct slice error)
{
	struct slice why = slice_cut(&error, ',');

	router->cursor_script_ms = router->now_ms + CURSOR_SCRIPT_RETRY_MS;
	if (router->has_told_script)
		return;
	router->has_told_script = true;
	log_line(LOG_WARN, "router",
		 "Redis refuses EVAL (%.*s): cursors are compared here, and two nodes that write "
		 "one at the same time may put it back",
		 why.size > 100 ? 100 : (int)why.size, (const char *)why.bytes);
}

static void take_answer(struct router *router, struct cursor *cursor,
			const struct redis_value *answer)
{
	struct event_id id;

	if (answer->type == REPLY_INTEGER && answer->number == 1)
		end_written(router, cursor);
	else if (answer->type != REPLY_TEXT)
		cursors_unwritten(&router->cursors, cursor);
	else if (event_id_parse(answer->text, &id))
		end_behind(router, cursor, id);
	else
		(void)!compare(router, cursor); /* it is no id and goes */
}

static void on_answers(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct batch *batch = (struct batch *)call;
	struct router *router = batch->router;
	bool has_answers = status == STATUS_OK && reply->values[0].type == REPLY_ARRAY &&
			   reply->count == batch->count + 1;

	if (is_refusal(status, reply)) {
		give_up_scripts(router, reply->values[0].text);
		(void)!compare_all(batch);
		return;
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		if (has_answers)
			take_answer(router, batch->cursors[i], &reply->values[1 + i]);
		else
			cursors_unwritten(&router->cursors, batch->cursors[i]);
	}
	free(batch);
}

/* Words of the call for a batch, which point into `texts`; how many there are. */
static uint32_t write_words(const struct batch *batch, struct texts *texts,
			    struct slice words[SCRIPT_WORDS_MAX])
{
	struct slice *word = words;

	*word++ = SLICE("EVAL");
	*word++ = slice_of(script, sizeof(script) - 1);
	*word++ = number_text(batch->count, texts->count);
	for (uint32_t i = 0; i < batch->count; i++)
		*word++ = key_of(batch->cursors[i], texts->keys[i]);
	*word++ = ttl_text(batch->router, texts->ttl);
	for (uint32_t i = 0; i < batch->count; i++) {
		*word++ = field_of(batch->cursors[i]);
		*word++ = cursor_position(batch->cursors[i], texts->ids[i]);
	}
	return (uint32_t)(word - words);
}

/* False: all stay dirty, and the batch is freed. */
static bool run_script(struct batch *batch)
{
	struct cursors *cursors = &batch->router->cursors;
	struct slice words[SCRIPT_WORDS_MAX];
	struct texts texts;
	uint32_t count = write_words(batch, &texts, words);

	batch->call.on_reply = on_answers;
	if (redis_client_add(client_of(batch->router), words, count, &batch->call) == STATUS_OK)
		return true;
	for (uint32_t i = 0; i < batch->count; i++)
		cursors_unwritten(cursors, batch->cursors[i]);
	free(batch);
	return false;
}

/* ---- what is dirty ---- */

/* NULL: nothing is, or memory is out. */
static struct batch *take_batch(struct router *router)
{
	struct batch *batch = router->cursors.dirty_first ? malloc(sizeof(*batch)) : NULL;
	struct cursor *cursor;

	if (!batch)
		return NULL;
	batch->router = router;
	batch->count = 0;
	while (batch->count < CURSOR_BATCH_MAX && (cursor = cursors_next_dirty(&router->cursors)))
		batch->cursors[batch->count++] = cursor;
	if (batch->count > 0)
		return batch;
	free(batch);
	return NULL;
}

void cursor_redis_flush(struct router *router, uint32_t writes_max)
{
	bool by_script = router->now_ms >= router->cursor_script_ms;
	uint32_t taken = 0;
	struct batch *batch;

	if (!client_of(router)->is_ready)
		return;
	while (taken < writes_max && (batch = take_batch(router))) {
		taken += batch->count;
		if (!(by_script ? run_script(batch) : compare_all(batch)))
			return;
	}
}
