/* wire/sse.h - writes an event stream: Server-Sent Events, text/event-stream.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's writer
 * Errors  the writer's overflow
 *
 * HTML Living Standard section 9.2: a stream is lines, ended by CR, LF or CRLF, and an empty line
 * ends an event. Whatever text comes in here, it cannot end a field early: a line break in data
 * begins a further `data:` line, which readers put together again with LF; in a type or a comment,
 * where no line break can be had, it becomes '_', like all control characters.
 */
#ifndef BELFRY_WIRE_SSE_H
#define BELFRY_WIRE_SSE_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"
#include "belfry/event_id.h"

#define SSE_PARTS_MAX 3

struct sse_event {
	struct event_id id; /* 0-0: no `id:` line; the reader keeps the one it has */
	struct slice type;  /* absent or empty: no `event:` line, which readers call "message" */
	struct slice parts[SSE_PARTS_MAX]; /* the data, one after the other; some may be absent */
	bool is_flat; /* each line break in the data is a blank instead: the same for JSON */
};

/* Bytes that sse_write_event writes. An event without a byte of data is not dispatched by
 * readers, but its id is none to them either: give it some. */
size_t sse_event_size(const struct sse_event *event);

/* Likewise for data that are JSON: makes the event flat when it is over `size_max` otherwise. */
size_t sse_event_fit(struct sse_event *event, size_t size_max);

void sse_write_event(struct writer *writer, const struct sse_event *event);

/* An event that was read: its lines of data, as they stand there. */
struct sse_cut {
	struct event_id id; /* 0-0: it has none */
	struct slice data;
};

/* Cuts the event at the start of *bytes off, one that sse_write_event has written. False, *bytes
 * untouched: there is no whole one. */
MUST_CHECK bool sse_cut_event(struct slice *bytes, struct sse_cut *ret_cut);

/* Writes the data of an event that was cut off, its lines with LF between them. Never more bytes
 * than cut->data has. */
void sse_write_data(struct writer *writer, const struct sse_cut *cut);

/* From now on a reader whose stream has ended waits so long before it comes back. */
void sse_write_retry(struct writer *writer, uint32_t retry_ms);

/* A line that readers skip: it keeps a silent stream alive in proxies. */
void sse_write_comment(struct writer *writer, const char *text);

#endif
