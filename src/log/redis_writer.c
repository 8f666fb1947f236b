/* log/redis_writer.c - XADD and its answers. */
#include "log/redis_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define WORDS_BEFORE 6 /* XADD key MAXLEN ~ n * */

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_writer *writer = owner;
	struct slice text = token->text;

	writer->answer = STATUS_INVALID;
	if (token->type == REPLY_ERROR) {
		snprintf(writer->answer_error, sizeof(writer->answer_error), "%.*s",
			 text.size > 150 ? 150 : (int)text.size, (const char *)text.bytes);
		return;
	}
	struct slice ms = slice_cut(&text, '-');

	if (token->type == REPLY_TEXT && slice_to_u64(ms, &writer->answer_id.ms) &&
	    slice_to_u64(text, &writer->answer_id.sequence))
		writer->answer = STATUS_OK;
}

static void *pop_ticket(struct redis_writer *writer)
{
	void *ticket = writer->tickets[writer->first];

	ASSERT(writer->count > 0);
	writer->first = (writer->first + 1) % REDIS_WRITER_PENDING_MAX;
	writer->count--;
	return ticket;
}

/* The answer to the PING behind the greeting. One that only cannot write says so to each entry. */
static void get_ready(struct redis_writer *writer)
{
	struct slice error = slice_of_text(writer->answer_error);

	if (slice_starts_with(error, SLICE("LOADING")))
		redis_session_fail(&writer->session, "Redis is not ready", error);
	else
		writer->is_ready = true;
	writer->answer_error[0] = '\0';
}

static void on_end(void *owner)
{
	struct redis_writer *writer = owner;

	if (!writer->is_ready) {
		get_ready(writer);
		return;
	}
	if (writer->count == 0) {
		redis_session_fail(&writer->session, "Redis answered what nobody asked", SLICE(""));
		return;
	}
	writer->listener.on_answer(writer->listener.owner, pop_ticket(writer), writer->answer,
				   writer->answer_id, slice_of_text(writer->answer_error));
	writer->answer_error[0] = '\0';
}

enum status redis_writer_init(struct redis_writer *writer, const struct config_redis *server,
			      struct redis_writer_listener listener)
{
	*writer = (struct redis_writer){.listener = listener};
	writer->tickets = malloc(REDIS_WRITER_PENDING_MAX * sizeof(void *));
	redis_session_init(&writer->session, server, "belfry-write",
			   (struct reply_listener){on_token, on_end, writer});
	return writer->tickets ? STATUS_OK : STATUS_NO_MEMORY;
}

void redis_writer_deinit(struct redis_writer *writer)
{
	redis_session_deinit(&writer->session);
	free(writer->tickets);
}

enum status redis_writer_open(struct redis_writer *writer)
{
	struct slice ping[] = {SLICE("PING")};
	enum status status = redis_session_open(&writer->session);

	writer->is_open = true;
	writer->is_ready = false;
	return status == STATUS_OK ? redis_session_command(&writer->session, ping, 1) : status;
}

void redis_writer_close(struct redis_writer *writer)
{
	writer->is_open = writer->is_ready = false;
	while (writer->count > 0)
		writer->listener.on_answer(writer->listener.owner, pop_ticket(writer),
					   STATUS_UNAVAILABLE, (struct event_id){0, 0},
					   SLICE("the link to Redis broke"));
}

enum status redis_writer_add(struct redis_writer *writer, const struct redis_writer_entry *entry,
			     void *ticket)
{
	char length[12];
	struct slice *words;
	enum status status;

	if (!writer->is_ready)
		return STATUS_UNAVAILABLE;
	if (writer->count == REDIS_WRITER_PENDING_MAX)
		return STATUS_AGAIN;
	words = malloc((WORDS_BEFORE + entry->words_count) * sizeof(*words));
	if (!words)
		return STATUS_NO_MEMORY;
	snprintf(length, sizeof(length), "%u", entry->length_max);
	words[0] = SLICE("XADD");
	words[1] = entry->key;
	words[2] = SLICE("MAXLEN");
	words[3] = SLICE("~");
	words[4] = slice_of_text(length);
	words[5] = SLICE("*");
	memcpy(words + WORDS_BEFORE, entry->words, entry->words_count * sizeof(*words));
	status = redis_session_command(&writer->session, words, WORDS_BEFORE + entry->words_count);
	free(words);
	if (status != STATUS_OK)
		return status;
	writer->tickets[(writer->first + writer->count++) % REDIS_WRITER_PENDING_MAX] = ticket;
	return STATUS_OK;
}
