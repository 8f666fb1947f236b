/* wire/base64.h - base64 and base64url (RFC 4648 sections 4 and 5).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  a decoder refuses any byte outside its alphabet, misplaced padding and set bits in
 *         the unused part of the last digit, so each value has one spelling
 */
#ifndef BELFRY_WIRE_BASE64_H
#define BELFRY_WIRE_BASE64_H

#include "base/compiler.h"
#include "base/slice.h"

/* Digits needed for `size` bytes, with and without padding. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)
#define BASE64URL_SIZE(size) (((size)*4 + 2) / 3)

/* Writes BASE64_SIZE(bytes.size) characters with padding to `text`. Returns how many. */
size_t base64_write(struct slice bytes, char *text);

/* Writes BASE64URL_SIZE(bytes.size) characters without padding to `text`. Returns how many. */
size_t base64url_write(struct slice bytes, char *text);

/* Padded base64. False, *ret_size untouched: not base64, or more than `capacity` bytes. */
MUST_CHECK bool base64_parse(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size);

/* Unpadded base64url, same answers. */
MUST_CHECK bool base64url_parse(struct slice text, uint8_t *bytes, size_t capacity,
				size_t *ret_size);

#endif
