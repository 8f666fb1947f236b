/* log/redis_sentinel.h - asks a Sentinel where the master is.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  the struct itself and its session
 * Errors  the session's `error`: this Sentinel is of no use now, ask the next one
 *
 * One link, one question, one answer; then the link may go. What is answered may be out of date:
 * whoever follows it makes sure that a master is there (struct redis_facts).
 */
#ifndef BELFRY_LOG_REDIS_SENTINEL_H
#define BELFRY_LOG_REDIS_SENTINEL_H

#include "log/redis_session.h"

enum redis_sentinel_state {
	REDIS_SENTINEL_CLOSED,  /* no link was there yet */
	REDIS_SENTINEL_ASKED,   /* waits for the answer */
	REDIS_SENTINEL_REFUSED, /* it wants a login first */
	REDIS_SENTINEL_LOGIN,   /* which is on its way, the question behind it */
	REDIS_SENTINEL_ANSWERED,
};

struct redis_sentinel {
	struct redis_session session;
	const struct config_redis *server;
	enum redis_sentinel_state state;
	bool is_logged_in;             /* AUTH was sent */
	struct config_address address; /* ANSWERED: host is a name or an address */
};

/* The name in server->master is what is asked for. User and password of `server` are given to
 * the Sentinel only when it wants to know them. */
void redis_sentinel_init(struct redis_sentinel *sentinel, const struct config_redis *server);
void redis_sentinel_deinit(struct redis_sentinel *sentinel);

/* A new link to a Sentinel is there: asks. When the answer has come the state is ANSWERED until
 * the next open. */
MUST_CHECK enum status redis_sentinel_open(struct redis_sentinel *sentinel);

#endif
