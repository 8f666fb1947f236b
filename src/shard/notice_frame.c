/* shard/notice_frame.c - head, channel, tail. */
#include "shard/notice_frame.h"

#include "base/assert.h"
#include "belfry/limits.h"
#include "wire/json.h"
#include "wire/ws_frame.h"

#define CHANNEL_JSON_MAX (2 * CHANNEL_SIZE_MAX + 2) /* quotes, and each byte escaped */

static size_t write_channel(const struct notice *notice, uint32_t index,
			    uint8_t bytes[CHANNEL_JSON_MAX])
{
	struct writer writer;

	writer_init(&writer, bytes, CHANNEL_JSON_MAX);
	json_write_string(&writer, notice->channels[index].name);
	ASSERT(!writer.overflow);
	return writer.size;
}

size_t notice_frame_size(const struct notice *notice, uint32_t index)
{
	uint8_t channel[CHANNEL_JSON_MAX];

	ASSERT(index < notice->channels_count);
	if (!slice_is_absent(notice->frame))
		return notice->frame.size;
	size_t size = notice->head.size + write_channel(notice, index, channel) + notice->tail.size;

	return ws_frame_header_size(size) + size;
}

void notice_frame_write(const struct notice *notice, uint32_t index, uint8_t *bytes)
{
	uint8_t channel[CHANNEL_JSON_MAX];

	ASSERT(index < notice->channels_count);
	if (!slice_is_absent(notice->frame)) {
		memcpy(bytes, notice->frame.bytes, notice->frame.size);
		return;
	}
	size_t channel_size = write_channel(notice, index, channel);

	bytes += ws_frame_write_header(bytes, WS_TEXT,
				       notice->head.size + channel_size + notice->tail.size);
	memcpy(bytes, notice->head.bytes, notice->head.size);
	memcpy(bytes + notice->head.size, channel, channel_size);
	memcpy(bytes + notice->head.size + channel_size, notice->tail.bytes, notice->tail.size);
}
