/* log/redis_stream.c - XREVRANGE once, then XREAD after XREAD. */
#include "log/redis_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define PART_COUNT_MIN 4u /* entries asked for of each of many streams */

/* Where things are in a reply to XREAD: [[key, [[id, [name, value, ...]], ...]]] */
enum { DEPTH_KEY = 2, DEPTH_ENTRY_PART = 4, DEPTH_FIELD = 5 };
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

/* ---- several streams ---- */

static bool is_parted(const struct redis_stream *stream)
{
	return stream->keys_count > 1;
}

/* The reply to TIME: [seconds, microseconds]. */
static void on_time_token(struct redis_stream *stream, const struct reply_token *token)
{
	uint64_t number;

	if (token->depth != 1 || !slice_to_u64(token->text, &number))
		return;
	if (token->index == 0)
		stream->rule.before_ms = number * 1000;
	else
		stream->rule.before_ms += number / 1000;
}

/* Streams come in the order in which they were asked for; those without entries do not come. */
static void find_part(struct redis_stream *stream, struct slice key)
{
	while (stream->reply_part < stream->keys_count &&
	       !slice_equal(stream->keys[stream->reply_part], key))
		stream->reply_part++;
	if (stream->reply_part == stream->keys_count)
		redis_session_fail(&stream->session, "Redis answered for another key", key);
}

static void on_merged_token(struct redis_stream *stream, const struct reply_token *token)
{
	bool fits = true;

	if (stream->session.error[0] != '\0' || token->type != REPLY_TEXT)
		return;
	if (token->depth == DEPTH_KEY && token->index == 0) {
		find_part(stream, token->text);
	} else if (token->depth == DEPTH_ENTRY_PART && token->index == 0) {
		stream->entry_is_bad = !parse_id(token->text, &stream->entry_id);
		if (!stream->entry_is_bad)
			fits = redis_merge_add(&stream->merge, stream->entry_id,
					       stream->reply_part);
	} else if (token->depth == DEPTH_FIELD && !stream->entry_is_bad) {
		fits = redis_merge_add_part(&stream->merge, token->text);
	}
	if (!fits)
		redis_session_fail(&stream->session, "out of memory", SLICE(""));
}

static void on_parted_token(struct redis_stream *stream, const struct reply_token *token)
{
	if (token->type == REPLY_ERROR)
		redis_session_fail(&stream->session, "Redis refused XREAD or TIME", token->text);
	else if (stream->replies_left == 2)
		on_time_token(stream, token);
	else
		on_merged_token(stream, token);
}

static void tell_merged(struct redis_stream *stream, size_t index)
{
	const struct redis_merge_entry *entry = &stream->merge.entries[index];
	struct redis_stream_part *own = &stream->parts[entry->partition];
	uint32_t count = redis_merge_fields(&stream->merge, index, stream->fields);

	stream->entry_partition = entry->partition;
	stream->entry_is_late = event_id_is_after(stream->position, entry->id) ||
				(event_id_equal(stream->position, entry->id) &&
				 stream->last_partition >= entry->partition);
	stream->listener.on_entry(stream->listener.owner, entry->id, stream->fields, count);
	own->position = own->told = entry->id;
	if (stream->entry_is_late)
		return;
	stream->position = entry->id;
	stream->last_partition = entry->partition;
}

/* How often the same entry was held back: a clock that has gone back must not stop everything. */
static void note_held(struct redis_stream *stream, size_t told)
{
	const struct redis_merge *merge = &stream->merge;

	stream->holds = told < merge->count;
	stream->holds_for_time =
		stream->holds && merge->entries[told].id.ms >= stream->rule.before_ms;
	if (!stream->holds_for_time || !event_id_equal(merge->entries[told].id, stream->held))
		stream->held_reads = 0;
	if (!stream->holds_for_time)
		return;
	stream->held = merge->entries[told].id;
	stream->held_reads++;
}

/* Up to where everything was told. */
static void note_complete(struct redis_stream *stream, size_t told, uint64_t time_ms)
{
	const struct redis_merge *merge = &stream->merge;
	struct event_id upto = merge->end, before_time = {time_ms - 1, UINT64_MAX};

	if (told < merge->count && event_id_is_after(upto, merge->entries[told].id))
		upto = event_id_before(merge->entries[told].id);
	stream->is_at_limit = !event_id_is_after(stream->rule.limit, upto);
	if (!event_id_is_after(before_time, upto))
		stream->complete_ms = time_ms;
}

