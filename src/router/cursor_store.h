/* router/cursor_store.h - where cursors outlive the node: Redis, or the log's file.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  none here; see router/cursor_redis.h, log/embedded_log.h
 * Errors  what cannot be written stays dirty and is tried again
 */
#ifndef BELFRY_ROUTER_CURSOR_STORE_H
#define BELFRY_ROUTER_CURSOR_STORE_H

#include <stdbool.h>

#include "base/slice.h"

#define CURSOR_WRITES_MAX 20000u /* of a second; without scripts three commands each */
#define CURSOR_FLUSH_MS 1000u

struct cursor;
struct replay;
struct router;

/* Asks Redis for the cursor; the replay is woken when it is KNOWN. False: Redis is away. */
bool cursor_store_ask(struct replay *replay, struct cursor *cursor);

/* Once per turn: writes what has moved, once a second. */
void cursor_store_turn(struct router *router);

/* Writes everything that has moved, now: the node ends. */
void cursor_store_flush(struct router *router);

/* A mark of the log's file, as cursor_store_turn wrote it. */
void cursor_store_on_mark(struct router *router, struct slice key, struct slice value);

#endif
