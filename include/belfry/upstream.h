/* belfry/upstream.h - what a client sends on purpose, on its way from shard to router.
 *
 * Layer   nouns (may include: libc, base)
 * Threads made by a shard, pushed with a receipt, freed by the router
 * Memory  one heap block: struct, then the bytes that all slices point into; `ref` is a block of
 *         its own that goes back with the answer
 * Errors  none
 */
#ifndef BELFRY_UPSTREAM_H
#define BELFRY_UPSTREAM_H

#include "base/slice.h"
#include "belfry/event_id.h"

enum upstream_type {
	UPSTREAM_MARK_READ,     /* id */
	UPSTREAM_MARK_ALL_READ, /* nothing more */
	UPSTREAM_DELETE,        /* id */
	UPSTREAM_TYPING,        /* to, data */
	UPSTREAM_UNKNOWN,       /* event: its type; data: the whole message */
	UPSTREAM_PUBLISH,       /* channel, event, data; the shard has checked that it is allowed */
};

struct upstream {
	enum upstream_type type;
	char *ref; /* JSON text, heap, terminated; NULL: without */
	struct slice user;
	struct slice connection_id;
	struct slice id;      /* of the notification: the producer's, else its event id */
	struct slice to;      /* a user */
	struct slice channel; /* a valid channel name */
	struct slice event;   /* absent: without */
	struct slice data;    /* JSON text; absent: without */
};

/* What became of it: code and text of the `error`, or OK for an `ack`. */
#define UPSTREAM_ANSWER_TABLE(X)                                                          \
	X(OK, "ok", "")                                                                   \
	X(NOT_FOUND, "not_found", "there is no such notification in the inbox")           \
	X(UNAVAILABLE, "log_unavailable", "the log cannot be reached, nothing was taken") \
	X(REFUSED, "log_refused", "the log refused it, nothing was taken")                \
	X(UNKNOWN, "log_unknown", "the log did not answer: it was taken or not")          \
	X(OFF, "unsupported", "this is switched off on this server")                      \
	X(TOO_LARGE, "too_large", "the data is over max_message_size")                    \
	X(BUSY, "overload", "too much waits to be written to the log")

enum upstream_answer {
#define X(name, code, text) UPSTREAM_ANSWER_##name,
	UPSTREAM_ANSWER_TABLE(X)
#undef X
};

#endif
