/* base/writer.c - bounded writing. */
#include "base/writer.h"

#include <stdarg.h>
#include <stdio.h>

void writer_init(struct writer *writer, void *bytes, size_t capacity)
{
	*writer = (struct writer){.bytes = bytes, .capacity = capacity};
}

void writer_bytes(struct writer *writer, const void *bytes, size_t size)
{
	if (writer->overflow || size > writer->capacity - writer->size) {
		writer->overflow = true;
		return;
	}
	if (size > 0)
		memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += size;
}

void writer_slice(struct writer *writer, struct slice slice)
{
	writer_bytes(writer, slice.bytes, slice.size);
}

void writer_text(struct writer *writer, const char *text)
{
	writer_bytes(writer, text, strlen(text));
}

void writer_u64(struct writer *writer, uint64_t value)
{
	char digits[20];
	size_t start = sizeof(digits);

	do {
		digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	writer_bytes(writer, digits + start, sizeof(digits) - start);
}

void writer_format(struct writer *writer, const char *format, ...)
{
	char text[WRITER_FORMAT_MAX + 1]; /* vsnprintf wants room for a zero that nobody needs */
	va_list values;

	va_start(values, format);
	int size = vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	if (size < 0 || (size_t)size >= sizeof(text))
		writer->overflow = true;
	else
		writer_bytes(writer, text, (size_t)size);
}
