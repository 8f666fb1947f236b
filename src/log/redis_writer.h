/* log/redis_writer.h - appends entries to Redis Streams.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  a ring of REDIS_WRITER_PENDING_MAX tickets
 * Errors  those of the session; STATUS_AGAIN when too many answers are still to come
 *
 * Each XADD carries a ticket that comes back with its answer, in order. When the link breaks,
 * the tickets whose answers had not come are told as unavailable: whether Redis took those
 * entries nobody knows.
 */
#ifndef BELFRY_LOG_REDIS_WRITER_H
#define BELFRY_LOG_REDIS_WRITER_H

#include "belfry/event_id.h"
#include "log/redis_session.h"

#define REDIS_WRITER_PENDING_MAX 4096u

struct redis_writer_listener {
	/* STATUS_OK with the entry's id; STATUS_INVALID when Redis refused, with its text;
	 * STATUS_UNAVAILABLE when the link broke. */
	void (*on_answer)(void *owner, void *ticket, enum status status, struct event_id id,
			  struct slice error);
	void *owner;
};

struct redis_writer {
	struct redis_session session;
	struct redis_writer_listener listener;
	bool is_open;
	bool is_ready; /* greeted */
	void **tickets;
	uint32_t first, count;
	enum status answer; /* of the reply that is being read */
	struct event_id answer_id;
	char answer_error[REDIS_ERROR_SIZE];
};

MUST_CHECK enum status redis_writer_init(struct redis_writer *writer,
					 const struct config_redis *server,
					 struct redis_writer_listener listener);
void redis_writer_deinit(struct redis_writer *writer);

MUST_CHECK enum status redis_writer_open(struct redis_writer *writer);

/* The link is gone: every ticket is told. */
void redis_writer_close(struct redis_writer *writer);

/* Entry with id "*" to `key`, trimmed to about `length_max` entries. `words` are names and
 * values in turn. STATUS_UNAVAILABLE: there is no link; STATUS_AGAIN: too many are pending. */
struct redis_writer_entry {
	struct slice key;
	uint32_t length_max;
	const struct slice *words;
	uint32_t words_count;
};
MUST_CHECK enum status redis_writer_add(struct redis_writer *writer,
					const struct redis_writer_entry *entry, void *ticket);

#endif
