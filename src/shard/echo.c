/* shard/echo.c - a message in, the same message out. */
#include "shard/echo.h"

#include <stdlib.h>

#include "shard/send.h"
#include "shard/shard_state.h"
#include "wire/ws_inbound.h"

/* Takes over `bytes`. There is no bound here: a message may be larger than any outbox. */
static void send_owned(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
		       uint8_t *bytes, size_t size)
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t header_size = ws_frame_write_header(header, opcode, size);

	if (outbox_append(&conn->outbox, slice_of(header, header_size), SIZE_MAX) != STATUS_OK) {
		free(bytes);
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	} else if (outbox_append_owned(&conn->outbox, bytes, size) != STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	} else {
		send_queue(shard, conn);
	}
}

/* False: the message is to go as it is. */
static bool send_compressed(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
			    struct slice message)
{
	struct slice frame;

	if (conn->encoding != ENCODING_DEFLATE)
		return false;
	frame = compression_frame(shard, opcode, message);
	if (slice_is_absent(frame))
		return false;
	if (outbox_append(&conn->outbox, frame, SIZE_MAX) == STATUS_OK)
		send_queue(shard, conn);
	else
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	return true;
}

static void echo_compressed(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
			    struct slice bytes)
{
	struct slice message;
	uint8_t *owned;

	if (!compression_inflate(shard, conn, opcode, bytes, &message))
		return;
	owned = (uint8_t *)(uintptr_t)message.bytes;
	if (message.size > 0 && !send_compressed(shard, conn, opcode, message)) {
		send_owned(shard, conn, opcode, owned, message.size);
		return;
	}
	if (message.size == 0)
		send_frame(shard, conn, opcode, message);
	free(owned);
}

/* The collected message becomes part of the outbox without a copy. */
static void echo_collected(struct shard *shard, struct conn *conn,
			   const struct ws_inbound_event *event)
{
	struct inbound *in = conn->inbound;
	uint8_t *bytes = in->bytes;
	size_t size = in->size;

	in->bytes = NULL;
	in->size = in->capacity = 0;
	if (event->compressed)
		echo_compressed(shard, conn, event->opcode, slice_of(bytes, size));
	else if (!send_compressed(shard, conn, event->opcode, slice_of(bytes, size))) {
		send_owned(shard, conn, event->opcode, bytes, size);
		return;
	}
	free(bytes);
}

void echo_on_piece(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event)
{
	bool is_whole = event->first && event->last;

	counter_add(&shard->counters->messages_in, event->last);
	if (is_whole && event->compressed) {
		echo_compressed(shard, conn, event->opcode, event->payload);
	} else if (is_whole) {
		if (!send_compressed(shard, conn, event->opcode, event->payload))
			send_frame(shard, conn, event->opcode, event->payload);
	} else if (conn_store(conn, event->payload,
			      compression_bound(shard, conn, event->compressed)) != STATUS_OK) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
	} else if (event->last && conn->inbound->size == 0 && !event->compressed) {
		send_frame(shard, conn, event->opcode, event->payload);
	} else if (event->last) {
		echo_collected(shard, conn, event);
	}
}
