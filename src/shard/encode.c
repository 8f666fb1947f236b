/* shard/encode.c - one case for each encoding. */
#include "shard/encode.h"

#include "shard/compression.h"
#include "shard/notice_frame.h"
#include "shard/shard_state.h"
#include "wire/config_namespace.h"
#include "wire/event_id.h"
#include "wire/json.h"
#include "wire/socket_io.h"
#include "wire/sse.h"

/* The notice's own frame, or one made in the arena. */
static struct slice encode_ws(struct shard *shard, const struct notice *notice, uint32_t index)
{
	size_t size = notice_frame_size(notice, index);
	uint8_t *bytes;

	if (!slice_is_absent(notice->frame))
		return notice->frame;
	bytes = arena_take(&shard->arena, size);
	ASSERT(bytes != NULL);
	notice_frame_write(notice, index, bytes);
	return slice_of(bytes, size);
}

static struct slice encode_deflate(struct shard *shard, const struct notice *notice, uint32_t index)
{
	struct slice frame = compression_encode(shard, notice, index);

	return slice_is_absent(frame) ? encode_ws(shard, notice, index) : frame;
}

/* Who typed is beside the `data` of such a message, so all of it is the argument. */
static bool is_typing(const struct notice *notice)
{
	return event_id_is_none(notice->event_id) && slice_is_absent(notice->event) &&
	       slice_equal_text(notice->type, "typing") && !slice_is_absent(notice->envelope);
}

/* The count behind a message of an inbox, in a frame of its own. */
static struct slice write_count(struct slice name_space, uint32_t unread, uint8_t *bytes)
{
	uint8_t payload[32];
	struct writer writer;

	writer_init(&writer, payload, sizeof(payload));
	writer_format(&writer, "{\"count\":%u}", unread);
	const struct socket_io_event count = {
		.name_space = name_space,
		.event = SLICE("unread:count"),
		.payload = writer_written(&writer),
	};

	return socket_io_write_frame(&count, bytes);
}

#define COUNT_FRAME_SIZE_MAX (SOCKET_IO_NAMESPACE_SIZE_MAX + 256)

/* One or two frames. */
static struct slice encode_socket_io(struct shard *shard, const struct notice *notice,
				     uint32_t index, struct slice name_space)
{
	const struct notice_channel *channel = &notice->channels[index];
	uint8_t offset[EVENT_ID_TEXT_MAX];
	struct writer writer;
	struct socket_io_event event = {
		.name_space = name_space,
		.event = socket_io_event_name(notice->type, notice->event),
		.payload = is_typing(notice) ? notice->envelope : notice->data,
	};

	writer_init(&writer, offset, sizeof(offset));
	if (!event_id_is_none(notice->event_id)) {
		event_id_write(&writer, notice->event_id);
		event.offset = writer_written(&writer);
	}
	size_t size = socket_io_frame_size_max(&event) + COUNT_FRAME_SIZE_MAX;
	uint8_t *bytes = arena_take(&shard->arena, size);

	ASSERT(bytes != NULL);
	struct slice frame = socket_io_write_frame(&event, bytes);

	if (!channel->has_unread)
		return frame;
	uint8_t *end = (uint8_t *)(uintptr_t)frame.bytes + frame.size;
	struct slice count = write_count(name_space, channel->unread, end);

	memmove(end, count.bytes, count.size);
	return slice_of(frame.bytes, frame.size + count.size);
}

/* The channel's name as JSON, in the arena. */
static struct slice channel_json(struct shard *shard, struct slice name)
{
	size_t size = 2 + 6 * name.size;
	uint8_t *bytes = arena_take(&shard->arena, size);
	struct writer writer;

	ASSERT(bytes != NULL);
	writer_init(&writer, bytes, size);
	json_write_string(&writer, name);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

static struct slice encode_sse(struct shard *shard, const struct notice *notice, uint32_t index)
{
	struct sse_event event = {.id = notice->event_id, .type = notice->type};
	struct writer writer;

	if (slice_is_absent(notice->envelope)) {
		event.parts[0] = notice->head;
		event.parts[1] = channel_json(shard, notice->channels[index].name);
		event.parts[2] = notice->tail;
	} else {
		event.parts[0] = notice->envelope;
	}
	size_t size = sse_event_fit(&event, shard->config->max_message_size + ENVELOPE_SIZE_MAX);
	uint8_t *bytes = arena_take(&shard->arena, size);

	ASSERT(bytes != NULL);
	writer_init(&writer, bytes, size);
	sse_write_event(&writer, &event);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

struct slice encode_notice(struct shard *shard, const struct notice *notice, uint32_t index,
			   enum encoding encoding)
{
	ASSERT(index < notice->channels_count && encoding < ENCODING_COUNT);
	counter_add(&shard->counters->encoded, 1);
	switch (encoding) {
	case ENCODING_DEFLATE:
		return encode_deflate(shard, notice, index);
	case ENCODING_SSE:
		return encode_sse(shard, notice, index);
	case ENCODING_WS:
		return encode_ws(shard, notice, index);
	default:
		if (encoding >= ENCODING_SOCKET_IO)
			return encode_socket_io(shard, notice, index,
						config_namespace_of(shard->config, encoding));
		return encode_ws(shard, notice, index);
	}
}
