/* shard/send_frame.c - single frames, made to be sent. */
#include "shard/send.h"
#include "shard/shard_state.h"

void send_frame(struct shard *shard, struct conn *conn, enum ws_opcode opcode, struct slice payload)
{
	size_t size = ws_frame_header_size(payload.size) + payload.size;
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	if (!bytes) {
		conn_set(conn, CONN_OVERRUN);
		send_queue(shard, conn);
		return;
	}
	writer_init(&writer, bytes, size);
	ws_frame_write(&writer, opcode, payload);
	ASSERT(!writer.overflow);
	send_bytes(shard, conn, writer_written(&writer));
}

void send_close_frame(struct shard *shard, struct conn *conn, uint16_t code, const char *text)
{
	uint8_t bytes[2 + CONTROL_PAYLOAD_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	ws_frame_write_close(&writer, code, text);
	ASSERT(!writer.overflow);
	/* Beyond any bound of the outbox: these few bytes are the last ones. */
	if (outbox_append(&conn->outbox, writer_written(&writer), SIZE_MAX) != STATUS_OK)
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
}
