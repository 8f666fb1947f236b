/* wire/entry.h - what a producer appended to the log, checked.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  an entry points into the fields it was parsed from
 * Errors  enum entry_reason: why the entry is dead; its text goes into the field `reason`
 */
#ifndef BELFRY_WIRE_ENTRY_H
#define BELFRY_WIRE_ENTRY_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/entry_field.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"

/* name, text of the field `reason` in the dead-letter stream */
#define ENTRY_REASON_TABLE(X)                                      \
	X(OK, "ok")                                                \
	X(NO_CHANNEL, "no field to")                               \
	X(BAD_CHANNEL, "to is not a channel name")                 \
	X(MANY_CHANNELS, "more than 10000 fields to")              \
	X(NO_DATA, "no field data")                                \
	X(BAD_DATA, "data is not JSON")                            \
	X(BAD_TYPE, "type or event is not 1..128 printable bytes") \
	X(BAD_ID, "id or key is not 1..255 bytes of UTF-8")        \
	X(BAD_TTL, "ttl is not a whole number of seconds")         \
	X(BAD_TIME, "ts is not an RFC 3339 time")                  \
	X(BAD_TRACE, "traceparent is not a W3C trace parent")      \
	X(TOO_LARGE, "over max_message_size")                      \
	X(MANY_FIELDS, "too many fields")

enum entry_reason {
#define X(name, text) ENTRY_##name,
	ENTRY_REASON_TABLE(X)
#undef X
};

/* Absent slices for what the producer left out. The first of a repeated field counts, but `to`. */
struct entry {
	const struct entry_field *fields;
	uint32_t fields_count;
	uint32_t channels_count; /* valid fields named `to`; the same channel twice counts twice */
	struct slice data;       /* JSON text, as given */
	struct slice type;       /* never absent: default "notification" */
	struct slice event;
	struct slice id;
	struct slice ts; /* as given, RFC 3339 */
	struct slice key;
	struct slice traceparent;
	uint32_t ttl_s; /* 0: none */
};

/* Checks the fields of one entry. *ret_entry is filled only with ENTRY_OK. `size_max` bounds the
 * sum of data, type, event, id, key and ts, in bytes. Unknown fields are ignored. Over
 * ENTRY_FIELDS_MAX fields is MANY_FIELDS before any of them is looked at. A field with an empty
 * value is there, and empty. ttl 0 means none, one over UINT32_MAX means UINT32_MAX. */
MUST_CHECK enum entry_reason entry_parse(const struct entry_field *fields, uint32_t fields_count,
					 size_t size_max, struct entry *ret_entry);

/* Walks over the channels: start with *cursor 0. False: no more. */
MUST_CHECK bool entry_next_channel(const struct entry *entry, uint32_t *cursor,
				   struct slice *ret_channel);

/* The first `traceparent` of the fields, of an entry that is good or not; absent: there is none, or
 * it is not one (W3C Trace Context section 3.2.2). It is plain ASCII. */
struct slice entry_trace(const struct entry_field *fields, uint32_t fields_count);

/* The rule for type and event: 1..128 bytes of UTF-8 without control characters (C0, DEL, C1). */
MUST_CHECK bool entry_word_is_valid(struct slice word);

const char *entry_reason_text(enum entry_reason reason);

#endif
