/* wsbench/stamp.c - writing and finding of stamps. */
#include "wsbench/stamp.h"

#include <string.h>

void stamp_write(struct writer *writer, const struct stamp *stamp, size_t size)
{
	static const char filling[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	size_t start = writer->size;

	writer_text(writer, STAMP_MARKER);
	writer_u64(writer, stamp->number);
	writer_text(writer, ",\"t\":");
	writer_u64(writer, stamp->published_ns);
	if (stamp->user != STAMP_NO_USER) {
		writer_text(writer, ",\"u\":");
		writer_u64(writer, stamp->user);
	}
	writer_text(writer, ",\"p\":\"");
	while (!writer->overflow && writer->size - start + 2 < size) {
		size_t room = size - (writer->size - start) - 2;

		writer_bytes(writer, filling,
			     room < sizeof(filling) - 1 ? room : sizeof(filling) - 1);
	}
	writer_text(writer, "\"}");
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Reads the digits at the front of *rest. */
static bool take_number(struct slice *rest, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t used = 0;

	while (used < rest->size && used < 20 && is_digit(rest->bytes[used]))
		value = value * 10 + (uint64_t)(rest->bytes[used++] - '0');
	if (used == 0)
		return false;
	*rest = slice_skip(*rest, used);
	*ret_value = value;
	return true;
}

/* Skips to the next digit; *ret_letter gets the last letter on the way. */
static void skip_to_digit(struct slice *rest, uint8_t *ret_letter)
{
	size_t used = 0;

	for (; used < rest->size && !is_digit(rest->bytes[used]); used++)
		if (rest->bytes[used] >= 'a' && rest->bytes[used] <= 'z')
			*ret_letter = rest->bytes[used];
	*rest = slice_skip(*rest, used);
}

bool stamp_find(struct slice text, struct slice marker, struct stamp *ret_stamp)
{
	struct stamp stamp = {.user = STAMP_NO_USER};
	uint8_t letter = 0;
	uint64_t number, user;

	const uint8_t *found = memmem(text.bytes, text.size, marker.bytes, marker.size);
	if (!found)
		return false;
	struct slice rest = slice_skip(text, (size_t)(found - text.bytes) + marker.size);
	if (!take_number(&rest, &number) || number >= UINT32_MAX)
		return false;
	skip_to_digit(&rest, &letter);
	if (letter != 't' || !take_number(&rest, &stamp.published_ns))
		return false;
	struct slice key = slice_of(rest.bytes, rest.size < 16 ? rest.size : 16);
	skip_to_digit(&key, &letter);
	if (letter == 'u' && key.size > 0) {
		rest = slice_skip(rest, (size_t)(key.bytes - rest.bytes));
		if (!take_number(&rest, &user) || user >= STAMP_NO_USER)
			return false;
		stamp.user = (uint32_t)user;
	}
	stamp.number = (uint32_t)number;
	*ret_stamp = stamp;
	return true;
}
