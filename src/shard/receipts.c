/* shard/receipts.c - the lane to the router, and what waits when it is full. */
#include "shard/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "shard/shard_state.h"
#include "wire/revocation.h"

/* What was pushed from the front makes room again, when it is worth the copying. */
static void move_down(struct shard *shard)
{
	if (shard->waiting_first < shard->waiting_capacity - shard->waiting_first)
		return;
	memmove(shard->waiting, shard->waiting + shard->waiting_first,
		shard->waiting_count * sizeof(*shard->waiting));
	shard->waiting_first = 0;
}

static void keep(struct shard *shard, const struct receipt *receipt)
{
	if (shard->waiting_first + shard->waiting_count == shard->waiting_capacity &&
	    shard->waiting_capacity > 0)
		move_down(shard);
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

static void tell_text(struct shard *shard, enum receipt_type type, struct slice text)
{
	struct receipt receipt = {.type = (uint8_t)type};

	set_text(&receipt, text);
	push(shard, &receipt);
}

void receipts_interest(struct shard *shard, struct slice channel)
{
	tell_text(shard, RECEIPT_INTEREST, channel);
}

void receipts_disinterest(struct shard *shard, struct slice channel)
{
	tell_text(shard, RECEIPT_DISINTEREST, channel);
}

static struct receipt of_conn(const struct shard *shard, const struct conn *conn,
			      enum receipt_type type)
{
	return (struct receipt){
		.type = (uint8_t)type,
		.slot = (uint16_t)conn_slot(shard, conn),
		.generation = conn->generation,
	};
}

void receipts_detach(struct shard *shard, const struct conn *conn)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_DETACH);

	push(shard, &receipt);
}

void receipts_attach(struct shard *shard, const struct conn *conn, struct recovery *recovery)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_ATTACH);

	receipt.recovery = recovery;
	push(shard, &receipt);
}

void receipts_subscribe(struct shard *shard, const struct conn *conn, struct recovery *recovery,
			uint32_t channel, char *ref)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_SUBSCRIBE);

	receipt.recovery = recovery;
	receipt.channel = channel;
	receipt.ref = ref;
	push(shard, &receipt);
}

void receipts_catch_up(struct shard *shard, const struct conn *conn, struct recovery *recovery)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_CATCH_UP);

	receipt.recovery = recovery;
	push(shard, &receipt);
}

void receipts_more(struct shard *shard, const struct conn *conn)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_MORE);

	push(shard, &receipt);
}

void receipts_confirm(struct shard *shard, const struct conn *conn, struct event_id id)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_CONFIRM);

	receipt.id = id;
	push(shard, &receipt);
}

void receipts_token(struct shard *shard, const struct conn *conn, struct slice jti,
		    int64_t issued_s)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_TOKEN);

	receipt.channel = revocation_issued(issued_s);
	set_text(&receipt, jti);
	push(shard, &receipt);
}

void receipts_upstream(struct shard *shard, const struct conn *conn, struct upstream *upstream)
{
	struct receipt receipt = of_conn(shard, conn, RECEIPT_UPSTREAM);

	receipt.upstream = upstream;
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
	for (; shard->waiting_count > 0; shard->waiting_count--)
		receipts_free(&shard->waiting[shard->waiting_first++]);
	free(shard->waiting);
}

void receipts_free(const struct receipt *receipt)
{
	switch ((enum receipt_type)receipt->type) {
	case RECEIPT_INTEREST:
	case RECEIPT_DISINTEREST:
	case RECEIPT_TOKEN:
		if (receipt->text_size > RECEIPT_INLINE_MAX)
			free(receipt->text_heap);
		return;
	case RECEIPT_ATTACH:
	case RECEIPT_SUBSCRIBE:
	case RECEIPT_CATCH_UP:
		free(receipt->recovery);
		free(receipt->ref); /* NULL in all but SUBSCRIBE */
		return;
	case RECEIPT_UPSTREAM:
		free(receipt->upstream->ref);
		free(receipt->upstream);
		return;
	case RECEIPT_DETACH:
	case RECEIPT_MORE:
	case RECEIPT_CONFIRM:
		return;
	}
}

bool receipts_are_stuck(const struct shard *shard)
{
	return shard->waiting_count > 0;
}
