/* shard/socket_io_answer.c - acknowledgements, and events for one connection. */
#include "shard/protocol.h"
#include "shard/rate.h"
#include "shard/send.h"
#include "shard/socket_io_session.h"
#include "shard/upstream.h"
#include "wire/config_namespace.h"
#include "wire/engine_io.h"
#include "wire/envelope.h"

#define VALUE_SIZE_MAX 512

void socket_io_begin(struct writer *writer, uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX])
{
	writer_init(writer, bytes, SOCKET_IO_PACKET_SIZE_MAX);
	engine_io_write(writer, ENGINE_IO_MESSAGE, (struct slice){NULL, 0});
}

void socket_io_send(struct shard *shard, struct conn *conn, const struct writer *writer)
{
	ASSERT(!writer->overflow);
	send_frame(shard, conn, WS_TEXT, writer_written(writer));
}

struct slice socket_io_name_space(const struct shard *shard, const struct conn *conn)
{
	return config_namespace_name(shard->config, socket_io_session(conn)->number);
}

static void send_event(struct shard *shard, struct conn *conn, struct slice name,
		       struct slice payload)
{
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;

	socket_io_begin(&writer, bytes);
	socket_io_write_event(&writer, &(struct socket_io_event){
					       .name_space = socket_io_name_space(shard, conn),
					       .event = name,
					       .payload = payload,
				       });
	socket_io_send(shard, conn, &writer);
}

/* An ack without a ref is one that nobody asked for. */
static void send_ack(struct shard *shard, struct conn *conn, struct slice ref, struct slice value)
{
	uint8_t bytes[SOCKET_IO_PACKET_SIZE_MAX];
	struct writer writer;
	uint64_t id;

	if (slice_is_absent(ref) || !slice_to_u64(ref, &id))
		return;
	socket_io_begin(&writer, bytes);
	socket_io_write_ack(&writer, socket_io_name_space(shard, conn), id, value);
	socket_io_send(shard, conn, &writer);
}

void socket_io_send_count(struct shard *shard, struct conn *conn, uint32_t unread)
{
	uint8_t bytes[VALUE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_format(&writer, "{\"count\":%u}", unread);
	send_event(shard, conn, SLICE("unread:count"), writer_written(&writer));
}

void socket_io_say_done(struct shard *shard, struct conn *conn, struct slice ref)
{
	send_ack(shard, conn, ref, SLICE("{\"ok\":true}"));
}

void socket_io_say_error(struct shard *shard, struct conn *conn, const char *code, const char *text,
			 struct slice ref)
{
	uint8_t bytes[VALUE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	socket_io_write_refusal(&writer, code, text);
	ASSERT(!writer.overflow);
	if (slice_is_absent(ref))
		send_event(shard, conn, SLICE("error"), writer_written(&writer));
	else
		send_ack(shard, conn, ref, writer_written(&writer));
}

void socket_io_on_subscribed(struct shard *shard, struct conn *conn, struct slice channel,
			     const struct envelope_replay *replay, struct slice ref)
{
	uint8_t bytes[VALUE_SIZE_MAX];
	struct writer writer;

	(void)channel;
	if (!replay) {
		socket_io_say_done(shard, conn, ref);
		return;
	}
	writer_init(&writer, bytes, sizeof(bytes));
	writer_format(&writer, "{\"ok\":true,\"recovered\":%s,\"replayed\":%u}",
		      replay->recovered ? "true" : "false", replay->replayed);
	send_ack(shard, conn, ref, writer_written(&writer));
}

void socket_io_on_unsubscribed(struct shard *shard, struct conn *conn, struct slice channel,
			       struct slice ref)
{
	(void)channel;
	socket_io_say_done(shard, conn, ref);
}

void socket_io_on_answer(struct shard *shard, struct conn *conn, enum upstream_answer answer,
			 struct slice ref)
{
	if (answer == UPSTREAM_ANSWER_OK)
		socket_io_say_done(shard, conn, ref);
	else
		socket_io_say_error(shard, conn, upstream_answer_code(answer),
				    upstream_answer_text(answer), ref);
}

void socket_io_warn_rate(struct shard *shard, struct conn *conn, struct slice ref)
{
	if (socket_io_session(conn)->phase != SOCKET_IO_JOINED)
		return;
	socket_io_say_error(shard, conn, RATE_CODE, RATE_TEXT, ref);
	send_event(shard, conn, SLICE("error"),
		   SLICE("{\"code\":\"" RATE_CODE "\",\"message\":\"" RATE_TEXT "\"}"));
}
