/* router/replay.c - the life of a replay: asked, queued, dropped. */
#include "router/replay.h"

#include <stdlib.h>

#include "router/replay_phase.h"
#include "router/router_state.h"

/* ---- queues ---- */

static void enqueue(struct replay_queue *queue, struct replay *replay)
{
	ASSERT(replay->place == REPLAY_AT_SESSION);
	replay->place = REPLAY_AT_QUEUE;
	replay->next_queued = NULL;
	if (queue->last)
		queue->last->next_queued = replay;
	else
		queue->first = replay;
	queue->last = replay;
	queue->count++;
}

static struct replay *dequeue(struct replay_queue *queue)
{
	struct replay *replay = queue->first;

	if (!replay)
		return NULL;
	queue->count--;
	queue->first = replay->next_queued;
	if (!queue->first)
		queue->last = NULL;
	replay->place = REPLAY_AT_SESSION;
	return replay;
}

static void destroy(struct replay *replay)
{
	ASSERT(replay->place == REPLAY_AT_SESSION);
	free(replay->recovery);
	free(replay->ref);
	free(replay->records);
	free(replay);
}

void replay_wake(struct replay *replay)
{
	ASSERT(replay->place == REPLAY_AT_CALL);
	replay->place = REPLAY_AT_SESSION;
	if (replay->is_void)
		destroy(replay);
	else
		enqueue(&replay->router->ready, replay);
}

/* ---- what the shards ask ---- */

void replay_ask(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	struct session *session =
		sessions_find(&router->sessions, shard, receipt->slot, receipt->generation);
	struct replay *replay = calloc(1, sizeof(*replay));
	struct replay **link;

	ASSERT(session != NULL && replay != NULL);
	ASSERT(receipt->recovery->channels_count < REPLAY_CHANNELS);
	replay->router = router;
	replay->recovery = receipt->recovery;
	replay->ref = receipt->type == RECEIPT_SUBSCRIBE ? receipt->ref : NULL;
	replay->type = receipt->type;
	replay->shard = (uint8_t)shard;
	replay->slot = receipt->slot;
	replay->generation = receipt->generation;
	replay->channel =
		receipt->type == RECEIPT_SUBSCRIBE ? receipt->channel : RECEIPT_ALL_CHANNELS;
	replay->is_recovered = true;
	replay->had_position = receipt->recovery->from == RECOVERY_AFTER;
	replay->began_ms = router->now_ms;
	for (link = &session->replays; *link; link = &(*link)->next)
		;
	*link = replay;
	if (session->replays == replay)
		enqueue(&router->ready, replay);
}

void replay_more(struct router *router, struct session *session)
{
	struct replay *replay = session->replays;

	/* The part may have been the last of a replay that is done by now. */
	session->has_part_out = false;
	if (replay && replay->place == REPLAY_AT_SESSION)
		enqueue(&router->ready, replay);
}

void replay_drop_all(struct router *router, struct session *session)
{
	struct replay *replay = session->replays;

	(void)router;
	session->replays = NULL;
	while (replay) {
		struct replay *next = replay->next;

		if (replay->place == REPLAY_AT_SESSION)
			destroy(replay);
		else
			replay->is_void = true;
		replay = next;
	}
}

/* The first replay of its session is over: the next one may begin. */
static void finish(struct router *router, struct replay *replay)
{
	struct session *session =
		sessions_find(&router->sessions, replay->shard, replay->slot, replay->generation);

	ASSERT(session != NULL && session->replays == replay);
	session->replays = replay->next;
	destroy(replay);
	if (session->replays)
		enqueue(&router->ready, session->replays);
}

/* ---- turns ---- */

static void run(struct router *router, struct replay *replay, uint32_t *budget)
{
	switch (replay_step(replay, budget)) {
	case REPLAY_STEP_DONE:
		finish(router, replay);
		return;
	case REPLAY_STEP_LATER:
		enqueue(&router->ready, replay);
		return;
	case REPLAY_STEP_PARK:
		enqueue(&router->parked, replay);
		return;
	case REPLAY_STEP_WAITS:
		return; /* for MORE, or for a call: replay_more and replay_wake bring it back */
	}
}

static void look_at_parked(struct router *router)
{
	struct replay *replay;

	if (router->now_ms < router->parked_look_ms)
		return;
	router->parked_look_ms = router->now_ms + REPLAY_PARK_MS;
	while ((replay = dequeue(&router->parked)) != NULL) {
		if (replay->is_void)
			destroy(replay);
		else
			enqueue(&router->ready, replay);
	}
}

bool replay_turn(struct router *router)
{
	uint32_t budget = REPLAY_TURN_MESSAGES;

	look_at_parked(router);
	/* Those that come back in this walk are for the next turn. */
	for (uint32_t n = router->ready.count; n > 0 && budget > 0; n--) {
		struct replay *replay = dequeue(&router->ready);

		if (replay->is_void)
			destroy(replay);
		else
			run(router, replay, &budget);
	}
	return router->ready.count > 0;
}

/* Up to here everything was sent, or is not for the receiver. False: some of it is gone. */
static bool position_of(const struct replay *replay, struct event_id *ret_position)
{
	const struct router *router = replay->router;
	const struct history *history = router->history;
	uint64_t number = replay->reached;

	if (replay->at < replay->records_count)
		number = replay_record_number(replay->records[replay->at]);
	if (number < history_first(history))
		return false;
	*ret_position = number == history_end(history)
				? router->last
				: event_id_before(history_id(history, number));
	return true;
}

/* One that was answered goes on behind what it has sent. */
static void move_on(struct replay *replay)
{
	struct recovery *recovery = replay->recovery;
	struct event_id position = {0, 0};

	replay->is_recovered = position_of(replay, &position);
	for (uint32_t i = 0; i < recovery->channels_count; i++) {
		struct event_id *after = &recovery->channels[i].after;

		if (recovery->from == RECOVERY_NOW || event_id_is_after(position, *after))
			*after = position;
	}
	recovery->from = RECOVERY_AFTER;
}

void replay_again_all(struct router *router)
{
	uint32_t shard = 0, slot = 0;
	struct session *session;

	while ((session = sessions_next(&router->sessions, &shard, &slot)) != NULL) {
		struct replay *replay = session->replays;

		/* Only the first of a session has begun. */
		if (!replay || replay->phase == REPLAY_PLACE)
			continue;
		if (replay->is_answered)
			move_on(replay);
		replay->phase = REPLAY_PLACE;
		replay->began_ms = router->now_ms;
		replay->records_count = replay->at = 0;
		replay->fetched = (struct event_id){0, 0};
	}
}

void replay_free_queued(struct router *router)
{
	struct replay *replay;

	while ((replay = dequeue(&router->ready)) != NULL)
		destroy(replay);
	while ((replay = dequeue(&router->parked)) != NULL)
		destroy(replay);
}
