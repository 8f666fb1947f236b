/* router/presence_question.h - who is online on any node, asked of Redis.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  a heap block for each question until it is answered
 * Errors  see below; the answer itself may be 503
 */
#ifndef BELFRY_ROUTER_PRESENCE_QUESTION_H
#define BELFRY_ROUTER_PRESENCE_QUESTION_H

#include "router/presence_redis.h"

/* Asks for the presence of a user, or for a connection of whatever node; the answers are those of
 * router/presence_answer.h. STATUS_OK: the listener hears it, once, with `asker`; else it does
 * not. STATUS_INVALID: nobody can have such a name. */
MUST_CHECK enum status presence_question_user(struct presence_redis *redis, struct slice user,
					      void *asker);
MUST_CHECK enum status presence_question_conn(struct presence_redis *redis, struct slice id,
					      void *asker);

#endif
