/* wire/deflate.h - whole messages compressed and inflated (RFC 7692 section 7.2, RFC 1951).
 *
 * Layer   wire (may include: base, libc); the only door to zlib
 * Threads any, one at a time per codec
 * Memory  DEFLATE_MEMORY_SIZE bytes of the caller, with all that zlib takes: of them about 80 KiB
 *         are touched with zlib 1.2.13. Nothing is kept between two messages
 * Errors  a status; a codec is good again at the next message
 *
 * One codec does both directions, one message at a time. The window never outlives a message
 * (no context takeover), so what it makes does not depend on who gets it.
 */
#ifndef BELFRY_WIRE_DEFLATE_H
#define BELFRY_WIRE_DEFLATE_H

#include "base/compiler.h"
#include "base/status.h"
#include "base/writer.h"

/* Compressed with a window of 4 KiB: small enough for what clients ask for (the usual 12), and a
 * notification has little beyond it. What clients send may use 32 KiB. */
#define DEFLATE_WINDOW_BITS 12

#define DEFLATE_MEMORY_SIZE (768u << 10) /* room for zlib-ng, too, which takes more */
#define DEFLATE_TAIL_SIZE 4              /* 00 00 ff ff, the end that is not sent */

struct deflate;

/* Makes a codec in `memory`, which is aligned as malloc() does. level: 1 (fast) to 9 (small).
 * NULL: zlib refuses, or asks for more. There is nothing to undo but to free the memory. */
MUST_CHECK struct deflate *deflate_init(void *memory, size_t size, int level);

/* Bytes of the memory in use so far; what was never used was never touched. */
size_t deflate_memory_used(const struct deflate *codec);

/* Compresses the text, at least one byte, and appends the result to `writer`. It has no tail, but
 * DEFLATE_TAIL_SIZE + 1 bytes of room are needed beyond it. TOO_LARGE: there is less; the writer is
 * as it was. */
MUST_CHECK enum status deflate_compress(struct deflate *codec, struct slice text,
					struct writer *writer);

/* Writes what goes before `size` bytes that are not compressed, at most DEFLATE_STORED_MAX. They
 * may be the beginning of a message whose rest comes from deflate_compress(): that looks back to
 * nothing before it. */
#define DEFLATE_STORED_MAX 65535
#define DEFLATE_STORED_HEAD_SIZE 5
void deflate_write_stored_head(struct writer *writer, size_t size);

/* Begins to inflate a whole message, which stays where it is until the last deflate_inflate(). */
void deflate_begin(struct deflate *codec, struct slice message);

/* Inflates on into `bytes`. OK: this was the end. AGAIN: the capacity is used up and there may be
 * more. INVALID: it is corrupt or not whole. NO_MEMORY: no more calls for this message. *ret_size
 * is set in any case. Blocks with BFINAL may stand anywhere (RFC 7692 section 7.2.3.4), each begins
 * a window of its own. */
MUST_CHECK enum status deflate_inflate(struct deflate *codec, uint8_t *bytes, size_t capacity,
				       size_t *ret_size);

#endif
