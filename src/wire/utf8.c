/* wire/utf8.c - UTF-8 checked as it streams in. */
#include "wire/utf8.h"

/* Size of the run of ASCII at the start of `text`, rounded down to whole words. */
static size_t ascii_words_size(struct slice text)
{
	size_t at = 0;
	uint64_t word;

	for (; text.size - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, text.bytes + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

/* The second byte of some sequences has narrower bounds: that alone keeps out overlong forms,
 * surrogates and everything above U+10FFFF (table 3-7 of the Unicode standard). */
static bool take_lead(struct utf8 *utf8, uint8_t byte)
{
	if (byte < 0x80)
		return true;
	if (byte < 0xC2 || byte > 0xF4)
		return false;
	utf8->needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
	utf8->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
	utf8->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
	return true;
}

static bool take_continuation(struct utf8 *utf8, uint8_t byte)
{
	uint8_t low = utf8->low ? utf8->low : 0x80;
	uint8_t high = utf8->high ? utf8->high : 0xBF;

	if (byte < low || byte > high)
		return false;
	utf8->needed--;
	utf8->low = 0;
	utf8->high = 0;
	return true;
}

bool utf8_feed(struct utf8 *utf8, struct slice bytes)
{
	size_t at = 0;

	while (at < bytes.size && !utf8->bad) {
		if (utf8->needed > 0) {
			utf8->bad = !take_continuation(utf8, bytes.bytes[at++]);
			continue;
		}
		at += ascii_words_size(slice_skip(bytes, at));
		if (at < bytes.size)
			utf8->bad = !take_lead(utf8, bytes.bytes[at++]);
	}
	return !utf8->bad;
}

bool utf8_is_complete(const struct utf8 *utf8)
{
	return !utf8->bad && utf8->needed == 0;
}

bool utf8_is_valid(struct slice text)
{
	struct utf8 utf8 = {0};

	return utf8_feed(&utf8, text) && utf8_is_complete(&utf8);
}
