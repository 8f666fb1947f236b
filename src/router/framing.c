/* router/framing.c - the envelope is written once. */
#include "router/framing.h"

#include "base/assert.h"
#include "lane/notice.h"
#include "wire/envelope.h"
#include "wire/json.h"
#include "wire/ws_frame.h"

static size_t names_size(const struct notice_channel *channels, uint32_t count)
{
	size_t size = 0;

	for (uint32_t i = 0; i < count; i++)
		size += channels[i].name.size;
	return size;
}

static uint8_t *copy_channels(struct notice *notice, const struct notice_channel *channels,
			      uint8_t *bytes)
{
	for (uint32_t i = 0; i < notice->channels_count; i++) {
		notice->channels[i] = channels[i];
		notice->channels[i].name = slice_of(bytes, channels[i].name.size);
		memcpy(bytes, channels[i].name.bytes, channels[i].name.size);
		bytes += channels[i].name.size;
	}
	return bytes;
}

/* The envelope is written behind room for the longest header, then the header before it. */
static void write_frame(struct notice *notice, const struct entry *entry, uint8_t *bytes,
			size_t capacity)
{
	uint8_t header[FRAME_HEADER_MAX];
	struct writer writer;

	writer_init(&writer, bytes + FRAME_HEADER_MAX, capacity - FRAME_HEADER_MAX);
	envelope_write_head(&writer, entry, notice->event_id);
	json_write_string(&writer, notice->channels[0].name);
	envelope_write_tail(&writer, entry, notice->event_id);
	ASSERT(!writer.overflow);
	size_t header_size = ws_frame_write_header(header, WS_TEXT, writer.size);

	bytes += FRAME_HEADER_MAX - header_size;
	memcpy(bytes, header, header_size);
	notice->frame = slice_of(bytes, header_size + writer.size);
}

static void write_parts(struct notice *notice, const struct entry *entry, uint8_t *bytes,
			size_t capacity)
{
	struct writer writer;

	writer_init(&writer, bytes, capacity);
	envelope_write_head(&writer, entry, notice->event_id);
	notice->head = writer_written(&writer);
	envelope_write_tail(&writer, entry, notice->event_id);
	notice->tail = slice_skip(writer_written(&writer), notice->head.size);
	ASSERT(!writer.overflow);
}

struct notice *framing_create(const struct entry *entry, struct event_id id,
			      const struct notice_channel *channels, uint32_t count)
{
	size_t text_size = envelope_size_max(entry) + FRAME_HEADER_MAX;
	uint8_t *bytes;

	if (count == 1)
		text_size += 2 + 6 * channels[0].name.size; /* as JSON, each byte escaped */
	struct notice *notice =
		notice_create(count, names_size(channels, count) + text_size, &bytes);

	if (!notice)
		return NULL;
	notice->event_id = id;
	bytes = copy_channels(notice, channels, bytes);
	if (count == 1)
		write_frame(notice, entry, bytes, text_size);
	else
		write_parts(notice, entry, bytes, text_size);
	return notice;
}

struct notice *framing_create_text(struct slice text, const struct notice_channel *channel)
{
	size_t size = channel->name.size + FRAME_HEADER_MAX + text.size;
	uint8_t *bytes;
	struct notice *notice = notice_create(1, size, &bytes);

	if (!notice)
		return NULL;
	bytes = copy_channels(notice, channel, bytes);
	size_t header_size = ws_frame_write_header(bytes, WS_TEXT, text.size);

	memcpy(bytes + header_size, text.bytes, text.size);
	notice->frame = slice_of(bytes, header_size + text.size);
	return notice;
}

struct notice *framing_create_replay(struct slice frames)
{
	uint8_t *bytes;
	struct notice *notice = notice_create(1, frames.size, &bytes);

	if (!notice)
		return NULL;
	memcpy(bytes, frames.bytes, frames.size);
	notice->frame = slice_of(bytes, frames.size);
	return notice;
}

size_t framing_size_max(const struct entry *entry, struct slice channel)
{
	return envelope_size_max(entry) + FRAME_HEADER_MAX + 2 + 6 * channel.size;
}

size_t framing_write(uint8_t *bytes, const struct entry *entry, struct event_id id,
		     struct slice channel)
{
	uint8_t header[FRAME_HEADER_MAX];
	struct writer writer;

	writer_init(&writer, bytes + FRAME_HEADER_MAX,
		    framing_size_max(entry, channel) - FRAME_HEADER_MAX);
	envelope_write_head(&writer, entry, id);
	json_write_string(&writer, channel);
	envelope_write_tail(&writer, entry, id);
	ASSERT(!writer.overflow);
	size_t header_size = ws_frame_write_header(header, WS_TEXT, writer.size);

	memmove(bytes + header_size, bytes + FRAME_HEADER_MAX, writer.size);
	memcpy(bytes, header, header_size);
	return header_size + writer.size;
}
