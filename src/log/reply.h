/* log/reply.h - replies of Redis, told piece by piece while they are read; no reply tree.
 *
 * Layer   log (may include: base, hiredis)
 * Threads any, one at a time per parser
 * Memory  hiredis' reader buffers what has come and is not whole yet
 * Errors  STATUS_INVALID: not RESP; the link cannot be used any more
 */
#ifndef BELFRY_LOG_REPLY_H
#define BELFRY_LOG_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"

enum reply_type { REPLY_TEXT, REPLY_ERROR, REPLY_INTEGER, REPLY_NIL, REPLY_ARRAY };

/* One value inside a reply. */
struct reply_token {
	enum reply_type type;
	uint32_t depth;    /* 0: the reply itself */
	uint32_t index;    /* position among its siblings */
	bool is_last;      /* the last of its siblings; true at depth 0 */
	struct slice text; /* TEXT, ERROR: valid during the call */
	uint64_t number;   /* INTEGER: the value; ARRAY: how many elements follow */
};

/* Both are called while reply_feed runs. */
struct reply_listener {
	void (*on_token)(void *owner, const struct reply_token *token);
	void (*on_end)(void *owner); /* the reply is whole */
	void *owner;
};

struct reply;

MUST_CHECK struct reply *reply_create(struct reply_listener listener);
void reply_destroy(struct reply *reply);

/* Reads `bytes`, wherever they cut a reply. */
MUST_CHECK enum status reply_feed(struct reply *reply, struct slice bytes);

#endif
