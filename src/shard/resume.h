/* shard/resume.h - what a client that connects says of its past.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  false: the device has a name that is not allowed; other things that make no sense are
 *         ignored, as if they were not there
 */
#ifndef BELFRY_SHARD_RESUME_H
#define BELFRY_SHARD_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"
#include "wire/http_head.h"

struct resume {
	bool has_after; /* last_event_id or lastEventId of the query, else header Last-Event-ID */
	struct event_id after;
	bool has_identity; /* connection_id of the query, only with has_after */
	char identity[CONNECTION_ID_SIZE];
	uint8_t device[DEVICE_SIZE_MAX]; /* of the query; 1 to 64 printable ASCII characters */
	size_t device_size;              /* 0: none */
};

MUST_CHECK bool resume_read(const struct http_head *head, struct resume *ret_resume);

/* For an EventSource, which comes back to the URL that it was made with: a position in the header
 * is newer than that of the query, and takes its place. */
void resume_prefer_header(const struct http_head *head, struct resume *resume);

#endif
