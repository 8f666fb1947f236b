/* router/attend.c - receipts of the shards, taken in their order. */
#include <stdlib.h>
#include <string.h>

#include "belfry/close_reason.h"
#include "router/needs.h"
#include "router/online.h"
#include "router/replay.h"
#include "router/revoking.h"
#include "router/router_state.h"
#include "router/saying.h"
#include "router/takeover.h"
#include "wire/connection_id.h"
#include "wire/ip.h"

#define USER_PREFIX "user:"
#define RECEIPTS_PER_TURN 1024 /* of one shard, so that entries and others get their turn */

static struct slice text_of(const struct receipt *receipt)
{
	return slice_of(receipt->text_size > RECEIPT_INLINE_MAX ? receipt->text_heap
								: receipt->text_inline,
			receipt->text_size);
}

static struct interest *need_interest(struct router *router, struct slice channel)
{
	uint32_t before = router->interests.count;
	struct interest *interest = interests_need(&router->interests, channel);

	ASSERT(interest != NULL); /* without it a shard would silently hear nothing */
	if (router->interests.count > before)
		needs_hold(router, channel);
	return interest;
}

static void drop_interest(struct router *router, struct interest *interest)
{
	if (interest->shards != 0 || interest->conns > 0)
		return;
	needs_release(router, slice_of(interest->name, interest->name_size));
	interests_drop_unused(&router->interests, interest);
}

static struct interest *need_user(struct router *router, struct slice user)
{
	uint8_t name[sizeof(USER_PREFIX) - 1 + USER_SIZE_MAX];

	ASSERT(user.size > 0 && user.size <= USER_SIZE_MAX);
	memcpy(name, USER_PREFIX, sizeof(USER_PREFIX) - 1);
	memcpy(name + sizeof(USER_PREFIX) - 1, user.bytes, user.size);
	return need_interest(router, slice_of(name, sizeof(USER_PREFIX) - 1 + user.size));
}

static void on_interest(struct router *router, uint32_t shard, struct slice channel)
{
	need_interest(router, channel)->shards |= UINT64_C(1) << shard;
}

static void on_disinterest(struct router *router, uint32_t shard, struct slice channel)
{
	struct interest *interest =
		interests_find(&router->interests, channel, router_hash(router, channel));

	ASSERT(interest != NULL);
	interest->shards &= ~(UINT64_C(1) << shard);
	drop_interest(router, interest);
}

/* ---- a connection comes ---- */

/* Who does not listen to user:{id} here confirms nothing for it. */
static bool has_own_channel(const struct recovery *recovery, const struct interest *user)
{
	for (uint32_t i = 0; i < recovery->channels_count; i++)
		if (slice_equal(recovery->channels[i].name, slice_of(user->name, user->name_size)))
			return true;
	return false;
}

/* 0: there is room; else enum close_reason. */
static uint32_t judge(const struct router *router, const struct session *session)
{
	uint32_t of_user = router->config->max_connections_per_user;
	uint32_t of_address = router->config->max_connections_per_ip;

	if (of_user > 0 && session->user->conns > of_user)
		return CLOSE_USER_LIMIT;
	if (of_address > 0 && addresses_count(&router->addresses, session->address) > of_address) {
		counter_add(&router->counters->refused_address, 1);
		return CLOSE_OVERLOAD;
	}
	return 0;
}

/* What came by a proxy: the acceptor has counted the others. */
static uint32_t enter_address(struct router *router, const struct recovery *recovery)
{
	struct ip counted = ip_counted(&recovery->address);

	if (!recovery->counts_address || router->config->max_connections_per_ip == 0)
		return ADDRESS_UNKNOWN;
	return addresses_enter(&router->addresses, counted.bytes);
}

