/* base/slice.c - comparing and cutting of borrowed bytes. */
#include "base/slice.h"

#include <stdlib.h>

static uint8_t fold(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

bool slice_equal_fold(struct slice a, struct slice b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (fold(a.bytes[i]) != fold(b.bytes[i]))
			return false;
	return true;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

struct slice slice_trim(struct slice a)
{
	while (a.size > 0 && is_blank(a.bytes[0]))
		a = slice_skip(a, 1);
	while (a.size > 0 && is_blank(a.bytes[a.size - 1]))
		a.size--;
	return a;
}

struct slice slice_cut(struct slice *rest, uint8_t separator)
{
	struct slice piece = *rest;

	if (slice_is_absent(piece))
		return piece;
	const uint8_t *end = piece.size ? memchr(piece.bytes, separator, piece.size) : NULL;
	if (!end) {
		*rest = (struct slice){NULL, 0};
		return piece;
	}
	piece.size = (size_t)(end - piece.bytes);
	*rest = slice_skip(*rest, piece.size + 1);
	return piece;
}

bool slice_to_u64(struct slice a, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (a.size == 0)
		return false;
	for (size_t i = 0; i < a.size; i++) {
		unsigned digit = (unsigned)a.bytes[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*ret_value = value;
	return true;
}

char *slice_to_text(struct slice a)
{
	char *text = malloc(a.size + 1);

	if (!text)
		return NULL;
	if (a.size > 0)
		memcpy(text, a.bytes, a.size);
	text[a.size] = '\0';
	return text;
}
