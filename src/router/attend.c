/* router/attend.c - receipts of the shards, answered in the order of the log. */
#include <stdlib.h>
#include <string.h>

#include "belfry/delivery.h"
#include "belfry/receipt.h"
#include "router/router_state.h"

#define USER_PREFIX "user:"
#define RECEIPTS_PER_TURN 1024 /* of one shard, so that entries and others get their turn */

static struct slice text_of(const struct receipt *receipt)
{
	return slice_of(receipt->text_size > RECEIPT_INLINE_MAX ? receipt->text_heap
								: receipt->text_inline,
			receipt->text_size);
}

static struct interest *need_user(struct router *router, struct slice user)
{
	uint8_t name[sizeof(USER_PREFIX) - 1 + USER_SIZE_MAX];

	ASSERT(user.size > 0 && user.size <= USER_SIZE_MAX);
	memcpy(name, USER_PREFIX, sizeof(USER_PREFIX) - 1);
	memcpy(name + sizeof(USER_PREFIX) - 1, user.bytes, user.size);
	struct interest *interest = interests_need(
		&router->interests, slice_of(name, sizeof(USER_PREFIX) - 1 + user.size));

	ASSERT(interest != NULL);
	return interest;
}

static void on_interest(struct router *router, uint32_t shard, struct slice channel)
{
	struct interest *interest = interests_need(&router->interests, channel);

	ASSERT(interest != NULL); /* without it this shard would silently hear nothing */
	interest->shards |= UINT64_C(1) << shard;
}

static void on_disinterest(struct router *router, uint32_t shard, struct slice channel)
{
	uint64_t hash = hash_bytes(router->interests.key, channel);
	struct interest *interest = interests_find(&router->interests, channel, hash);

	ASSERT(interest != NULL);
	interest->shards &= ~(UINT64_C(1) << shard);
	interests_drop_unused(&router->interests, interest);
}

/* Counts the connection, over the limit too: a detach follows each attach. */
static void on_attach(struct router *router, const struct receipt *receipt, struct delivery *answer)
{
	uint32_t limit = router->config->max_connections_per_user;
	struct interest *user = need_user(router, text_of(receipt));

	if (user->conns++ == 0)
		counter_add(&router->counters->users, 1);
	answer->type = limit > 0 && user->conns > limit ? DELIVERY_REFUSED : DELIVERY_ATTACHED;
	answer->last = router->last;
}

static void on_detach(struct router *router, const struct receipt *receipt)
{
	struct interest *user = need_user(router, text_of(receipt));

	ASSERT(user->conns > 0);
	if (--user->conns == 0)
		counter_subtract(&router->counters->users, 1);
	interests_drop_unused(&router->interests, user);
}

/* True: *ret_answer goes back to the shard. */
static bool attend(struct router *router, uint32_t shard, const struct receipt *receipt,
		   struct delivery *ret_answer)
{
	*ret_answer = (struct delivery){.slot = receipt->slot, .generation = receipt->generation};
	switch ((enum receipt_type)receipt->type) {
	case RECEIPT_INTEREST:
		on_interest(router, shard, text_of(receipt));
		return false;
	case RECEIPT_DISINTEREST:
		on_disinterest(router, shard, text_of(receipt));
		return false;
	case RECEIPT_ATTACH:
		on_attach(router, receipt, ret_answer);
		return true;
	case RECEIPT_DETACH:
		on_detach(router, receipt);
		return false;
	case RECEIPT_SUBSCRIBE:
		ret_answer->type = DELIVERY_SUBSCRIBED;
		ret_answer->channel = receipt->channel;
		ret_answer->ref = receipt->ref;
		return true;
	}
	return false; /* there is no other type */
}

static bool attend_shard(struct router *router, uint32_t shard)
{
	struct ring *receipts = &router->options.receipts[shard].ring;
	struct ring *deliveries = &router->options.deliveries[shard].ring;
	uint32_t vacant = ring_room(deliveries);
	uint32_t room = vacant > FANOUT_RESERVE ? vacant - FANOUT_RESERVE : 0;
	struct receipt receipt;
	struct delivery answer;

	for (uint32_t n = 0; n < RECEIPTS_PER_TURN && n < room; n++) {
		if (!ring_pop(receipts, &receipt))
			return false;
		if (attend(router, shard, &receipt, &answer)) {
			bool pushed = ring_push(deliveries, &answer);

			ASSERT(pushed);
			router->shards_to_wake |= UINT64_C(1) << shard;
		}
		if (receipt.text_size > RECEIPT_INLINE_MAX)
			free(receipt.text_heap);
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