/* Counts the connection, over the limit too: a detach follows each attach. */
static void on_attach(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	const struct recovery *recovery = receipt->recovery;
	struct interest *user = need_user(router, recovery->user);
	struct session *session = sessions_attach(&router->sessions, shard, receipt->slot, user);
	struct delivery refused = {
		.type = DELIVERY_REFUSED,
		.slot = receipt->slot,
		.generation = receipt->generation,
	};

	session->generation = receipt->generation;
	session->encoding = recovery->encoding;
	if (user->conns == 1)
		counter_add(&router->counters->users, 1);
	session->address = enter_address(router, recovery);
	refused.count = revoking_on_attach(router, session, recovery) ? CLOSE_REVOKED
								      : judge(router, session);
	session->is_ended = refused.count != 0;
	if (refused.count != 0) {
		fanout_push(router, shard, &refused);
		free(receipt->recovery);
		return;
	}
	bool is_decided = takeover_decide(router, session, receipt->recovery);

	if (has_own_channel(recovery, user)) {
		session->cursor = cursors_hold(&router->cursors, recovery->user, recovery->device);
		ASSERT(session->cursor != NULL);
	}
	if (is_decided)
		online_attach(router, shard, receipt->slot, recovery);
	replay_ask(router, shard, receipt);
	session->replays->must_ask_identity = !is_decided;
}

/* ---- and goes ---- */

static void on_detach(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	struct session *session =
		sessions_find(&router->sessions, shard, receipt->slot, receipt->generation);
	struct connection_id own = {(uint8_t)shard, receipt->slot, receipt->generation};

	ASSERT(session != NULL);
	struct interest *user = session->user;

	takeover_leave(router, session, own);
	online_detach(router, shard, receipt->slot);
	replay_drop_all(router, session);
	if (session->cursor)
		cursors_release(&router->cursors, session->cursor);
	free(session->identity);
	addresses_leave(&router->addresses, session->address);
	sessions_detach(&router->sessions, session);
	if (user->conns == 0)
		counter_subtract(&router->counters->users, 1);
	drop_interest(router, user);
}

/* ---- in between ---- */

static void on_confirm(struct router *router, const struct session *session, struct event_id id)
{
	if (!session || !session->cursor)
		return;
	if (event_id_is_after(id, router->last))
		id = router->last;
	cursors_confirm(&router->cursors, session->cursor, id);
}

static void attend_conn(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	struct session *session =
		sessions_find(&router->sessions, shard, receipt->slot, receipt->generation);

	switch ((enum receipt_type)receipt->type) {
	case RECEIPT_SUBSCRIBE:
	case RECEIPT_CATCH_UP:
		replay_ask(router, shard, receipt);
		return;
	case RECEIPT_MORE:
		if (session)
			replay_more(router, session);
		return;
	case RECEIPT_CONFIRM:
		on_confirm(router, session, receipt->id);
		return;
	case RECEIPT_TOKEN:
		revoking_on_token(router, shard, session, receipt);
		return;
	case RECEIPT_UPSTREAM:
		saying_take(router, shard, receipt);
		return;
	default:
		return;
	}
}

static void attend(struct router *router, uint32_t shard, const struct receipt *receipt)
{
	switch ((enum receipt_type)receipt->type) {
	case RECEIPT_INTEREST:
	case RECEIPT_DISINTEREST:
		if (receipt->type == RECEIPT_INTEREST)
			on_interest(router, shard, text_of(receipt));
		else
			on_disinterest(router, shard, text_of(receipt));
		if (receipt->text_size > RECEIPT_INLINE_MAX)
			free(receipt->text_heap);
		return;
	case RECEIPT_ATTACH:
		on_attach(router, shard, receipt);
		return;
	case RECEIPT_DETACH:
		on_detach(router, shard, receipt);
		return;
	default:
		attend_conn(router, shard, receipt);
	}
}

static bool attend_shard(struct router *router, uint32_t shard)
{
	struct ring *receipts = &router->options.receipts[shard].ring;
	struct receipt receipt;

	/* A receipt is answered at once with at most one delivery. */
	for (uint32_t n = 0; n < RECEIPTS_PER_TURN && fanout_answer_room(router, shard) > 0; n++) {
		if (!ring_pop(receipts, &receipt))
			return false;
		attend(router, shard, &receipt);
	}
	return ring_peek(receipts) != NULL;
}

bool attend_receipts(struct router *router)
{
	bool has_more = false;

	for (uint32_t shard = 0; shard < router->options.shards_count; shard++)
		has_more |= attend_shard(router, shard);
	counter_set(&router->counters->interests, router->interests.count);
	return has_more;
}
