/* router/queries.h - what is asked over HTTP, answered from what the router knows.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  a query is admin's; the router has it from the lane `queries` until it pushes it to
 *         `answers`; the body it adds is heap, freed by admin
 * Errors  an HTTP status and the usual error object; without memory for a body: 503 and none
 *
 * Every query gets one answer, at once or in a later turn. Admin has checked the subject: it is
 * a channel name, or may follow "user:" or "conn:" in one; `limit` is within 1..1000.
 */
#ifndef BELFRY_ROUTER_QUERIES_H
#define BELFRY_ROUTER_QUERIES_H

#include "base/compiler.h"
#include "belfry/query.h"
#include "router/router_state.h"

/* Takes queries from admin, a bounded number in one turn. True: some were left. */
MUST_CHECK bool queries_drain(struct router *router);

/* Once per turn: those that wait for a partition of the log. */
void queries_turn(struct router *router);

/* Gives the query back with a copy of `body`, which is JSON text. It is admin's from then on. */
void queries_answer(struct router *router, struct query *query, int status, struct slice body);

/* Likewise, with {"error":"<code>","message":"<message>"}: plain ASCII without quotes. */
void queries_refuse(struct router *router, struct query *query, int status, const char *code,
		    const char *message);

#endif
