/* tests/unit/log/redis_feed.h - gives bytes to a session in every way in which they may arrive. */
#ifndef BELFRY_TESTS_UNIT_LOG_REDIS_FEED_H
#define BELFRY_TESTS_UNIT_LOG_REDIS_FEED_H

#include <stdlib.h>
#include <string.h>

#include "log/redis_client.h"

/* Way 0: byte by byte. Way n: cut after n bytes; with n = size: whole. */
static inline enum status feed_way(struct redis_session *session, struct slice bytes, size_t way)
{
	size_t piece_size = way ? way : 1;

	while (bytes.size > 0) {
		size_t size = piece_size < bytes.size ? piece_size : bytes.size;
		/* memory of exactly that size: a read behind it is seen by the sanitizer */
		uint8_t *piece = malloc(size);

		memcpy(piece, bytes.bytes, size);
		enum status status = redis_session_feed(session, slice_of(piece, size));
		free(piece);
		if (status != STATUS_OK)
			return status;
		bytes = slice_skip(bytes, size);
		if (way > 0)
			piece_size = bytes.size;
	}
	return STATUS_OK;
}

static inline enum status feed_text(struct redis_session *session, const char *text)
{
	return feed_way(session, slice_of_text(text), strlen(text));
}

/* The bytes that wait to be sent, as if they were sent now; the caller frees the text. */
static inline char *take_output(struct redis_session *session)
{
	struct slice output = redis_session_output(session);
	char *text = malloc(output.size + 1);

	if (output.size > 0)
		memcpy(text, output.bytes, output.size);
	text[output.size] = '\0';
	redis_session_sent(session, output.size);
	return text;
}

static const struct config_redis plain_server = {.on = true, .host = "h", .port = 1};

/* A client that is greeted and ready. */
static inline bool make_ready(struct redis_client *client)
{
	redis_client_init(client, &plain_server, "test");
	if (redis_client_open(client) != STATUS_OK)
		return false;
	free(take_output(&client->session));
	return feed_text(&client->session, "+OK\r\n+PONG\r\n") == STATUS_OK && client->is_ready;
}

/* One command, whose reply arrives in that way: `call` hears it. */
static inline enum status reply_in_way(struct slice reply, size_t way, struct redis_call *call)
{
	struct slice words[] = {SLICE("ASK")};
	struct redis_client client;
	enum status status = STATUS_INVALID;

	if (make_ready(&client) && redis_client_add(&client, words, 1, call) == STATUS_OK)
		status = feed_way(&client.session, reply, way);
	redis_client_close(&client);
	redis_client_deinit(&client);
	return status;
}

#endif
