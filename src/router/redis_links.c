/* router/redis_links.c - the link that appends, the one for questions, and the one that listens. */
#include "base/log_line.h"
#include "log/redis_pubsub.h"
#include "router/bridge.h"
#include "router/redis_append.h"
#include "router/redis_log.h"
#include "router/router_state.h"

/* ---- the writing link ---- */

static void on_answer(void *owner, void *ticket, enum status status, struct event_id id,
		      struct slice error)
{
	struct redis_log *redis = owner;
	struct publication_item *item = ticket;

	if (!item) { /* a dead letter: nobody waits for it */
		if (status == STATUS_INVALID)
			log_line(LOG_WARN, "router", REDIS_DEAD_STREAM " refused an entry: %.*s",
				 (int)error.size, (const char *)error.bytes);
		return;
	}
	redis_append_on_answer(redis->router, item, status, id, error);
}

static enum status on_write_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_WRITE] = redis->router->now_ms;
	return redis_writer_open(&redis->writer);
}

static void on_write_down(void *owner)
{
	redis_writer_close(&((struct redis_log *)owner)->writer);
}

static enum status on_write_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_WRITE] = redis->router->now_ms;
	if (redis_session_feed(&redis->writer.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_WRITE], redis->writer.session.error);
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

static struct slice write_output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->writer.session);
}

static void write_sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->writer.session, size);
}

const struct link_user redis_write_user = {
	on_write_up, on_write_down, on_write_bytes, write_output, write_sent, NULL,
};

enum status redis_writing_init(struct redis_log *redis)
{
	struct redis_writer_listener answers = {on_answer, redis};

	return redis_writer_init(&redis->writer, &redis->server, answers);
}

/* ---- the link for everything else ---- */

static enum status on_data_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_DATA] = redis->router->now_ms;
	return redis_client_open(&redis->client);
}

static void on_data_down(void *owner)
{
	struct redis_log *redis = owner;

	watch_forget(&redis->watch);
	redis_client_close(&redis->client);
}

static enum status on_data_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_DATA] = redis->router->now_ms;
	if (redis_session_feed(&redis->client.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_DATA], redis->client.session.error);
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

static struct slice data_output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->client.session);
}

static void data_sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->client.session, size);
}

const struct link_user redis_data_user = {
	on_data_up, on_data_down, on_data_bytes, data_output, data_sent, NULL,
};

/* ---- Pub/Sub ---- */

static void on_published(void *owner, struct slice channel, struct slice payload)
{
	struct redis_log *redis = owner;
	struct router *router = redis->router;
	struct bridge_message message;

	if (bridge_read(channel, payload, router->config->max_message_size, &message) !=
	    BRIDGE_OK) {
		counter_add(&router->counters->bridge_refused, 1);
		return;
	}
	counter_add(&router->counters->bridged, 1);
	if (!fanout_ephemeral(router, slice_of(message.channel, message.channel_size), payload,
			      FANOUT_RESERVE))
		counter_add(&router->counters->bridge_dropped, 1);
}

static enum status on_pubsub_up(void *owner)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_PUBSUB] = redis->router->now_ms;
	return redis_pubsub_open(&redis->pubsub);
}

static void on_pubsub_down(void *owner)
{
	redis_pubsub_close(&((struct redis_log *)owner)->pubsub);
}

static enum status on_pubsub_bytes(void *owner, struct slice bytes)
{
	struct redis_log *redis = owner;

	redis->heard_ms[LINK_PUBSUB] = redis->router->now_ms;
	link_is_good(&redis->links[LINK_PUBSUB]);
	if (redis_session_feed(&redis->pubsub.session, bytes) != STATUS_OK) {
		link_break(&redis->links[LINK_PUBSUB], redis->pubsub.session.error);
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

static struct slice pubsub_output(void *owner)
{
	return redis_session_output(&((struct redis_log *)owner)->pubsub.session);
}

static void pubsub_sent(void *owner, size_t size)
{
	redis_session_sent(&((struct redis_log *)owner)->pubsub.session, size);
}

const struct link_user redis_pubsub_user = {
	on_pubsub_up, on_pubsub_down, on_pubsub_bytes, pubsub_output, pubsub_sent, NULL,
};

void redis_listening_init(struct redis_log *redis)
{
	struct redis_pubsub_listener published = {on_published, redis};

	redis_pubsub_init(&redis->pubsub, &redis->server, published);
}
