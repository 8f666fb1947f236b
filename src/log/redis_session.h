/* log/redis_session.h - one link to Redis as bytes in and bytes out.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  an output buffer that grows to what one burst of commands needs
 * Errors  a sticky text: the link must be dropped, and may be made anew
 *
 * A session greets (AUTH, SELECT, CLIENT SETNAME), then belongs to its owner, who writes
 * commands and hears every reply after the greeting. It performs no I/O: the owner of the
 * socket takes bytes from redis_session_output and gives those that arrive.
 */
#ifndef BELFRY_LOG_REDIS_SESSION_H
#define BELFRY_LOG_REDIS_SESSION_H

#include "belfry/config.h"
#include "log/reply.h"

#define REDIS_ERROR_SIZE 192

struct redis_session {
	const struct config_redis *server;
	const char *name; /* for CLIENT LIST; a plain word. NULL: no greeting at all */
	struct reply *reply;
	struct reply_listener listener; /* the owner's */
	uint8_t *output;
	size_t output_size, output_sent, output_capacity;
	uint32_t greetings_left;      /* replies to the greeting that are still to come */
	char error[REDIS_ERROR_SIZE]; /* empty while all is well; never holds a password */
};

void redis_session_init(struct redis_session *session, const struct config_redis *server,
			const char *name, struct reply_listener listener);
void redis_session_deinit(struct redis_session *session);

/* A new link: forgets the old one and writes the greeting. */
MUST_CHECK enum status redis_session_open(struct redis_session *session);

/* Adds a command. STATUS_NO_MEMORY: it was not added. */
MUST_CHECK enum status redis_session_command(struct redis_session *session,
					     const struct slice *words, uint32_t count);

/* Bytes that wait to be sent; size 0: none. They stay where they are until redis_session_sent,
 * as long as no command is added. */
struct slice redis_session_output(const struct redis_session *session);
void redis_session_sent(struct redis_session *session, size_t size);

/* Bytes that have arrived. Not STATUS_OK: see `error`. */
MUST_CHECK enum status redis_session_feed(struct redis_session *session, struct slice bytes);

/* Makes the session fail with a text; the first one stays. */
void redis_session_fail(struct redis_session *session, const char *what, struct slice detail);

#endif
