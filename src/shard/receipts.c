/* shard/receipts.c - the lane to the router, and what waits when it is full. */
#include "shard/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "shard/shard_state.h"
#include "shard/subscriptions.h"

static void keep(struct shard *shard, const struct receipt *receipt)
{
	uint32_t end = shard->waiting_first + shard->waiting_count;

	if (end == shard->waiting_capacity) {
		uint32_t capacity = shard->waiting_capacity ? shard->waiting_capacity * 2 : 1024;
		struct receipt *grown = realloc(shard->waiting, capacity * sizeof(*grown));

		ASSERT(grown != NULL);
		shard->waiting = grown;
		shard->waiting_capacity = capacity;
	}
	shard->waiting[end] = *receipt;
	shard->waiting_count++;
}

static void push(struct shard *shard, const struct receipt *receipt)
{
	shard->must_wake_router = true;
	if (shard->waiting_count > 0 || !ring_push(&shard->receipts->ring, receipt))
		keep(shard, receipt);
}

static void set_text(struct receipt *receipt, struct slice text)
{
	char *room = receipt->text_inline;

	ASSERT(text.size <= UINT8_MAX);
	receipt->text_size = (uint8_t)text.size;
	if (text.size > RECEIPT_INLINE_MAX) {
		room = malloc(text.size);
		ASSERT(room != NULL);
		receipt->text_heap = room;
	}
	if (text.size > 0)
		memcpy(room, text.bytes, text.size);
}

static void tell(struct shard *shard, enum receipt_type type, const struct conn *conn,
		 struct slice text)
{
	struct receipt receipt = {.type = (uint8_t)type};

	if (conn) {
		receipt.slot = (uint16_t)conn_slot(shard, conn);
		receipt.generation = conn->generation;
	}
	set_text(&receipt, text);
	push(shard, &receipt);
}

void receipts_interest(struct shard *shard, struct slice channel)
{
	tell(shard, RECEIPT_INTEREST, NULL, channel);
}

void receipts_disinterest(struct shard *shard, struct slice channel)
{
	tell(shard, RECEIPT_DISINTEREST, NULL, channel);
}

void receipts_attach(struct shard *shard, const struct conn *conn)
{
	tell(shard, RECEIPT_ATTACH, conn, subscriptions_user(shard, conn));
}

void receipts_detach(struct shard *shard, const struct conn *conn)
{
	tell(shard, RECEIPT_DETACH, conn, subscriptions_user(shard, conn));
}

void receipts_subscribe(struct shard *shard, const struct conn *conn, uint32_t channel, char *ref)
{
	struct receipt receipt = {
		.type = RECEIPT_SUBSCRIBE,
		.slot = (uint16_t)conn_slot(shard, conn),
		.generation = conn->generation,
		.channel = channel,
		.ref = ref,
	};

	push(shard, &receipt);
}

void receipts_flush(struct shard *shard)
{
	while (shard->waiting_count > 0 &&
	       ring_push(&shard->receipts->ring, &shard->waiting[shard->waiting_first])) {
		shard->waiting_first++;
		shard->waiting_count--;
	}
	if (shard->waiting_count == 0)
		shard->waiting_first = 0;
	if (!shard->must_wake_router)
		return;
	shard->must_wake_router = shard->waiting_count > 0;
	if (sleeper_must_wake(shard->receipts->consumer))
		uring_wake(shard->uring, shard->receipts->consumer->ring_fd,
			   ring_tag(RING_OP_WAKE, 0));
}

void receipts_drop_waiting(struct shard *shard)
{
	for (; shard->waiting_count > 0; shard->waiting_count--) {
		struct receipt *receipt = &shard->waiting[shard->waiting_first++];

		if (receipt->text_size > RECEIPT_INLINE_MAX)
			free(receipt->text_heap);
		free(receipt->ref); /* NULL in all but SUBSCRIBE */
	}
	free(shard->waiting);
}

bool receipts_are_stuck(const struct shard *shard)
{
	return shard->waiting_count > 0;
}
