/* router/bridge.h - what an application PUBLISHed to ws:*, and where it goes.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads any; no state, no I/O
 * Memory  the caller's
 * Errors  enum bridge_result: the message is to be counted and dropped
 *
 * Pub/Sub is for applications that already publish that way: a message has no id, is not kept and
 * not replayed, and goes out exactly as it is (clients/PROTOCOL.md).
 */
#ifndef BELFRY_ROUTER_BRIDGE_H
#define BELFRY_ROUTER_BRIDGE_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"

/* One line per result: name, why the message is dropped. */
#define BRIDGE_RESULT_TABLE(X)                                      \
	X(OK, "it goes out")                                        \
	X(BAD_CHANNEL, "no connection can be meant by its channel") \
	X(TOO_LARGE, "it is over max_message_size")                 \
	X(NOT_JSON, "it is not JSON")                               \
	X(NOT_OBJECT, "it is JSON, but not an object")

enum bridge_result {
#define X(name, text) BRIDGE_##name,
	BRIDGE_RESULT_TABLE(X)
#undef X
		BRIDGE_RESULT_COUNT
};

struct bridge_message {
	uint8_t channel_size;
	uint8_t channel[CHANNEL_SIZE_MAX]; /* as the log would name it: all, user:42, conn:... */
	struct slice payload;              /* the one given: a JSON object, byte for byte */
};

/* `channel` as PUBLISH named it: ws:broadcast goes to `all`, ws:user:{id} to user:{id},
 * ws:connection:{id} to conn:{id}, ws:channel:{channel} to that channel. `size_max`: bytes of the
 * payload. *ret_message is untouched unless the result is BRIDGE_OK. */
MUST_CHECK enum bridge_result bridge_read(struct slice channel, struct slice payload,
					  size_t size_max, struct bridge_message *ret_message);

/* The end of a sentence that begins with "dropped:", for log lines. Never NULL. */
const char *bridge_result_text(enum bridge_result result);

#endif
