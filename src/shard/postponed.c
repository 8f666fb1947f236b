/* shard/postponed.c - the queue of those who wait for a verification. */
#include "shard/postponed.h"

#include <stdlib.h>

#include "shard/receive.h"
#include "shard/shard_state.h"
#include "wire/ws_frame.h"

#define MASKED 0x80 /* in the second byte of a frame (RFC 6455 section 5.2) */

static void queue(struct shard *shard, struct conn *conn)
{
	conn_set(conn, CONN_POSTPONED);
	counter_add(&shard->counters->token_waits, 1);
	if (conn_has(conn, CONN_QUEUED_TOKEN))
		return; /* from the last use of its slot */
	conn_set(conn, CONN_QUEUED_TOKEN);
	slot_queue_push(&shard->postponed, conn_slot(shard, conn));
}

static bool store(struct shard *shard, struct conn *conn, struct slice bytes)
{
	if (conn_store(conn, bytes, SIZE_MAX) == STATUS_OK)
		return true;
	conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	return false;
}

void postponed_add_request(struct shard *shard, struct conn *conn, struct slice bytes)
{
	ASSERT(conn->state == CONN_HEAD && !conn->inbound);
	if (store(shard, conn, bytes))
		queue(shard, conn);
}

/* The head of a frame as a client sends it, with a mask that changes nothing. */
static struct slice write_head(size_t size, uint8_t head[FRAME_HEADER_MAX])
{
	static const uint8_t mask[4] = {0};
	uint8_t plain[FRAME_HEADER_MAX];
	size_t plain_size = ws_frame_write_header(plain, WS_TEXT, size);

	ASSERT(plain_size + sizeof(mask) <= FRAME_HEADER_MAX);
	memcpy(head, plain, plain_size);
	head[1] |= MASKED;
	memcpy(head + plain_size, mask, sizeof(mask));
	return slice_of(head, plain_size + sizeof(mask));
}

void postponed_add_message(struct shard *shard, struct conn *conn, struct slice text)
{
	uint8_t head[FRAME_HEADER_MAX];

	ASSERT(conn->state == CONN_OPEN);
	if (conn->inbound)
		conn->inbound->size = 0; /* the message itself was there */
	if (store(shard, conn, write_head(text.size, head)) && store(shard, conn, text))
		queue(shard, conn);
}

void postponed_add_rest(struct shard *shard, struct conn *conn, struct slice rest)
{
	ASSERT(conn_has(conn, CONN_POSTPONED));
	(void)store(shard, conn, rest);
}

static void serve(struct shard *shard, struct conn *conn)
{
	struct inbound *in = conn->inbound;

	ASSERT(in != NULL);
	conn_clear(conn, CONN_POSTPONED);
	conn->inbound = NULL;
	receive_feed(shard, conn, in->bytes, in->size);
	free(in->bytes);
	free(in);
	if (conn_has(conn, CONN_UNREAD) && !conn_has(conn, CONN_POSTPONED))
		receive_queue(shard, conn);
}

void postponed_serve(struct shard *shard)
{
	uint32_t count = slot_queue_size(&shard->postponed);

	while (count-- > 0 && shard->tokens.budget > 0) {
		struct conn *conn = conn_at(shard, slot_queue_pop(&shard->postponed));

		conn_clear(conn, CONN_QUEUED_TOKEN);
		if (!conn_has(conn, CONN_POSTPONED))
			continue;
		if (conn->state == CONN_HEAD || conn->state == CONN_OPEN)
			serve(shard, conn);
		else
			conn_clear(conn, CONN_POSTPONED);
	}
}

bool postponed_has_more(const struct shard *shard)
{
	return slot_queue_size(&shard->postponed) > 0;
}
