/* shard/echo.c - a message in, the same message out. */
#include "shard/echo.h"

#include "shard/send.h"
#include "shard/shard_state.h"
#include "wire/ws_inbound.h"

/* The collected message becomes part of the outbox without a copy. */
static void echo_collected(struct shard *shard, struct conn *conn, enum ws_opcode opcode)
{
	struct inbound *in = conn->inbound;
	uint8_t header[FRAME_HEADER_MAX];
	size_t header_size = ws_frame_write_header(header, opcode, in->size);
	uint8_t *bytes = in->bytes;
	size_t size = in->size;

	in->bytes = NULL;
	in->size = in->capacity = 0;
	if (outbox_append(&conn->outbox, slice_of(header, header_size), SIZE_MAX) != STATUS_OK ||
	    outbox_append_owned(&conn->outbox, bytes, size) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
	else
		send_queue(shard, conn);
}

void echo_on_piece(struct shard *shard, struct conn *conn, const struct ws_inbound_event *event)
{
	counter_add(&shard->counters->messages_in, event->last);
	if (event->first && event->last) {
		send_frame(shard, conn, event->opcode, event->payload);
		return;
	}
	if (conn_store(conn, event->payload, ECHO_MESSAGE_MAX) != STATUS_OK) {
		conn_close(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	if (!event->last)
		return;
	if (conn->inbound->size > 0)
		echo_collected(shard, conn, event->opcode);
	else
		send_frame(shard, conn, event->opcode, event->payload);
}
