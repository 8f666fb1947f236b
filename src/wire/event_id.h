/* wire/event_id.h - event ids as text ("1769337000000-0").
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  false for anything but two decimal numbers with a dash (a single number means "-0")
 */
#ifndef BELFRY_WIRE_EVENT_ID_H
#define BELFRY_WIRE_EVENT_ID_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"
#include "belfry/event_id.h"

MUST_CHECK bool event_id_parse(struct slice text, struct event_id *ret_id);

void event_id_write(struct writer *writer, struct event_id id);

/* Unix milliseconds as RFC 3339 in UTC: "2026-01-25T10:30:00.000Z", 24 characters. Times past
 * the year 9999 are written as its last millisecond. */
void event_id_write_time(struct writer *writer, uint64_t unix_ms);

/* `text` is an RFC 3339 date-time (section 5.6). */
MUST_CHECK bool event_id_time_is_valid(struct slice text);

#endif
