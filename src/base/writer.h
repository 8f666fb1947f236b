/* base/writer.h - writes into memory of a fixed size and remembers when it did not fit.
 *
 * Layer   base
 * Threads any, one at a time
 * Memory  the caller's; the writer never allocates
 * Errors  sticky: after the first piece that does not fit `overflow` is true, `size` stays what
 *         it was and everything later is dropped; the caller looks once, at the end
 */
#ifndef BELFRY_BASE_WRITER_H
#define BELFRY_BASE_WRITER_H

#include "base/compiler.h"
#include "base/slice.h"

struct writer {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	bool overflow; /* some piece did not fit: what was written is not whole */
};

void writer_init(struct writer *writer, void *bytes, size_t capacity);
void writer_bytes(struct writer *writer, const void *bytes, size_t size);
void writer_slice(struct writer *writer, struct slice slice);
void writer_text(struct writer *writer, const char *text);
void writer_u64(struct writer *writer, uint64_t value);
/* One formatted piece of at most WRITER_FORMAT_MAX bytes; a longer one does not fit. */
#define WRITER_FORMAT_MAX 1023
void writer_format(struct writer *writer, const char *format, ...) PRINTF_LIKE(2, 3);

/* What was written, as a slice into the caller's memory. */
static inline struct slice writer_written(const struct writer *writer)
{
	return slice_of(writer->bytes, writer->size);
}

#endif
