/* router/framing.h - an entry of the log becomes a notice.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the notice, one allocation
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_ROUTER_FRAMING_H
#define BELFRY_ROUTER_FRAMING_H

#include "base/compiler.h"
#include "belfry/encoding.h"
#include "belfry/notice.h"
#include "wire/entry.h"

/* A notice with one reference for `channels`, whose names are copied. With one channel its
 * frame is made whole; with more, its head and tail. */
MUST_CHECK struct notice *framing_create(const struct entry *entry, struct event_id id,
					 const struct notice_channel *channels, uint32_t count);

/* A notice of `text` as it is, one text message, for one channel; without an event id. */
MUST_CHECK struct notice *framing_create_text(struct slice text,
					      const struct notice_channel *channel);

/* A notice whose frame is `frames`, whole frames for one connection, the last one of them of the
 * entry `last`. */
MUST_CHECK struct notice *framing_create_replay(struct slice frames, struct event_id last);

/* An entry as it is replayed to a connection. */
struct framing {
	const struct entry *entry;
	struct event_id id;
	struct slice channel;
	enum encoding encoding;
	struct slice name_space; /* of Socket.IO, when the encoding is one of its */
	size_t size_max; /* SSE: of the event, as far as line breaks in its data make it longer */
};

/* Bytes that framing_write needs at most. */
size_t framing_size_max(const struct framing *framing);

/* Writes it whole in its encoding, and returns its size. */
size_t framing_write(uint8_t *bytes, const struct framing *framing);

#endif
