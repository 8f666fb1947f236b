/* router/replay_send.c - bodies, the answer, and part after part. */
#include <stdlib.h>

#include "belfry/close_reason.h"
#include "router/fold.h"
#include "router/needs.h"
#include "router/framing.h"
#include "router/redis_log.h"
#include "router/replay_phase.h"
#include "router/router_state.h"
#include "wire/config_namespace.h"

/* Before every entry of a log that is empty so far, and yet not "never seen". */
#define FIRST_EVENT_ID ((struct event_id){0, 1})

static struct slice record_channel(const struct replay *replay, uint64_t record)
{
	return replay->recovery->channels[record % REPLAY_CHANNELS].name;
}

static struct event_id body_id(const struct replay *replay, uint64_t record)
{
	return redis_log_body_id(replay->router,
				 history_id(replay->router->history, replay_record_number(record)),
				 record_channel(replay, record));
}

/* ---- bodies ---- */

/* The body of the record at replay->at; the replay waits for it with FETCH_PENDING. */
static enum fetch_result body_of(struct replay *replay, bool may_wait, struct entry *ret_entry)
{
	struct router *router = replay->router;
	uint64_t record = replay->records[replay->at];
	struct event_id id;

	if (replay_record_number(record) < history_first(router->history))
		return FETCH_TRIMMED;
	id = history_id(router->history, replay_record_number(record));
	if (event_id_equal(body_id(replay, record), replay->fetched) &&
	    replay->fetched_result != FETCH_READY) {
		/* Redis was away then; the next time it is asked again. */
		if (replay->fetched_result == FETCH_AWAY || replay->fetched_result == FETCH_REFUSED)
			replay->fetched = (struct event_id){0, 0};
		return replay->fetched_result;
	}
	return fetch_body(router, id, record_channel(replay, record), may_wait ? replay : NULL,
			  ret_entry);
}

/* Asks for the bodies that come next, so that they are there when their turn comes. */
static void fetch_ahead(struct replay *replay)
{
	struct history *history = replay->router->history;
	struct entry entry;

	for (uint32_t i = replay->at + 1;
	     i < replay->records_count && i < replay->at + REPLAY_CHUNK_MESSAGES; i++) {
		uint64_t number = replay_record_number(replay->records[i]);

		if (number >= history_first(history) &&
		    fetch_body(replay->router, history_id(history, number),
			       record_channel(replay, replay->records[i]), NULL,
			       &entry) == FETCH_FULL)
			return;
	}
}

/* What is trimmed goes from the oldest on: with the first body the others are there, too. */
enum word replay_check(struct replay *replay, enum replay_step *ret_step)
{
	struct entry entry;

	replay->phase = REPLAY_ANSWER;
	/* A catch-up promises no number, and waits for Redis as long as it takes. */
	if (replay->at == replay->records_count || replay->type == RECEIPT_CATCH_UP ||
	    replay->is_answered)
		return WORD_ON;
	switch (body_of(replay, true, &entry)) {
	case FETCH_READY:
		return WORD_ON;
	case FETCH_PENDING:
		fetch_ahead(replay);
		replay->phase = REPLAY_CHECK;
		*ret_step = REPLAY_STEP_WAITS;
		return WORD_STOP;
	case FETCH_FULL:
		replay->phase = REPLAY_CHECK;
		*ret_step = REPLAY_STEP_LATER;
		return WORD_STOP;
	case FETCH_DELETED:
		replay->at++;
		replay->phase = REPLAY_CHECK;
		return WORD_ON;
	case FETCH_TRIMMED:
		replay->is_recovered = false;
		replay->at++;
		replay->phase = REPLAY_CHECK;
		return WORD_ON;
	case FETCH_AWAY:
	case FETCH_REFUSED:
		replay->phase = REPLAY_CHECK;
		return replay_park(replay, ret_step);
	}
	return WORD_ON;
}

/* ---- the answer ---- */

/* The record is of the same entry as the one before it, which is in another channel. */
static bool is_same_entry(const struct replay *replay, uint32_t index)
{
	const struct history *history = replay->router->history;
	uint64_t before = replay->records[index - 1];

	return replay_record_number(before) >= history_first(history) &&
	       event_id_equal(body_id(replay, replay->records[index]), body_id(replay, before));
}

