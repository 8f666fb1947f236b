/* wire/json_byte.h - the bytes of JSON text: their classes, runs of them, escapes.
 *
 * Layer   wire (may include: base, libc); for json.c alone
 * Threads any
 * Memory  none; `at` and `end` bound what is looked at, nothing past `end` is read
 * Errors  -1 or 0 where a byte is not of the class asked for
 */
#ifndef BELFRY_WIRE_JSON_BYTE_H
#define BELFRY_WIRE_JSON_BYTE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool json_byte_is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline bool json_byte_is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* A whole character that stands for itself inside a string: ASCII, but not control characters,
 * quote and backslash. */
static inline bool json_byte_is_plain(uint8_t byte)
{
	static const bool plain[256] = {
		[0x20 ... 0x21] = true,
		[0x23 ... 0x5B] = true,
		[0x5D ... 0x7F] = true,
	};
	return plain[byte];
}

/* All eight bytes are plain. The usual tricks with borrows: the terms have a high bit set if and
 * only if some byte is below 0x20, a quote, a backslash or above 0x7F. */
static inline bool json_byte_is_plain_word(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t quote = word ^ (ones * '"');
	uint64_t backslash = word ^ (ones * '\\');
	uint64_t found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
			 ((backslash - ones) & ~backslash) | word;

	return (found & (ones * 0x80)) == 0;
}

static inline const uint8_t *json_byte_skip_space(const uint8_t *at, const uint8_t *end)
{
	while (at < end && json_byte_is_space(*at))
		at++;
	return at;
}

static inline const uint8_t *json_byte_skip_plain(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		if (!json_byte_is_plain_word(word))
			break;
		at += sizeof(word);
	}
	while (at < end && json_byte_is_plain(*at))
		at++;
	return at;
}

/* Skips bytes above 0x7F, whatever they are. */
static inline const uint8_t *json_byte_skip_high(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at >= 0x80)
		at++;
	return at;
}

/* The byte that a backslash and `byte` mean; 0: no such escape, or u. */
static inline uint8_t json_byte_unescape(uint8_t byte)
{
	static const uint8_t meant[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	return meant[byte];
}

/* The four hexadecimal digits at `at` as a number; -1: there are not four. */
static inline int json_byte_read_hex(const uint8_t *at, const uint8_t *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		uint8_t lower = at[i] | 0x20;

		if (json_byte_is_digit(at[i]))
			value = value * 16 + at[i] - '0';
		else if (lower >= 'a' && lower <= 'f')
			value = value * 16 + lower - 'a' + 10;
		else
			return -1;
	}
	return value;
}

/* Writes a code point up to 0x10FFFF as UTF-8. Returns its size, 1..4. */
static inline size_t json_byte_encode(uint32_t point, uint8_t bytes[4])
{
	static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (size_t i = size - 1; i > 0; i--, point >>= 6)
		bytes[i] = (uint8_t)(0x80 | (point & 0x3F));
	bytes[0] = (uint8_t)(leads[size] | point);
	return size;
}

/* Reads the escape that starts with the backslash at `at`; a surrogate pair is one. What it
 * means goes to `bytes` and *ret_size. Returns its size, or 0: a surrogate alone. */
static inline size_t json_byte_read_escape(const uint8_t *at, const uint8_t *end, uint8_t bytes[4],
					   size_t *ret_size)
{
	int first, second;

	if (end - at < 2)
		return 0;
	if (at[1] != 'u') {
		bytes[0] = json_byte_unescape(at[1]);
		*ret_size = 1;
		return 2;
	}
	first = json_byte_read_hex(at + 2, end);
	if (first >= 0 && (first & 0xF800) != 0xD800) {
		*ret_size = json_byte_encode((uint32_t)first, bytes);
		return 6;
	}
	if (first < 0 || (first & 0x400) || end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return 0;
	second = json_byte_read_hex(at + 8, end);
	if (second < 0 || (second & 0xFC00) != 0xDC00)
		return 0;
	*ret_size = json_byte_encode(
		0x10000 + ((uint32_t)first - 0xD800) * 0x400 + ((uint32_t)second - 0xDC00), bytes);
	return 12;
}

#endif
