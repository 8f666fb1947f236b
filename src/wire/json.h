/* wire/json.h - checks and reads JSON text in place (RFC 8259).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  values are slices of the text; strings are decoded only when asked, into the caller's
 * Errors  false; the text is then not JSON. Nesting over JSON_DEPTH_MAX counts as not JSON
 *
 * Check once with json_is_valid(); the readers below expect text that passed.
 */
#ifndef BELFRY_WIRE_JSON_H
#define BELFRY_WIRE_JSON_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_value {
	enum json_type type;
	struct slice text; /* as in the source, with quotes or brackets */
};

/* `text` is one JSON value with white space around it, in valid UTF-8 (unpaired \u surrogates
 * are let through in `text`, as RFC 8259 section 8.2 does). `levels` of nesting do not count: for
 * a text around values that are to be valid by themselves. They are few, since they take stack. */
MUST_CHECK bool json_is_valid_around(struct slice text, unsigned levels);

MUST_CHECK static inline bool json_is_valid(struct slice text)
{
	return json_is_valid_around(text, 0);
}

/* The value in `text`, which is valid, without the white space around it. */
struct json_value json_read(struct slice text);

/* Walks over the members of an object or the elements of an array. */
struct json_walk {
	struct slice rest;
};

void json_walk_init(struct json_walk *walk, struct json_value container);

/* Next member of an object: *ret_key is the key's text with its quotes. False: no more. */
MUST_CHECK bool json_walk_member(struct json_walk *walk, struct slice *ret_key,
				 struct json_value *ret_value);

/* Next element of an array. False: no more. */
MUST_CHECK bool json_walk_element(struct json_walk *walk, struct json_value *ret_value);

/* First member with this key (escapes in the text are seen through). False: none, or not an
 * object. */
MUST_CHECK bool json_find(struct json_value object, const char *key, struct json_value *ret_value);

/* How many members of the object have this key: duplicates are an attack in tokens. */
uint32_t json_count(struct json_value object, const char *key);

/* The string `text` (with quotes) means the same bytes as `plain`. */
MUST_CHECK bool json_string_equal(struct slice text, struct slice plain);

/* Decodes a string's text into UTF-8. False, *ret_size untouched: over `capacity`, or an
 * unpaired surrogate. Decoded text is never longer than `text`. */
MUST_CHECK bool json_string_decode(struct slice text, uint8_t *bytes, size_t capacity,
				   size_t *ret_size);

/* A number as a whole number, rounded down (1e3 and 12.7 are taken).
 * False: not a number or outside of int64. */
MUST_CHECK bool json_number_to_i64(struct json_value value, int64_t *ret_number);

/* Writes `plain` as a JSON string with quotes; UTF-8 goes through as it is, control characters,
 * quote and backslash are escaped. Bytes that are not UTF-8 become U+FFFD. */
void json_write_string(struct writer *writer, struct slice plain);

#endif
