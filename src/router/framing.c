/* router/framing.c - the envelope is written once. */
#include "router/framing.h"

#include "base/assert.h"
#include "lane/notice.h"
#include "wire/envelope.h"
#include "wire/event_id.h"
#include "wire/json.h"
#include "wire/socket_io.h"
#include "wire/sse.h"
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

/* The data are the last thing before the closing brace. */
static struct slice data_of(struct slice envelope, const struct entry *entry)
{
	return slice_of(envelope.bytes + envelope.size - 1 - entry->data.size, entry->data.size);
}

/* A copy in *bytes, which moves on. An absent slice stays absent. */
static struct slice put(uint8_t **bytes, struct slice slice)
{
	uint8_t *copy = *bytes;

	if (slice_is_absent(slice))
		return slice;
	memcpy(copy, slice.bytes, slice.size);
	*bytes += slice.size;
	return slice_of(copy, slice.size);
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
	notice->envelope = slice_skip(notice->frame, header_size);
	notice->data = data_of(notice->envelope, entry);
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
	notice->data = data_of(notice->tail, entry);
	ASSERT(!writer.overflow);
}

struct notice *framing_create(const struct entry *entry, struct event_id id,
			      const struct notice_channel *channels, uint32_t count)
{
	size_t text_size = envelope_size_max(entry) + FRAME_HEADER_MAX;
	uint8_t *bytes;

	if (count == 1)
		text_size += 2 + 6 * channels[0].name.size; /* as JSON, each byte escaped */
	size_t words_size = entry->type.size + entry->event.size;
	struct notice *notice =
		notice_create(count, names_size(channels, count) + words_size + text_size, &bytes);

	if (!notice)
		return NULL;
	notice->event_id = id;
	bytes = copy_channels(notice, channels, bytes);
	notice->type = put(&bytes, entry->type);
	notice->event = put(&bytes, entry->event);
	if (count == 1)
		write_frame(notice, entry, bytes, text_size);
	else
		write_parts(notice, entry, bytes, text_size);
	return notice;
}

/* A member that is a string, fit to be a type or an event, else absent. Moves *bytes on. */
static struct slice put_word(uint8_t **bytes, struct json_value object, const char *name)
{
	struct json_value value;
	size_t size;

	if (!json_find(object, name, &value) || value.type != JSON_STRING ||
	    !json_string_decode(value.text, *bytes, value.text.size, &size) ||
	    !entry_word_is_valid(slice_of(*bytes, size)))
		return (struct slice){NULL, 0};
	*bytes += size;
	return slice_of(*bytes - size, size);
}

/* What other encodings say of a text that is a JSON object. */
static void read_text(struct notice *notice, uint8_t *bytes)
{
	struct json_value object = json_read(notice->envelope);
	struct json_value data;

	notice->data = json_find(object, "data", &data) ? data.text : notice->envelope;
	notice->type = put_word(&bytes, object, "type");
	notice->event = put_word(&bytes, object, "event");
}

struct notice *framing_create_text(struct slice text, const struct notice_channel *channel)
{
	/* The words come decoded behind the text, of which they are a part. */
	size_t size = channel->name.size + FRAME_HEADER_MAX + 2 * text.size;
	uint8_t *bytes;
	struct notice *notice = notice_create(1, size, &bytes);

	if (!notice)
		return NULL;
	bytes = copy_channels(notice, channel, bytes);
	size_t header_size = ws_frame_write_header(bytes, WS_TEXT, text.size);

	memcpy(bytes + header_size, text.bytes, text.size);
	notice->frame = slice_of(bytes, header_size + text.size);
	notice->envelope = slice_skip(notice->frame, header_size);
	read_text(notice, bytes + notice->frame.size);
	return notice;
}

struct notice *framing_create_replay(struct slice frames, struct event_id last)
{
	uint8_t *bytes;
	struct notice *notice = notice_create(1, frames.size, &bytes);

	if (!notice)
		return NULL;
	memcpy(bytes, frames.bytes, frames.size);
	notice->frame = slice_of(bytes, frames.size);
	notice->event_id = last;
	return notice;
}

size_t framing_size_max(const struct framing *framing)
{
	return envelope_size_max(framing->entry) + FRAME_HEADER_MAX + 2 +
	       6 * framing->channel.size + framing->name_space.size;
}

static size_t write_ws(uint8_t *bytes, const struct framing *framing)
{
	uint8_t header[FRAME_HEADER_MAX];
	struct writer writer;

	writer_init(&writer, bytes + FRAME_HEADER_MAX,
		    framing_size_max(framing) - FRAME_HEADER_MAX);
	envelope_write_head(&writer, framing->entry, framing->id);
	json_write_string(&writer, framing->channel);
	envelope_write_tail(&writer, framing->entry, framing->id);
	ASSERT(!writer.overflow);
	size_t header_size = ws_frame_write_header(header, WS_TEXT, writer.size);

	memmove(bytes + header_size, bytes + FRAME_HEADER_MAX, writer.size);
	memcpy(bytes, header, header_size);
	return header_size + writer.size;
}

static size_t write_socket_io(uint8_t *bytes, const struct framing *framing)
{
	const struct entry *entry = framing->entry;
	uint8_t offset[EVENT_ID_TEXT_MAX];
	struct writer writer;

	writer_init(&writer, offset, sizeof(offset));
	event_id_write(&writer, framing->id);
	const struct socket_io_event event = {
		.name_space = framing->name_space,
		.event = socket_io_event_name(entry->type, entry->event),
		.payload = entry->data,
		.offset = writer_written(&writer),
	};

	ASSERT(socket_io_frame_size_max(&event) <= framing_size_max(framing));
	struct slice frame = socket_io_write_frame(&event, bytes);

	memmove(bytes, frame.bytes, frame.size);
	return frame.size;
}

/* The envelope up to its data, which are the last thing before the closing brace. */
static struct slice write_until_data(uint8_t bytes[ENVELOPE_SIZE_MAX],
				     const struct framing *framing)
{
	struct entry entry = *framing->entry;
	struct writer writer;

	entry.data = SLICE("");
	writer_init(&writer, bytes, ENVELOPE_SIZE_MAX);
	envelope_write_head(&writer, &entry, framing->id);
	json_write_string(&writer, framing->channel);
	envelope_write_tail(&writer, &entry, framing->id);
	ASSERT(!writer.overflow && writer.size > 0);
	return slice_of(bytes, writer.size - 1);
}

static size_t write_sse(uint8_t *bytes, const struct framing *framing)
{
	uint8_t until_data[ENVELOPE_SIZE_MAX];
	struct sse_event event = {
		.id = framing->id,
		.type = framing->entry->type,
		.parts = {write_until_data(until_data, framing), framing->entry->data, SLICE("}")},
	};
	struct writer writer;

	writer_init(&writer, bytes, sse_event_fit(&event, framing->size_max));
	sse_write_event(&writer, &event);
	ASSERT(!writer.overflow);
	return writer.size;
}

size_t framing_write(uint8_t *bytes, const struct framing *framing)
{
	ASSERT(framing->encoding < ENCODING_COUNT);
	switch (framing->encoding) {
	case ENCODING_SSE:
		return write_sse(bytes, framing);
	case ENCODING_DEFLATE: /* which messages are compressed is free: these are not */
	case ENCODING_WS:
		return write_ws(bytes, framing);
	default:
		if (framing->encoding >= ENCODING_SOCKET_IO)
			return write_socket_io(bytes, framing);
		return write_ws(bytes, framing);
	}
}
