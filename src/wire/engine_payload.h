/* wire/engine_payload.h - from frames to the body of an answer to a poll.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  the writer's overflow
 *
 * What waits for an Engine.IO session waits as WebSocket frames, one packet in the payload of
 * each, so that it can go out either way; a body is packets with separators between them.
 */
#ifndef BELFRY_WIRE_ENGINE_PAYLOAD_H
#define BELFRY_WIRE_ENGINE_PAYLOAD_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"

/* Adds the packets of whole frames as a server sends them (never masked, never in parts), as long
 * as the body stays within `size_max`; but a first packet is taken whatever its size. Frames that
 * are no text are passed over. Returns how many bytes of `frames` are dealt with. The writer has
 * room for as many bytes as `frames` has beside what it has already. */
MUST_CHECK size_t engine_payload_write(struct writer *writer, struct slice frames, size_t size_max);

#endif
