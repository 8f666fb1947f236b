/* shard/compression.c - once for a message, and only when it shrinks. */
#include "shard/compression.h"

#include <stdlib.h>

#include "shard/shard_state.h"
#include "wire/deflate.h"
#include "wire/json.h"
#include "wire/utf8.h"
#include "wire/ws_extension.h"

#define INFLATED_SIZE_MIN 4096 /* bytes to begin with; as much as most messages need */
#define CHANNEL_JSON_MAX (2 * CHANNEL_SIZE_MAX + 2) /* quotes, and each byte escaped */

bool compression_init(struct shard *shard)
{
	void *memory;

	if (!shard->config->compression)
		return true;
	memory = malloc(DEFLATE_MEMORY_SIZE);
	if (!memory)
		return false;
	shard->compression.codec =
		deflate_init(memory, DEFLATE_MEMORY_SIZE, (int)shard->config->compression_level);
	ASSERT(shard->compression.codec != NULL);
	return true;
}

void compression_deinit(struct shard *shard)
{
	free(shard->compression.codec); /* lies at the start of its memory */
	shard->compression.codec = NULL;
}

void compression_agree(const struct shard *shard, struct conn *conn, struct ws_deflate *terms)
{
	terms->on = terms->on && shard->compression.codec;
	if (terms->on)
		conn_set(conn, CONN_DEFLATE);
	if (ws_extension_may_compress(terms))
		conn->encoding = ENCODING_DEFLATE;
}

/* ---- to clients ---- */

/* Puts the header right before the payload, which stands FRAME_HEADER_MAX bytes into `bytes`. */
static struct slice finish(struct shard *shard, uint8_t *bytes, enum ws_opcode opcode,
			   size_t payload_size, size_t plain_size)
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t header_size = ws_frame_write_header(header, opcode, payload_size);

	counter_add(&shard->counters->compressed, 1);
	counter_add(&shard->counters->compressed_bytes_in, plain_size);
	counter_add(&shard->counters->compressed_bytes_out, payload_size);
	header[0] |= WS_RSV1;
	bytes += FRAME_HEADER_MAX - header_size;
	memcpy(bytes, header, header_size);
	return slice_of(bytes, header_size + payload_size);
}

/* Compresses into the arena, `before` bytes into what is taken. Absent: it does not shrink. */
static struct slice compress(struct shard *shard, struct slice text, size_t before)
{
	/* With the tail there must be a byte left, so the result is smaller than the text. */
	size_t size = before + text.size + DEFLATE_TAIL_SIZE;
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	if (!bytes)
		return (struct slice){NULL, 0};
	writer_init(&writer, bytes + before, size - before);
	if (deflate_compress(shard->compression.codec, text, &writer) == STATUS_OK) {
		arena_trim(&shard->arena, bytes, size, before + writer.size);
		return writer_written(&writer);
	}
	arena_trim(&shard->arena, bytes, size, 0);
	return (struct slice){NULL, 0};
}

static bool is_worth_it(const struct shard *shard, size_t size)
{
	return shard->compression.codec && size > 0 && size >= shard->config->compression_threshold;
}

struct slice compression_frame(struct shard *shard, enum ws_opcode opcode, struct slice payload)
{
	struct slice compressed;

	if (!is_worth_it(shard, payload.size))
		return (struct slice){NULL, 0};
	compressed = compress(shard, payload, FRAME_HEADER_MAX);
	if (slice_is_absent(compressed))
		return compressed;
	/* It stands in the arena, behind room for the header. */
	return finish(shard, (uint8_t *)(uintptr_t)compressed.bytes - FRAME_HEADER_MAX, opcode,
		      compressed.size, payload.size);
}

/* What is the same for all channels of the notice, compressed once. */
static struct slice tail_of(struct shard *shard, const struct notice *notice)
{
	struct compression *compression = &shard->compression;

	if (compression->notice == shard->notices && compression->turn == shard->turn)
		return compression->tail;
	compression->tail = (struct slice){NULL, 0};
	if (is_worth_it(shard, notice->tail.size))
		compression->tail = compress(shard, notice->tail, 0);
	compression->notice = shard->notices;
	compression->turn = shard->turn;
	return compression->tail;
}

/* The short beginning, which the channel's name is a part of, goes as it is before the tail: so
 * a notice for ten thousand channels is not compressed ten thousand times. */
