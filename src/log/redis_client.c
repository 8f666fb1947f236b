/* log/redis_client.c - a ring of calls, and the reply that is being read. */
#include "log/redis_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* Makes room for `needed` items; *capacity is a power of two, or 0. */
static bool grow(void **memory, size_t item_size, size_t needed, size_t *capacity)
{
	size_t larger = *capacity ? *capacity : 64;

	if (needed <= *capacity)
		return true;
	if (needed > SIZE_MAX / item_size / 2)
		return false;
	while (larger < needed)
		larger *= 2;
	void *grown = realloc(*memory, larger * item_size);

	if (!grown)
		return false;
	*memory = grown;
	*capacity = larger;
	return true;
}

/* ---- the reply that is being read ---- */

static bool reserve_value(struct redis_client *client)
{
	size_t capacity = client->values_capacity;
	void *memory = client->values;

	if (client->values_count == UINT32_MAX / 2 ||
	    !grow(&memory, sizeof(*client->values), client->values_count + 1u, &capacity))
		return false;
	client->values = memory;
	client->values_capacity = (uint32_t)capacity;
	return true;
}

static bool keep_bytes(struct redis_client *client, struct slice text)
{
	void *memory = client->bytes;

	/* One byte more: a text that is empty still points somewhere. */
	if (!grow(&memory, 1, client->bytes_size + text.size + 1, &client->bytes_capacity))
		return false;
	client->bytes = memory;
	if (text.size > 0)
		memcpy(client->bytes + client->bytes_size, text.bytes, text.size);
	client->bytes_size += text.size;
	return true;
}

static bool is_text(enum reply_type type)
{
	return type == REPLY_TEXT || type == REPLY_ERROR;
}

static bool keep_value(struct redis_client *client, const struct reply_token *token)
{
	struct redis_value value = {
		.type = token->type,
		.depth = token->depth,
		.number = token->number,
	};

	if (is_text(token->type)) {
		/* `bytes` moves when it grows: until the end `number` says where the text is. */
		value.number = client->bytes_size;
		value.text.size = token->text.size;
		if (!keep_bytes(client, token->text))
			return false;
	}
	if (!reserve_value(client))
		return false;
	client->values[client->values_count++] = value;
	return true;
}

static void place_texts(struct redis_client *client)
{
	for (uint32_t i = 0; i < client->values_count; i++) {
		struct redis_value *value = &client->values[i];

		if (!is_text(value->type))
			continue;
		value->text.bytes = client->bytes + value->number;
		value->number = 0;
	}
}

/* ---- calls ---- */

static bool reserve_call(struct redis_client *client)
{
	uint32_t capacity = client->calls_capacity ? client->calls_capacity * 2 : 64;
	struct redis_call **calls;

	if (client->count < client->calls_capacity)
		return true;
	calls = malloc(capacity * sizeof(struct redis_call *));
	if (!calls)
		return false;
	for (uint32_t i = 0; i < client->count; i++)
		calls[i] = client->calls[(client->first + i) % client->calls_capacity];
	free(client->calls);
	client->calls = calls;
	client->calls_capacity = capacity;
	client->first = 0;
	return true;
}

static struct redis_call *pop_call(struct redis_client *client)
{
	ASSERT(client->count > 0);
	struct redis_call *call = client->calls[client->first];

	client->first = (client->first + 1) % client->calls_capacity;
	client->count--;
	return call;
}

/* That there is no such key is an answer. */
static void note_refusal(struct redis_client *client, struct slice text)
{
	if (slice_starts_with(text, SLICE("ERR no such key")))
		return;
	client->refusals++;
	snprintf(client->refusal, sizeof(client->refusal), "%.*s",
		 text.size < sizeof(client->refusal) ? (int)text.size
						     : (int)sizeof(client->refusal) - 1,
		 (const char *)text.bytes);
}

static void tell_call(struct redis_client *client)
{
	struct redis_call *call = pop_call(client);
	struct redis_reply reply = {client->values, client->values_count};

	ASSERT(client->values_count > 0 && client->values[0].depth == 0);
	place_texts(client);
	if (client->values[0].type == REPLY_ERROR)
		note_refusal(client, client->values[0].text);
	if (call)
		call->on_reply(call, STATUS_OK, &reply);
}

/* The answer to the PING behind the greeting. A Redis that cannot save (MISCONF) refuses PING
 * with the writes, but can still be read; one that is loading can do neither. */
static void get_ready(struct redis_client *client)
{
	const struct redis_value *pong = client->values;

	place_texts(client);
	if (pong->type == REPLY_ERROR && !slice_starts_with(pong->text, SLICE("MISCONF")))
		redis_session_fail(&client->session, "Redis is not ready", pong->text);
	else
		client->is_ready = true;
}

/* ---- replies ---- */

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_client *client = owner;

	if (token->depth == 0) {
		client->values_count = 0;
		client->bytes_size = 0;
	}
	if (client->is_out_of_memory || keep_value(client, token))
		return;
	client->is_out_of_memory = true;
	redis_session_fail(&client->session, "out of memory", SLICE(""));
}

static void on_end(void *owner)
{
	struct redis_client *client = owner;

	/* After a failure no reply can be told from another: close() tells the calls. */
	if (client->session.error[0] != '\0' || !client->is_open)
		return;
	if (!client->is_ready)
		get_ready(client);
	else if (client->count == 0)
		redis_session_fail(&client->session, "Redis answered what nobody asked", SLICE(""));
	else
		tell_call(client);
}

/* ---- the life of a link ---- */

void redis_client_init(struct redis_client *client, const struct config_redis *server,
		       const char *name)
{
	*client = (struct redis_client){.is_open = false};
	redis_session_init(&client->session, server, name,
			   (struct reply_listener){on_token, on_end, client});
}

void redis_client_deinit(struct redis_client *client)
{
	redis_session_deinit(&client->session);
	free(client->calls);
	free(client->values);
	free(client->bytes);
}

enum status redis_client_open(struct redis_client *client)
{
	struct slice ping[] = {SLICE("PING")};
	enum status status = redis_session_open(&client->session);

	ASSERT(client->count == 0);
	client->is_open = true;
	client->is_ready = false;
	client->is_out_of_memory = false;
	client->values_count = 0;
	return status == STATUS_OK ? redis_session_command(&client->session, ping, 1) : status;
}

void redis_client_close(struct redis_client *client)
{
	client->is_open = client->is_ready = false;
	while (client->count > 0) {
		struct redis_call *call = pop_call(client);

		if (call)
			call->on_reply(call, STATUS_UNAVAILABLE, NULL);
	}
}

enum status redis_client_add(struct redis_client *client, const struct slice *words, uint32_t count,
			     struct redis_call *call)
{
	enum status status;

	ASSERT(count > 0);
	if (!client->is_ready || client->session.error[0] != '\0')
		return STATUS_UNAVAILABLE;
	if (client->count == REDIS_CLIENT_PENDING_MAX)
		return STATUS_AGAIN;
	if (!reserve_call(client))
		return STATUS_NO_MEMORY;
	status = redis_session_command(&client->session, words, count);
	if (status != STATUS_OK)
		return status;
	client->calls[(client->first + client->count++) % client->calls_capacity] = call;
	return STATUS_OK;
}
