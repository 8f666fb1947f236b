/* wire/base64.c - base64 and base64url. */
#include "wire/base64.h"

static const char digits_plain[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
static const char digits_url[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_";

/* Writes the digits of 1..3 bytes, without padding. Returns how many. */
static size_t write_group(const char *digits, struct slice bytes, char *text)
{
	uint32_t bits = (uint32_t)bytes.bytes[0] << 16;

	if (bytes.size > 1)
		bits |= (uint32_t)bytes.bytes[1] << 8;
	if (bytes.size > 2)
		bits |= bytes.bytes[2];
	for (size_t i = 0; i <= bytes.size; i++)
		text[i] = digits[bits >> (18 - 6 * i) & 63];
	return bytes.size + 1;
}

static size_t write_digits(const char *digits, struct slice bytes, char *text)
{
	size_t written = 0;

	for (size_t at = 0; at < bytes.size; at += 3) {
		size_t left = bytes.size - at;

		written += write_group(digits, slice_of(bytes.bytes + at, left < 3 ? left : 3),
				       text + written);
	}
	return written;
}

size_t base64_write(struct slice bytes, char *text)
{
	size_t written = write_digits(digits_plain, bytes, text);

	while (written % 4)
		text[written++] = '=';
	return written;
}

size_t base64url_write(struct slice bytes, char *text)
{
	return write_digits(digits_url, bytes, text);
}

/* 0..63, or 64 for a byte that is no digit. `digits` tells the alphabet. */
static unsigned digit_value(const char *digits, uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (unsigned)byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return (unsigned)byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return (unsigned)byte - '0' + 52;
	return byte == (uint8_t)digits[62] ? 62 : byte == (uint8_t)digits[63] ? 63 : 64;
}

/* `text` is without padding. */
static bool parse_digits(const char *digits, struct slice text, uint8_t *bytes, size_t capacity,
			 size_t *ret_size)
{
	size_t size = 0;
	uint32_t bits = 0;
	unsigned bits_count = 0;

	if (text.size % 4 == 1 || text.size / 4 * 3 + text.size % 4 * 3 / 4 > capacity)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned value = digit_value(digits, text.bytes[i]);

		if (value == 64)
			return false;
		bits = bits << 6 | value;
		bits_count += 6;
		if (bits_count >= 8) {
			bits_count -= 8;
			bytes[size++] = (uint8_t)(bits >> bits_count);
			bits &= (1u << bits_count) - 1;
		}
	}
	if (bits)
		return false;
	*ret_size = size;
	return true;
}

bool base64_parse(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	if (text.size % 4)
		return false;
	for (int padding = 0; padding < 2; padding++)
		if (text.size > 0 && text.bytes[text.size - 1] == '=')
			text.size--;
	return parse_digits(digits_plain, text, bytes, capacity, ret_size);
}

bool base64url_parse(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	return parse_digits(digits_url, text, bytes, capacity, ret_size);
}
