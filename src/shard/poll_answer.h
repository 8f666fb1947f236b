/* shard/poll_answer.h - the events that a poll has collected, as one JSON object.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads any
 * Memory  the caller's; takes the bytes out of the outbox that it is given
 * Errors  none: the writer is large enough, see poll_answer_size_max
 */
#ifndef BELFRY_SHARD_POLL_ANSWER_H
#define BELFRY_SHARD_POLL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/writer.h"
#include "belfry/event_id.h"
#include "shard/outbox.h"

struct poll_answer {
	uint32_t limit;           /* events at most */
	struct event_id position; /* the client has all up to there with this answer, if nothing
				   * is left out for the limit; 0-0: it is not known */
	bool is_recovered;
	bool has_unread;
	uint32_t unread; /* when has_unread */
	uint64_t epoch;
};

/* Bytes that the answer takes at most. */
size_t poll_answer_size_max(const struct outbox *outbox);

/* Writes {"events":[envelope,..],"last_event_id":"..","recovered":..,"unread":..,"epoch":".."}
 * from an outbox of whole events (wire/sse.h), which is empty then. What is over the limit is
 * left out, and the position is that of the last one that is in. Returns how many are in. */
uint32_t poll_answer_write(struct writer *writer, const struct poll_answer *answer,
			   struct outbox **outbox);

#endif
