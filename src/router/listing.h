/* router/listing.h - a channel's history as JSON, for the HTTP API.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  one heap block a query, its records and its text, at most LISTING_SIZE_MAX and one
 *         message more
 * Errors  503 when bodies do not come from Redis in LISTING_PATIENCE_MS
 *
 *     {"channel":"user:42","events":[<envelope>,...],"last_event_id":"17-0","more":false}
 *
 * `more`: there are others behind last_event_id; ask again with it as `after`.
 */
#ifndef BELFRY_ROUTER_LISTING_H
#define BELFRY_ROUTER_LISTING_H

#include <stdbool.h>

#define LISTING_SIZE_MAX (4u << 20)
#define LISTING_PATIENCE_MS 5000u

struct query;
struct router;

/* Answers a query of type HISTORY, now or in a later turn. */
void listing_answer(struct router *router, struct query *query);

/* Once per turn: goes on with those that wait for bodies. */
void listing_turn(struct router *router);

/* Records have other numbers and the log is the same: those that wait begin anew. */
void listing_again_all(struct router *router);

/* Those that wait are answered with 503: at the end, and when records have other numbers. */
void listing_refuse_all(struct router *router, const char *code, const char *message);

#endif