static void tell_all(struct redis_stream *stream)
{
	uint64_t time_ms = stream->rule.before_ms;

	if (stream->held_reads >= REDIS_STREAM_HOLD_MAX)
		stream->rule.before_ms = UINT64_MAX;
	size_t told = redis_merge_sort(&stream->merge, &stream->rule);

	for (size_t i = 0; i < told; i++)
		tell_merged(stream, i);
	note_held(stream, told);
	note_complete(stream, told, time_ms);
	redis_merge_clear(&stream->merge);
}

static void on_parted_end(struct redis_stream *stream)
{
	stream->is_asking_id = false;
	if (--stream->replies_left > 0)
		return;
	if (stream->state == REDIS_STREAM_READING && stream->session.error[0] == '\0')
		tell_all(stream);
	stream->has_position = true;
	stream->state = REDIS_STREAM_IDLE;
}

/* ---- replies ---- */

/* The reply to CLIENT ID, the first one, which Redis may refuse. */
static bool is_client_id(const struct redis_stream *stream)
{
	return is_parted(stream) && stream->state == REDIS_STREAM_GREETING && stream->is_asking_id;
}

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_stream *stream = owner;

	if (is_client_id(stream))
		stream->client_id = token->type == REPLY_INTEGER ? token->number : 0;
	else if (stream->state == REDIS_STREAM_READING && is_parted(stream))
		on_parted_token(stream, token);
	else if (stream->state == REDIS_STREAM_READING)
		on_read_token(stream, token);
	else if (token->type == REPLY_ERROR)
		redis_session_fail(&stream->session, "Redis refused XREVRANGE", token->text);
	else if (token->depth == DEPTH_NEWEST_ID && token->index == 0 && !stream->has_position &&
		 !is_parted(stream))
		stream->has_position = parse_id(token->text, &stream->position);
}

static void on_end(void *owner)
{
	struct redis_stream *stream = owner;

	if (is_parted(stream)) {
		on_parted_end(stream);
		return;
	}
	stream->has_position = true; /* an empty stream: from its beginning, 0-0 */
	stream->state = REDIS_STREAM_IDLE;
}

static enum status init_parts(struct redis_stream *stream)
{
	stream->parts = calloc(stream->keys_count, sizeof(*stream->parts));
	stream->words = calloc(2u * stream->keys_count + 6, sizeof(*stream->words));
	return stream->parts && stream->words ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status redis_stream_init(struct redis_stream *stream, const struct config_redis *server,
			      struct redis_stream_keys keys, struct redis_stream_listener listener)
{
	*stream = (struct redis_stream){
		.listener = listener, .keys = keys.keys, .keys_count = keys.count};
	stream->fields = malloc(ENTRY_FIELDS_MAX * sizeof(*stream->fields));
	redis_session_init(&stream->session, server, "belfry-read",
			   (struct reply_listener){on_token, on_end, stream});
	if (is_parted(stream) && init_parts(stream) != STATUS_OK)
		return STATUS_NO_MEMORY;
	return stream->fields ? STATUS_OK : STATUS_NO_MEMORY;
}

void redis_stream_deinit(struct redis_stream *stream)
{
	redis_session_deinit(&stream->session);
	redis_merge_deinit(&stream->merge);
	free(stream->parts);
	free(stream->words);
	free(stream->bytes);
	free(stream->ends);
	free(stream->fields);
}

void redis_stream_start_after(struct redis_stream *stream, struct event_id id)
{
	stream->position = id;
	stream->has_position = true;
	if (!is_parted(stream))
		return;
	stream->last_partition = stream->keys_count; /* after all that have this id */
	stream->complete_ms = 0;
	for (uint32_t i = 0; i < stream->keys_count; i++)
		stream->parts[i] = (struct redis_stream_part){.position = id,
							      .is_read = stream->parts[i].is_read};
}

void redis_stream_add(struct redis_stream *stream, uint32_t partition, struct event_id position)
{
	ASSERT(is_parted(stream) && stream->state <= REDIS_STREAM_IDLE &&
	       partition < stream->keys_count);
	stream->parts[partition] =
		(struct redis_stream_part){.is_read = true, .position = position};
}

void redis_stream_drop(struct redis_stream *stream, uint32_t partition)
{
	ASSERT(is_parted(stream) && stream->state <= REDIS_STREAM_IDLE &&
	       partition < stream->keys_count);
	stream->parts[partition] = (struct redis_stream_part){.is_read = false};
}

struct event_id redis_stream_known(const struct redis_stream *stream)
{
	struct event_id complete = {stream->complete_ms - 1, UINT64_MAX};

