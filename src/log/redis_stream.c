/* log/redis_stream.c - XREVRANGE once, then XREAD after XREAD. */
#include "log/redis_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* Where things are in a reply to XREAD: [[key, [[id, [name, value, ...]], ...]]] */
enum { DEPTH_ENTRY_PART = 4, DEPTH_FIELD = 5 };
/* and in one to XREVRANGE: [[id, [...]]] */
enum { DEPTH_NEWEST_ID = 2 };

static bool parse_id(struct slice text, struct event_id *ret_id)
{
	struct slice ms = slice_cut(&text, '-');
	struct event_id id;

	if (!slice_to_u64(ms, &id.ms) || !slice_to_u64(text, &id.sequence))
		return false;
	*ret_id = id;
	return true;
}

/* ---- one entry ---- */

static bool grow(void **memory, size_t item_size, size_t needed, size_t *capacity)
{
	size_t larger = *capacity ? *capacity : 256;

	while (larger < needed)
		larger *= 2;
	if (larger == *capacity)
		return true;
	void *grown = realloc(*memory, larger * item_size);

	if (!grown)
		return false;
	*memory = grown;
	*capacity = larger;
	return true;
}

static bool keep_bytes(struct redis_stream *stream, struct slice text)
{
	void *memory = stream->bytes;

	if (!grow(&memory, 1, stream->bytes_size + text.size, &stream->bytes_capacity))
		return false;
	stream->bytes = memory;
	if (text.size > 0)
		memcpy(stream->bytes + stream->bytes_size, text.bytes, text.size);
	stream->bytes_size += text.size;
	return true;
}

static void add_part(struct redis_stream *stream, struct slice text)
{
	size_t capacity = stream->ends_capacity;
	void *memory = stream->ends;

	if (stream->entry_fields >= 2 * ENTRY_FIELDS_MAX) {
		stream->entry_fields++; /* counted, not kept */
		return;
	}
	if (!keep_bytes(stream, text) ||
	    !grow(&memory, sizeof(uint32_t), stream->entry_fields + 1u, &capacity)) {
		redis_session_fail(&stream->session, "out of memory", SLICE(""));
		return;
	}
	stream->ends = memory;
	stream->ends_capacity = (uint32_t)capacity;
	stream->ends[stream->entry_fields++] = (uint32_t)stream->bytes_size;
}

static struct slice part(const struct redis_stream *stream, uint32_t index)
{
	uint32_t start = index ? stream->ends[index - 1] : 0;

	return slice_of(stream->bytes + start, stream->ends[index] - start);
}

static void tell_entry(struct redis_stream *stream)
{
	uint32_t count = stream->entry_fields / 2;
	uint32_t kept = count > ENTRY_FIELDS_MAX ? ENTRY_FIELDS_MAX : count;

	for (uint32_t i = 0; i < kept; i++)
		stream->fields[i] =
			(struct entry_field){part(stream, 2 * i), part(stream, 2 * i + 1)};
	if (count > ENTRY_FIELDS_MAX)
		count = ENTRY_FIELDS_MAX + 1;
	stream->listener.on_entry(stream->listener.owner, stream->entry_id, stream->fields, count);
	stream->position = stream->entry_id;
}

static void on_read_token(struct redis_stream *stream, const struct reply_token *token)
{
	if (token->type == REPLY_ERROR)
		redis_session_fail(&stream->session, "Redis refused XREAD", token->text);
	if (token->depth == DEPTH_ENTRY_PART && token->index == 0 && token->type == REPLY_TEXT) {
		stream->entry_is_bad = !parse_id(token->text, &stream->entry_id);
		stream->entry_fields = 0;
		stream->bytes_size = 0;
	} else if (token->depth == DEPTH_FIELD && token->type == REPLY_TEXT) {
		add_part(stream, token->text);
		if (token->is_last && !stream->entry_is_bad && stream->session.error[0] == '\0')
			tell_entry(stream);
	}
}

/* ---- replies ---- */

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_stream *stream = owner;

	if (stream->state == REDIS_STREAM_READING)
		on_read_token(stream, token);
	else if (token->type == REPLY_ERROR)
		redis_session_fail(&stream->session, "Redis refused XREVRANGE", token->text);
	else if (token->depth == DEPTH_NEWEST_ID && token->index == 0 && !stream->has_position)
		stream->has_position = parse_id(token->text, &stream->position);
}

static void on_end(void *owner)
{
	struct redis_stream *stream = owner;

	stream->has_position = true; /* an empty stream: from its beginning, 0-0 */
	stream->state = REDIS_STREAM_IDLE;
}

enum status redis_stream_init(struct redis_stream *stream, const struct config_redis *server,
			      struct slice key, struct redis_stream_listener listener)
{
	*stream = (struct redis_stream){.listener = listener, .key = key};
	stream->fields = malloc(ENTRY_FIELDS_MAX * sizeof(*stream->fields));
	redis_session_init(&stream->session, server, "belfry-read",
			   (struct reply_listener){on_token, on_end, stream});
	return stream->fields ? STATUS_OK : STATUS_NO_MEMORY;
}

void redis_stream_deinit(struct redis_stream *stream)
{
	redis_session_deinit(&stream->session);
	free(stream->bytes);
	free(stream->ends);
	free(stream->fields);
}

void redis_stream_start_after(struct redis_stream *stream, struct event_id id)
{
	stream->position = id;
	stream->has_position = true;
}

enum status redis_stream_open(struct redis_stream *stream)
{
	struct slice newest[] = {SLICE("XREVRANGE"), stream->key,    SLICE("+"),
				 SLICE("-"),         SLICE("COUNT"), SLICE("1")};
	enum status status = redis_session_open(&stream->session);

	stream->state = REDIS_STREAM_GREETING;
	if (status != STATUS_OK)
		return status;
	/* With a position, too: a key that is not a stream is then known before it is read. */
	return redis_session_command(&stream->session, newest, 6);
}

void redis_stream_close(struct redis_stream *stream)
{
	stream->state = REDIS_STREAM_CLOSED;
}

enum status redis_stream_read(struct redis_stream *stream, uint32_t count)
{
	char id[EVENT_ID_TEXT_MAX + 1], count_text[12], block_text[12];

	ASSERT(stream->state == REDIS_STREAM_IDLE && stream->has_position);
	snprintf(id, sizeof(id), "%lu-%lu", stream->position.ms, stream->position.sequence);
	snprintf(count_text, sizeof(count_text), "%u", count);
	snprintf(block_text, sizeof(block_text), "%u", REDIS_STREAM_BLOCK_MS);
	struct slice words[] = {
		SLICE("XREAD"),
		SLICE("COUNT"),
		slice_of_text(count_text),
		SLICE("BLOCK"),
		slice_of_text(block_text),
		SLICE("STREAMS"),
		stream->key,
		slice_of_text(id),
	};

	stream->state = REDIS_STREAM_READING;
	return redis_session_command(&stream->session, words, ARRAY_SIZE(words));
}
