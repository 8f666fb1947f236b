/* shard/encode.c - one case for each encoding. */
#include "shard/encode.h"

#include "shard/compression.h"
#include "shard/notice_frame.h"
#include "shard/shard_state.h"
#include "wire/json.h"
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
	default:
		return encode_ws(shard, notice, index);
	}
}