	if (stream->complete_ms == 0 || event_id_is_after(stream->position, complete))
		return stream->position;
	return complete;
}

static uint32_t count_read(const struct redis_stream *stream)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < stream->keys_count; i++)
		count += !is_parted(stream) || stream->parts[i].is_read;
	return count;
}

enum status redis_stream_open(struct redis_stream *stream)
{
	enum status status = redis_session_open(&stream->session);
	struct slice id[] = {SLICE("CLIENT"), SLICE("ID")};

	stream->state = REDIS_STREAM_GREETING;
	stream->replies_left = count_read(stream) + is_parted(stream);
	stream->held_reads = 0;
	stream->holds = stream->holds_for_time = false;
	stream->is_asking_id = is_parted(stream);
	stream->client_id = 0;
	redis_merge_clear(&stream->merge);
	if (status == STATUS_OK && is_parted(stream))
		status = redis_session_command(&stream->session, id, 2);
	/* With a position, too: a key that is not a stream is then known before it is read. */
	for (uint32_t i = 0; status == STATUS_OK && i < stream->keys_count; i++) {
		struct slice newest[] = {SLICE("XREVRANGE"), stream->keys[i], SLICE("+"),
					 SLICE("-"),         SLICE("COUNT"),  SLICE("1")};

		if (!is_parted(stream) || stream->parts[i].is_read)
			status = redis_session_command(&stream->session, newest, 6);
	}
	return status;
}

void redis_stream_close(struct redis_stream *stream)
{
	stream->state = REDIS_STREAM_CLOSED;
}

static struct slice write_position(struct redis_stream_part *own)
{
	int size = snprintf(own->position_text, sizeof(own->position_text), "%lu-%lu",
			    own->position.ms, own->position.sequence);

	return slice_of(own->position_text, (size_t)size);
}

/* The words of an XREAD of all that are read; returns how many. */
static uint32_t write_read(struct redis_stream *stream, struct slice count, struct slice block)
{
	struct slice *words = stream->words;
	uint32_t keys_count = count_read(stream), size = 0, at;

	words[size++] = SLICE("XREAD");
	words[size++] = SLICE("COUNT");
	words[size++] = count;
	if (!stream->is_hasty) {
		words[size++] = SLICE("BLOCK");
		words[size++] = block;
	}
	words[size++] = SLICE("STREAMS");
	at = size;
	for (uint32_t i = 0; i < stream->keys_count; i++) {
		if (!stream->parts[i].is_read)
			continue;
		words[at] = stream->keys[i];
		words[keys_count + at++] = write_position(&stream->parts[i]);
	}
	return size + 2 * keys_count;
}

/* TIME first: what has an id of an earlier millisecond is complete in what comes behind it. */
static enum status read_parts(struct redis_stream *stream, uint32_t count)
{
	struct slice time[] = {SLICE("TIME")};
	uint32_t keys_count = count_read(stream), each;
	char count_text[12], block_text[12];

	ASSERT(keys_count > 0);
	each = count / keys_count > PART_COUNT_MIN ? count / keys_count : PART_COUNT_MIN;
	snprintf(count_text, sizeof(count_text), "%u", each);
	snprintf(block_text, sizeof(block_text), "%u", REDIS_STREAM_BLOCK_MS);
	uint32_t words = write_read(stream, slice_of_text(count_text), slice_of_text(block_text));

	stream->rule =
		(struct redis_merge_rule){.asked_for = each, .room = count, .limit = stream->limit};
	stream->reply_part = 0;
	stream->replies_left = 2;
	stream->state = REDIS_STREAM_READING;
	if (redis_session_command(&stream->session, time, 1) != STATUS_OK)
		return STATUS_NO_MEMORY;
	return redis_session_command(&stream->session, stream->words, words);
}

enum status redis_stream_read(struct redis_stream *stream, uint32_t count)
{
	char id[EVENT_ID_TEXT_MAX + 1], count_text[12], block_text[12];

	ASSERT(stream->state == REDIS_STREAM_IDLE && stream->has_position);
	if (is_parted(stream))
		return read_parts(stream, count);
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
		stream->keys[0],
		slice_of_text(id),
	};

	stream->state = REDIS_STREAM_READING;
	return redis_session_command(&stream->session, words, ARRAY_SIZE(words));
}
