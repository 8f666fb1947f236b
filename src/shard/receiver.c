/* shard/receiver.c - the checks of a request to receive, in order. */
#include "shard/receiver.h"

#include <stdio.h>

#include "shard/cors.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "wire/channel_name.h"
#include "wire/http_answer.h"
#include "wire/json.h"

#define HELD_ANYWAY (1 + ROUTE_CHANNELS_MAX) /* all, and those of the path */

static const struct refusal stopping = {
	{503, "stopping", "this node is stopping", NULL},
	CLOSE_GOING_AWAY,
};

/* False: out of memory. */
static bool write_lines(struct shard *shard, struct receiver *receiver)
{
	uint8_t *bytes = arena_take(&shard->arena, CORS_SIZE_MAX + 1);
	struct writer writer;

	if (!bytes)
		return false;
	writer_init(&writer, bytes, CORS_SIZE_MAX);
	cors_write(shard->config, receiver->head, &writer);
	ASSERT(!writer.overflow);
	bytes[writer.size] = '\0';
	receiver->lines = (const char *)bytes;
	return true;
}

void receiver_refuse(struct shard *shard, struct conn *conn, const struct receiver *receiver,
		     const struct http_refusal *refusal)
{
	char lines[64 + CORS_SIZE_MAX];
	struct http_refusal with_lines = *refusal;
	int size = snprintf(lines, sizeof(lines), "%s%s", refusal->extra ? refusal->extra : "",
			    receiver->lines);

	ASSERT(size >= 0 && size < (int)sizeof(lines));
	with_lines.extra = lines;
	http_refuse(shard, conn, &with_lines);
}

/* 403 with the name of the channel. */
static void refuse_channel(struct shard *shard, struct conn *conn, const struct receiver *receiver,
			   struct slice name)
{
	uint8_t body[128 + 6 * CHANNEL_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, body, sizeof(body));
	writer_text(&writer, "{\"error\":\"not_allowed\","
			     "\"message\":\"this channel is not open to you\",\"channel\":");
	json_write_string(&writer, name);
	writer_text(&writer, "}");
	ASSERT(!writer.overflow);
	counter_add(&shard->counters->refusals, 1);
	http_send(shard, conn,
		  &(struct http_answer){
			  .status = 403,
			  .content_type = "application/json",
			  .body = writer_written(&writer),
			  .extra = receiver->lines,
			  .close = true,
		  });
}

static void refuse_query(struct shard *shard, struct conn *conn, const struct receiver *receiver,
			 const char *code, const char *message)
{
	receiver_refuse(shard, conn, receiver, &(struct http_refusal){400, code, message, NULL});
}

/* The query's `channels`, decoded. False: a bad escape, or out of memory. */
static bool decode_channels(struct shard *shard, struct receiver *receiver)
{
	struct slice text = http_query_find(receiver->head->query, "channels");
	uint8_t *bytes;
	size_t size;

	receiver->channels = text;
	if (slice_is_absent(text))
		return true;
	bytes = arena_take(&shard->arena, text.size + 1);
	if (!bytes || !http_percent_decode(text, bytes, text.size, &size))
		return false;
	receiver->channels = slice_of(bytes, size);
	return true;
}

/* The token's claim `channels` as a C string, in the arena. */
static const char *claims_text(struct shard *shard, const struct jwt_claims *claims)
{
	char *text;

	if (slice_is_absent(claims->channels))
		return NULL;
	text = (char *)arena_take(&shard->arena, claims->channels.size + 1);
	if (!text)
		return NULL;
	memcpy(text, claims->channels.bytes, claims->channels.size);
	text[claims->channels.size] = '\0';
	return text;
}

/* Comes with the connection, whoever may subscribe to it. */
static bool comes_anyway(const struct receiver *receiver, struct slice name)
{
	struct slice user = slice_of(receiver->claims.user, receiver->claims.user_size);
	uint8_t bytes[CHANNEL_SIZE_MAX];

	if (slice_equal_text(name, "all"))
		return true;
	for (uint32_t i = 0; i < ROUTE_CHANNELS_MAX; i++) {
		struct slice own = route_channel(receiver->match, i, user, bytes);

		if (!slice_is_absent(own) && slice_equal(own, name))
			return true;
	}
	return false;
}

/* False: it was refused. */
static bool check_channels(struct shard *shard, struct conn *conn, struct receiver *receiver)
{
	struct identity_asker asker = {
		.user = slice_of(receiver->claims.user, receiver->claims.user_size),
		.is_admin = receiver->claims.admin,
		.claims = claims_text(shard, &receiver->claims),
	};
	struct slice rest;
	uint32_t count = HELD_ANYWAY;

	if (!decode_channels(shard, receiver)) {
		refuse_query(shard, conn, receiver, "bad_channel", "channels cannot be decoded");
		return false;
	}
	rest = receiver->channels;
	while (!slice_is_absent(rest)) {
		struct slice name = slice_cut(&rest, ',');

		if (name.size == 0 || comes_anyway(receiver, name))
			continue;
		if (!channel_name_is_valid(name)) {
			refuse_query(shard, conn, receiver, "bad_channel",
				     "one of channels is not a channel name");
			return false;
		}
		if (!identity_allows_channel(shard->config, &asker, name)) {
			refuse_channel(shard, conn, receiver, name);
			return false;
		}
		count++;
	}
	if (count <= shard->config->max_subscriptions || slice_is_absent(receiver->channels))
		return true;
	refuse_query(shard, conn, receiver, "too_many_subscriptions",
		     "these are more channels than a connection may have");
	return false;
}

enum receiver_result receiver_check(struct shard *shard, struct conn *conn,
				    struct receiver *receiver, struct refusal *ret_refusal)
{
	struct identity_request request = {receiver->head, {NULL, 0}, receiver->match};
	struct refusal refusal;

	receiver->lines = "";
	if (!write_lines(shard, receiver)) {
		*ret_refusal = admission_no_memory;
		return RECEIVER_LATER;
	}
	if (!slice_equal_text(receiver->head->method, "GET")) {
		receiver_refuse(shard, conn, receiver,
				&(struct http_refusal){405, "method", "this path answers to GET",
						       "Allow: GET\r\n"});
		return RECEIVER_REFUSED;
	}
	if (!admission_check(shard, conn, &request, &receiver->claims, &refusal)) {
		if (refusal.http.status != 429 && refusal.http.status != 503) {
			receiver_refuse(shard, conn, receiver, &refusal.http);
			return RECEIVER_REFUSED;
		}
		*ret_refusal = refusal;
		return RECEIVER_LATER;
	}
	if (shard->is_stopping) {
		*ret_refusal = stopping;
		return RECEIVER_LATER;
	}
	if (!resume_read(receiver->head, &receiver->resume)) {
		refuse_query(shard, conn, receiver, "bad_device",
			     "device must be 1 to 64 printable characters");
		return RECEIVER_REFUSED;
	}
	return check_channels(shard, conn, receiver) ? RECEIVER_WELCOME : RECEIVER_REFUSED;
}

bool receiver_enter(struct shard *shard, struct conn *conn, const struct receiver *receiver)
{
	struct admission admission = {
		.claims = &receiver->claims,
		.match = receiver->match,
		.resume = &receiver->resume,
		.channels = receiver->channels,
	};

	return admission_enter(shard, conn, &admission);
}
