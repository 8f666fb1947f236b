/* log/redis_session.c - greeting, output buffer, failure. */
#include "log/redis_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "hiredis/hiredis_shim.h"

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_session *session = owner;

	if (session->greetings_left == 0)
		session->listener.on_token(session->listener.owner, token);
	else if (token->type == REPLY_ERROR)
		redis_session_fail(session, "Redis refused the greeting", token->text);
}

static void on_end(void *owner)
{
	struct redis_session *session = owner;

	if (session->greetings_left == 0)
		session->listener.on_end(session->listener.owner);
	else
		session->greetings_left--;
}

void redis_session_init(struct redis_session *session, const struct config_redis *server,
			const char *name, struct reply_listener listener)
{
	*session = (struct redis_session){.server = server, .name = name, .listener = listener};
}

void redis_session_deinit(struct redis_session *session)
{
	reply_destroy(session->reply);
	free(session->output);
}

static enum status reserve(struct redis_session *session, size_t size)
{
	size_t capacity = session->output_capacity ? session->output_capacity : 4096;

	/* A link that is never quite idle would otherwise make the buffer grow for ever. */
	if (session->output_sent > session->output_size / 2) {
		session->output_size -= session->output_sent;
		memmove(session->output, session->output + session->output_sent,
			session->output_size);
		session->output_sent = 0;
	}
	while (capacity - session->output_size < size)
		capacity *= 2;
	if (capacity == session->output_capacity)
		return STATUS_OK;
	uint8_t *grown = realloc(session->output, capacity);

	if (!grown)
		return STATUS_NO_MEMORY;
	session->output = grown;
	session->output_capacity = capacity;
	return STATUS_OK;
}

enum status redis_session_command(struct redis_session *session, const struct slice *words,
				  uint32_t count)
{
	const char **texts = malloc(count * sizeof(*texts));
	size_t *sizes = malloc(count * sizeof(*sizes));
	enum status status = STATUS_NO_MEMORY;
	char *command = NULL;

	for (uint32_t i = 0; texts && sizes && i < count; i++) {
		texts[i] = (const char *)words[i].bytes;
		sizes[i] = words[i].size;
	}
	long long size = texts && sizes ? (long long)redisFormatCommandArgv(&command, (int)count,
									    texts, sizes)
					: -1;

	if (size > 0 && reserve(session, (size_t)size) == STATUS_OK) {
		memcpy(session->output + session->output_size, command, (size_t)size);
		session->output_size += (size_t)size;
		status = STATUS_OK;
	}
	redisFreeCommand(command);
	free(texts);
	free(sizes);
	return status;
}

static enum status greet(struct redis_session *session)
{
	const struct config_redis *server = session->server;
	struct slice auth[3] = {SLICE("AUTH")};
	uint32_t auth_count = 1;
	char db[12];
	enum status status = STATUS_OK;

	if (server->user)
		auth[auth_count++] = slice_of_text(server->user);
	if (server->password)
		auth[auth_count++] = slice_of_text(server->password);
	if (auth_count > 1) {
		status = redis_session_command(session, auth, auth_count);
		session->greetings_left++;
	}
	if (status == STATUS_OK && server->db > 0) {
		snprintf(db, sizeof(db), "%u", server->db);
		struct slice select[] = {SLICE("SELECT"), slice_of_text(db)};

		status = redis_session_command(session, select, 2);
		session->greetings_left++;
	}
	struct slice name[] = {SLICE("CLIENT"), SLICE("SETNAME"), slice_of_text(session->name)};

	if (status == STATUS_OK) {
		status = redis_session_command(session, name, 3);
		session->greetings_left++;
	}
	return status;
}

enum status redis_session_open(struct redis_session *session)
{
	struct reply_listener listener = {on_token, on_end, session};

	reply_destroy(session->reply);
	session->reply = reply_create(listener);
	session->output_size = session->output_sent = 0;
	session->greetings_left = 0;
	session->error[0] = '\0';
	if (!session->reply)
		return STATUS_NO_MEMORY;
	return session->name ? greet(session) : STATUS_OK;
}

struct slice redis_session_output(const struct redis_session *session)
{
	return slice_of(session->output + session->output_sent,
			session->output_size - session->output_sent);
}

void redis_session_sent(struct redis_session *session, size_t size)
{
	ASSERT(size <= session->output_size - session->output_sent);
	session->output_sent += size;
	if (session->output_sent == session->output_size)
		session->output_sent = session->output_size = 0;
}

enum status redis_session_feed(struct redis_session *session, struct slice bytes)
{
	if (reply_feed(session->reply, bytes) != STATUS_OK)
		redis_session_fail(session, "what Redis sent is not its protocol", SLICE(""));
	return session->error[0] == '\0' ? STATUS_OK : STATUS_INVALID;
}

void redis_session_fail(struct redis_session *session, const char *what, struct slice detail)
{
	/* Whatever was asked: each link may hear it at another command. */
	if (slice_starts_with(detail, SLICE("LOADING")))
		what = "Redis is not ready";
	if (session->error[0] == '\0')
		snprintf(session->error, sizeof(session->error), "%s%s%.*s", what,
			 detail.size ? ": " : "", detail.size > 120 ? 120 : (int)detail.size,
			 detail.size ? (const char *)detail.bytes : "");
}