/* An entry for several of the channels is sent once, under the first where it is current then. */
static uint32_t count_entries(const struct replay *replay)
{
	uint32_t count = 0;

	for (uint32_t i = replay->at; i < replay->records_count; i++)
		count += i == replay->at || !is_same_entry(replay, i);
	return count;
}

static void answer_attached(struct replay *replay, uint32_t replayed)
{
	struct router *router = replay->router;
	struct session *session = replay_session(replay);
	struct slice own = slice_of(session->user->name, session->user->name_size);
	struct attached *attached = calloc(1, sizeof(*attached));
	struct delivery delivery = {
		.type = DELIVERY_ATTACHED,
		.slot = replay->slot,
		.generation = replay->generation,
		.attached = attached,
	};

	ASSERT(attached != NULL);
	attached->last = router->last;
	attached->epoch = router->epoch;
	attached->replayed = replayed;
	attached->recovered = replay->is_recovered;
	attached->has_identity = session->identity != NULL;
	attached->has_unread =
		router->is_loaded && needs_has(router, own) && fold_is_inbox(router, own);
	attached->unread =
		history_unread(router->history, router_hash(router, own), router->unix_ms);
	fanout_push(router, replay->shard, &delivery);
}

static void answer_subscribed(struct replay *replay, uint32_t replayed, bool had_position)
{
	struct delivery delivery = {
		.type = DELIVERY_SUBSCRIBED,
		.flags = (uint8_t)((had_position ? DELIVERY_HAS_REPLAY : 0) |
				   (replay->is_recovered ? DELIVERY_RECOVERED : 0)),
		.slot = replay->slot,
		.generation = replay->generation,
		.channel = replay->channel,
		.count = replayed,
		.ref = replay->ref,
	};

	replay->ref = NULL;
	fanout_push(replay->router, replay->shard, &delivery);
}

static enum replay_step close_receiver(struct replay *replay)
{
	struct delivery delivery = {
		.type = DELIVERY_CLOSE,
		.slot = replay->slot,
		.generation = replay->generation,
		.count = CLOSE_SLOW,
	};

	fanout_push(replay->router, replay->shard, &delivery);
	return REPLAY_STEP_DONE;
}

enum word replay_answer(struct replay *replay, enum replay_step *ret_step)
{
	uint32_t replayed = count_entries(replay);

	if (fanout_answer_room(replay->router, replay->shard) < 4) {
		*ret_step = REPLAY_STEP_LATER;
		return WORD_STOP;
	}
	if ((replay->type == RECEIPT_CATCH_UP || replay->is_answered) && !replay->is_recovered) {
		*ret_step = close_receiver(replay);
		return WORD_STOP;
	}
	if (replay->type == RECEIPT_ATTACH && !replay->is_answered)
		answer_attached(replay, replayed);
	if (replay->type == RECEIPT_SUBSCRIBE && !replay->is_answered)
		answer_subscribed(replay, replayed, replay->had_position);
	replay->is_answered = true;
	counter_add(&replay->router->counters->replays, replayed > 0);
	replay->phase = REPLAY_SEND;
	return WORD_ON;
}

/* ---- sending ---- */

static void push_live(struct replay *replay)
{
	struct router *router = replay->router;
	struct session *session = replay_session(replay);
	struct delivery delivery = {
		.type = DELIVERY_LIVE,
		.slot = replay->slot,
		.generation = replay->generation,
		.channel = replay->channel,
		.id = router->last,
	};

	fanout_push(router, replay->shard, &delivery);
	/* Who was never here and has missed nothing begins now, not with the next message. */
	if (!replay->is_new_user || replay->sent > 0 || !session->cursor)
		return;
	struct event_id here = event_id_is_none(router->last) ? FIRST_EVENT_ID : router->last;

	cursors_confirm(&router->cursors, session->cursor, here);
	router->cursors_flush_ms = 0; /* at once: a killed node would make it a newcomer again */
}

static void push_part(struct replay *replay, size_t size, uint32_t messages)
{
	struct router *router = replay->router;
	struct notice *notice =
		framing_create_replay(slice_of(router->chunk, size), replay->sent_id);
	struct delivery delivery = {
		.type = DELIVERY_REPLAY,
		.slot = replay->slot,
		.generation = replay->generation,
		.count = messages,
		.notice = notice,
	};

	ASSERT(notice != NULL);
	fanout_push(router, replay->shard, &delivery);
	replay_session(replay)->has_part_out = true;
	replay->sent += messages;
	counter_add(&router->counters->replayed, messages);
}

