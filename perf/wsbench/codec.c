/* wsbench/codec.c - RESP, HTTP and WebSocket as a publisher needs them. */
#include "wsbench/codec.h"

#include "wire/ws_frame.h"
#include "wsbench/inbound.h"
#include "wsbench/template.h"

#define MASK_SIZE 4
#define WS_MASK_BIT 0x80

enum codec codec_choose(const struct options *options)
{
	if (options->publish_command)
		return CODEC_LINES;
	if (options->publish_frame)
		return CODEC_WEBSOCKET;
	return options->redis ? CODEC_REDIS : CODEC_HTTP;
}

/* ---- writing ---- */

void codec_write_redis(struct writer *writer, const struct slice *parts, size_t parts_count)
{
	writer_format(writer, "*%zu\r\n", parts_count);
	for (size_t i = 0; i < parts_count; i++) {
		writer_format(writer, "$%zu\r\n", parts[i].size);
		writer_slice(writer, parts[i]);
		writer_text(writer, "\r\n");
	}
}

static void write_xadd(const struct options *options, struct writer *writer,
		       const struct publication *publication)
{
	const struct slice parts[] = {
		SLICE("XADD"),    slice_of_text(options->stream), SLICE("MAXLEN"),
		SLICE("~"),       SLICE("1000000"),               SLICE("*"),
		SLICE("to"),      publication->channel,           SLICE("data"),
		publication->data,
	};

	codec_write_redis(writer, parts, ARRAY_SIZE(parts));
}

static void write_post(const struct options *options, struct writer *writer,
		       const struct publication *publication)
{
	static const char before[] = "{\"to\":[\"", between[] = "\"],\"data\":";
	size_t size = sizeof(before) - 1 + publication->channel.size + sizeof(between) - 1 +
		      publication->data.size + 1;

	writer_text(writer, "POST /api/publish HTTP/1.1\r\nHost: wsbench\r\n");
	if (options->api_key)
		writer_format(writer, "Authorization: Bearer %s\r\n", options->api_key);
	writer_text(writer, "Content-Type: application/json\r\n");
	writer_format(writer, "Content-Length: %zu\r\n\r\n", size);
	writer_text(writer, before);
	writer_slice(writer, publication->channel);
	writer_text(writer, between);
	writer_slice(writer, publication->data);
	writer_text(writer, "}");
}

/* The mask is zero, which RFC 6455 allows on the wire: the payload stands as it is. */
static void write_masked(struct writer *writer, struct slice payload)
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t size = ws_frame_write_header(header, WS_TEXT, payload.size);

	header[1] |= WS_MASK_BIT;
	writer_bytes(writer, header, size);
	writer_bytes(writer, "\0\0\0\0", MASK_SIZE);
	writer_slice(writer, payload);
}

static void write_frame(const struct options *options, struct writer *writer,
			const struct publication *publication)
{
	uint8_t bytes[65536];
	struct writer payload;
	const struct template_value values[] = {
		{"channel", publication->channel},
		{"user", publication->user},
		{"data", publication->data},
	};

	writer_init(&payload, bytes, sizeof(bytes));
	template_write(&payload, options->publish_frame, values, ARRAY_SIZE(values));
	writer->overflow |= payload.overflow;
	write_masked(writer, writer_written(&payload));
}

void codec_write(enum codec codec, const struct options *options, struct writer *writer,
		 const struct publication *publication)
{
	switch (codec) {
	case CODEC_REDIS:
		write_xadd(options, writer, publication);
		break;
	case CODEC_HTTP:
		write_post(options, writer, publication);
		break;
	case CODEC_WEBSOCKET:
		write_frame(options, writer, publication);
		break;
	case CODEC_LINES:
		writer_slice(writer, publication->channel);
		writer_text(writer, "\t");
		writer_slice(writer, publication->data);
		writer_text(writer, "\n");
		break;
	}
}

/* ---- reading ---- */

/* +text, -text and :number are one line; $size is followed by so many bytes. */
static bool read_redis(struct slice bytes, struct codec_answer *ret_answer)
{
	uint64_t bulk_size = 0;

	const uint8_t *end = memmem(bytes.bytes, bytes.size, "\r\n", 2);
	if (!end || bytes.size < 3)
		return false;
	struct slice line = slice_of(bytes.bytes + 1, (size_t)(end - bytes.bytes) - 1);
	size_t size = line.size + 3;
	if (bytes.bytes[0] == '$' && slice_to_u64(line, &bulk_size))
		size += (size_t)bulk_size + 2;
	if (bytes.size < size)
		return false;
	*ret_answer = (struct codec_answer){
		.size = size,
		.is_accepted = bytes.bytes[0] == '$' || bytes.bytes[0] == '+',
		.text = line,
		.counts = true,
	};
	return true;
}

static bool read_http(struct slice bytes, struct codec_answer *ret_answer)
{
	struct inbound_answer answer;
	uint64_t body_size = 0;

	enum inbound result = inbound_read_answer(bytes, &answer);
	if (result == INBOUND_MORE)
		return false;
	*ret_answer = (struct codec_answer){.size = bytes.size, .counts = true};
	ret_answer->text = SLICE("not HTTP/1.1 with Content-Length");
	if (result == INBOUND_BROKEN)
		return true;
	struct slice length = inbound_header(slice_of(bytes.bytes, answer.size), "Content-Length");
	if (!slice_to_u64(length, &body_size) && answer.status != 204)
		return true;
	if (bytes.size - answer.size < body_size)
		return false;
	struct slice body = slice_of(bytes.bytes + answer.size, (size_t)body_size);
	bool has_error = memmem(body.bytes, body.size, "\"error\"", 7) != NULL;
	*ret_answer = (struct codec_answer){
		.size = answer.size + (size_t)body_size,
		.is_accepted = answer.status / 100 == 2 && !has_error,
		.text = slice_of(bytes.bytes, answer.size + (size_t)body_size),
		.counts = true,
	};
	return true;
}

/* A server that passes on to all passes on to the publisher, too: of no interest here. */
static bool read_frame(struct slice bytes, struct codec_answer *ret_answer)
{
	struct inbound_frame frame;

	enum inbound result = inbound_read_frame(bytes, &frame);
	if (result == INBOUND_MORE)
		return false;
	*ret_answer = (struct codec_answer){
		.size = result == INBOUND_WHOLE ? frame.size : bytes.size,
		.is_accepted = true,
	};
	return true;
}

bool codec_read(enum codec codec, struct slice bytes, struct codec_answer *ret_answer)
{
	if (bytes.size == 0 || codec == CODEC_LINES)
		return false;
	if (codec == CODEC_REDIS)
		return read_redis(bytes, ret_answer);
	return codec == CODEC_HTTP ? read_http(bytes, ret_answer) : read_frame(bytes, ret_answer);
}
