/* log/redis_pubsub.h - hears what applications PUBLISH to the ws:* channels of Redis.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  the struct itself and its session; a payload is told where hiredis has read it
 * Errors  those of the session (log/redis_session.h)
 *
 * ws:broadcast, ws:user:*, ws:connection:* and ws:channel:*, on one link that carries nothing
 * else. What is published while the link is down is lost: that is Pub/Sub. A link that says
 * nothing may be half open; the owner of the clock notices it with redis_pubsub_ping.
 */
#ifndef BELFRY_LOG_REDIS_PUBSUB_H
#define BELFRY_LOG_REDIS_PUBSUB_H

#include "log/redis_session.h"

#define REDIS_PUBSUB_CHANNEL_SIZE 512 /* bytes of a channel that are kept */

struct redis_pubsub_listener {
	/* A message, in the order of Redis; the slices are valid during the call. A channel over
	 * REDIS_PUBSUB_CHANNEL_SIZE is cut there: it is then still too long for any receiver. */
	void (*on_message)(void *owner, struct slice channel, struct slice payload);
	void *owner;
};

struct redis_pubsub {
	struct redis_session session;
	struct redis_pubsub_listener listener;
	bool is_ready;          /* every subscription is confirmed */
	uint32_t confirmed;     /* subscriptions, since open() */
	uint32_t pings_pending; /* whose answer is still to come */
	uint8_t kind;           /* of the reply that is being read */
	uint16_t channel_size;  /* and its channel */
	uint8_t channel[REDIS_PUBSUB_CHANNEL_SIZE];
};

void redis_pubsub_init(struct redis_pubsub *pubsub, const struct config_redis *server,
		       struct redis_pubsub_listener listener);
void redis_pubsub_deinit(struct redis_pubsub *pubsub);

/* A new link is there: subscribes. */
MUST_CHECK enum status redis_pubsub_open(struct redis_pubsub *pubsub);

/* The link is gone. */
void redis_pubsub_close(struct redis_pubsub *pubsub);

/* Asks for a sign of life; whatever arrives is one. Open only. STATUS_AGAIN: the last one is not
 * answered yet. */
MUST_CHECK enum status redis_pubsub_ping(struct redis_pubsub *pubsub);

#endif