/* Its entry has gone out under another of the channels. */
static bool is_sent(const struct replay *replay, uint64_t record)
{
	const struct history *history = replay->router->history;
	uint64_t number = replay_record_number(record);

	return number >= history_first(history) &&
	       event_id_equal(body_id(replay, record), replay->sent_body);
}

/* Frames for one part. *ret_result is not READY when the next body is missing. */
static uint32_t write_part(struct replay *replay, uint32_t messages_max, size_t *ret_size,
			   enum fetch_result *ret_result)
{
	enum encoding encoding = (enum encoding)replay_session(replay)->encoding;
	struct router *router = replay->router;
	uint32_t messages = 0;
	struct entry entry;
	size_t size = 0;

	*ret_result = FETCH_READY;
	while (replay->at < replay->records_count && messages < messages_max &&
	       size < REPLAY_CHUNK_SIZE) {
		uint64_t record = replay->records[replay->at];

		if (is_sent(replay, record)) {
			replay->at++;
			continue;
		}
		*ret_result = body_of(replay, messages == 0, &entry);
		if (*ret_result == FETCH_DELETED) {
			*ret_result = FETCH_READY;
			replay->at++;
			continue;
		}
		if (*ret_result != FETCH_READY)
			break;
		replay->at++;
		if (!history_is_current(router->history, replay_record_number(record),
					router->unix_ms))
			continue;
		replay->sent_id = history_id(router->history, replay_record_number(record));
		replay->sent_body = body_id(replay, record);
		size += framing_write(
			router->chunk + size,
			&(struct framing){
				.entry = &entry,
				.id = replay->sent_id,
				.channel = record_channel(replay, record),
				.encoding = encoding,
				.name_space = config_namespace_of(router->config, encoding),
				.size_max = router->config->max_message_size + ENVELOPE_SIZE_MAX,
			});
		messages++;
	}
	*ret_size = size;
	return messages;
}

/* Redis may be loading, or have a user without the right: that need not end. */
static bool may_be_refused(struct replay *replay)
{
	uint64_t now_ms = replay->router->now_ms;

	if (replay->refused_ms == 0)
		replay->refused_ms = now_ms;
	return now_ms - replay->refused_ms < REPLAY_REFUSED_MS;
}

/* What to do when not even one body could be had. */
static enum word send_nothing(struct replay *replay, enum fetch_result result,
			      enum replay_step *ret_step)
{
	switch (result) {
	case FETCH_PENDING:
		fetch_ahead(replay);
		*ret_step = REPLAY_STEP_WAITS;
		return WORD_STOP;
	case FETCH_FULL:
		*ret_step = REPLAY_STEP_LATER;
		return WORD_STOP;
	case FETCH_AWAY:
		*ret_step = REPLAY_STEP_PARK;
		return WORD_STOP;
	case FETCH_REFUSED:
		*ret_step = may_be_refused(replay) ? REPLAY_STEP_PARK : close_receiver(replay);
		return WORD_STOP;
	case FETCH_TRIMMED:
		*ret_step = close_receiver(replay);
		return WORD_STOP;
	case FETCH_READY:
	case FETCH_DELETED:
		return WORD_ON; /* all that was left is no longer current */
	}
	return WORD_ON;
}

enum word replay_send(struct replay *replay, enum replay_step *ret_step, uint32_t *budget)
{
	uint32_t most = *budget < REPLAY_CHUNK_MESSAGES ? *budget : REPLAY_CHUNK_MESSAGES;
	enum fetch_result result;
	size_t size;

	if (replay->at == replay->records_count) {
		if (!replay_collect(replay)) { /* what was folded meanwhile */
			*ret_step = close_receiver(replay);
			return WORD_STOP;
		}
		if (replay->at == replay->records_count) {
			push_live(replay);
			*ret_step = REPLAY_STEP_DONE;
			return WORD_STOP;
		}
	}
	*ret_step = REPLAY_STEP_WAITS;
	if (replay_session(replay)->has_part_out)
		return WORD_STOP;
	*ret_step = REPLAY_STEP_LATER;
	if (most == 0)
		return WORD_STOP;
	uint32_t messages = write_part(replay, most, &size, &result);

	if (messages == 0)
		return send_nothing(replay, result, ret_step);
	*budget -= messages;
	replay->refused_ms = 0;
	push_part(replay, size, messages);
	return WORD_ON;
}