static struct slice encode_for_many(struct shard *shard, const struct notice *notice,
				    uint32_t index)
{
	struct slice tail = tail_of(shard, notice);
	size_t head_size = notice->head.size + CHANNEL_JSON_MAX;
	size_t capacity = FRAME_HEADER_MAX + DEFLATE_STORED_HEAD_SIZE + head_size + tail.size;
	uint8_t name[CHANNEL_JSON_MAX];
	struct writer writer;
	uint8_t *bytes;

	if (slice_is_absent(tail))
		return tail;
	bytes = arena_take(&shard->arena, capacity);
	if (!bytes)
		return (struct slice){NULL, 0};
	writer_init(&writer, name, sizeof(name));
	json_write_string(&writer, notice->channels[index].name);
	head_size = notice->head.size + writer.size;
	struct slice channel = writer_written(&writer);

	writer_init(&writer, bytes + FRAME_HEADER_MAX, capacity - FRAME_HEADER_MAX);
	deflate_write_stored_head(&writer, head_size);
	writer_slice(&writer, notice->head);
	writer_slice(&writer, channel);
	writer_slice(&writer, tail);
	ASSERT(!writer.overflow);
	arena_trim(&shard->arena, bytes, capacity, FRAME_HEADER_MAX + writer.size);
	if (writer.size >= head_size + notice->tail.size)
		return (struct slice){NULL, 0};
	return finish(shard, bytes, WS_TEXT, writer.size, head_size + notice->tail.size);
}

struct slice compression_encode(struct shard *shard, const struct notice *notice, uint32_t index)
{
	ASSERT(index < notice->channels_count);
	if (slice_is_absent(notice->envelope))
		return encode_for_many(shard, notice, index);
	return compression_frame(shard, WS_TEXT, notice->envelope);
}

/* ---- from clients ---- */

static size_t message_size_max(const struct shard *shard, const struct conn *conn)
{
	return conn->state == CONN_ECHO ? ECHO_MESSAGE_MAX : shard->config->max_client_message;
}

size_t compression_bound(const struct shard *shard, const struct conn *conn, bool is_compressed)
{
	size_t size_max = message_size_max(shard, conn);

	return is_compressed ? (size_t)ws_inbound_compressed_max(size_max) : size_max;
}

struct inflated {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
};

/* Room for more, but never for more than a byte too many, which shows that it is too large. */
static enum status grow(struct inflated *inflated, size_t size_max)
{
	size_t capacity = inflated->capacity ? 2 * inflated->capacity : INFLATED_SIZE_MIN;
	uint8_t *bytes;

	if (inflated->size > size_max)
		return STATUS_TOO_LARGE;
	if (capacity > size_max + 1)
		capacity = size_max + 1;
	bytes = realloc(inflated->bytes, capacity);
	if (!bytes)
		return STATUS_NO_MEMORY;
	inflated->bytes = bytes;
	inflated->capacity = capacity;
	return STATUS_OK;
}

static enum status inflate_whole(struct deflate *codec, struct slice bytes, size_t size_max,
				 struct inflated *inflated)
{
	enum status status = STATUS_AGAIN;
	size_t size;

	deflate_begin(codec, bytes);
	while (status == STATUS_AGAIN) {
		status = grow(inflated, size_max);
		if (status != STATUS_OK)
			return status;
		status = deflate_inflate(codec, inflated->bytes + inflated->size,
					 inflated->capacity - inflated->size, &size);
		inflated->size += size;
	}
	return status == STATUS_OK && inflated->size > size_max ? STATUS_TOO_LARGE : status;
}

static void count_inflated(struct shard *shard, size_t size)
{
	struct compression *compression = &shard->compression;

	if (compression->inflated_turn != shard->turn)
		compression->inflated = 0;
	compression->inflated_turn = shard->turn;
	compression->inflated += size;
}

bool compression_is_spent(const struct shard *shard)
{
	return shard->compression.inflated_turn == shard->turn &&
	       shard->compression.inflated >= TURN_INFLATED_MAX;
}

static enum close_reason reason_of(enum status status)
{
	return status == STATUS_TOO_LARGE   ? CLOSE_TOO_LARGE
	       : status == STATUS_NO_MEMORY ? CLOSE_NO_MEMORY
					    : CLOSE_CORRUPT;
}

bool compression_inflate(struct shard *shard, struct conn *conn, enum ws_opcode opcode,
			 struct slice bytes, struct slice *ret_message)
{
	struct inflated inflated = {.bytes = NULL};
	enum status status = inflate_whole(shard->compression.codec, bytes,
					   message_size_max(shard, conn), &inflated);
	struct slice message = slice_of(inflated.bytes, inflated.size);

	count_inflated(shard, inflated.size);
	if (status == STATUS_OK && (opcode != WS_TEXT || utf8_is_valid(message))) {
		counter_add(&shard->counters->inflated, 1);
		*ret_message = message;
		return true;
	}
	free(inflated.bytes);
	conn_close(shard, conn, status == STATUS_OK ? CLOSE_NOT_UTF8 : reason_of(status));
	return false;
}
