/* log/redis_client.h - commands to Redis, pipelined, each with somebody who hears the reply.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  a ring of pending calls that grows to REDIS_CLIENT_PENDING_MAX; the reply being read,
 *         copied, in buffers that grow to the largest
 * Errors  STATUS_UNAVAILABLE without a link, STATUS_AGAIN when too many replies are still to come
 *
 * Sans-I/O like log/redis_session.h, which moves the bytes. Replies come in the order of the
 * commands. When the link breaks every pending call is told so: what became of it nobody knows.
 * What Redis refuses is counted here as well, for there are commands whose replies nobody hears.
 */
#ifndef BELFRY_LOG_REDIS_CLIENT_H
#define BELFRY_LOG_REDIS_CLIENT_H

#include "log/redis_session.h"

#define REDIS_CLIENT_PENDING_MAX 65536u
#define REDIS_CLIENT_REFUSAL_SIZE 160 /* bytes of an error's text, with final zero */

/* A whole reply as a flat list in reading order: an array is followed by its elements. */
struct redis_value {
	enum reply_type type;
	uint32_t depth;    /* 0: the reply itself */
	struct slice text; /* TEXT, ERROR */
	uint64_t number;   /* INTEGER; ARRAY: elements */
};

struct redis_reply {
	const struct redis_value *values;
	uint32_t count;
};

/* Embedded in what the asker keeps; the client calls on_reply once, then forgets it. on_reply may
 * add commands; open() and deinit() are not for it. */
struct redis_call {
	/* STATUS_OK: see `reply`, which is valid during the call and may be of type ERROR;
	 * STATUS_UNAVAILABLE: the link broke, reply is NULL. */
	void (*on_reply)(struct redis_call *call, enum status status,
			 const struct redis_reply *reply);
};

struct redis_client {
	struct redis_session session;
	bool is_open;
	bool is_ready;             /* greeted: commands may be given */
	struct redis_call **calls; /* NULL: nobody cares for that reply */
	uint32_t calls_capacity, first, count;
	struct redis_value *values;
	uint32_t values_count, values_capacity;
	uint8_t *bytes; /* texts of the reply that is being read */
	size_t bytes_size, bytes_capacity;
	bool is_out_of_memory;                   /* in the reply that is being read */
	uint64_t refusals;                       /* replies of type ERROR, on all links so far */
	char refusal[REDIS_CLIENT_REFUSAL_SIZE]; /* the newest of them, cut off */
};

void redis_client_init(struct redis_client *client, const struct config_redis *server,
		       const char *name);

/* Calls that are still pending, because close() was not called, are forgotten. */
void redis_client_deinit(struct redis_client *client);

/* A new link is there; is_ready becomes true with the first reply to a PING of its own. A Redis
 * that refuses it fails the session (LOADING and the like), but not one that only cannot save. */
MUST_CHECK enum status redis_client_open(struct redis_client *client);

/* The link is gone: every pending call is told. */
void redis_client_close(struct redis_client *client);

/* Adds a command; the words are copied. `call` NULL: nobody hears the reply. Not STATUS_OK: it was
 * not added, and nobody is told. */
MUST_CHECK enum status redis_client_add(struct redis_client *client, const struct slice *words,
					uint32_t count, struct redis_call *call);

#endif
