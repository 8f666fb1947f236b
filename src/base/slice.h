/* base/slice.h - bytes that somebody else owns: a pointer and a size.
 *
 * Layer   base
 * Threads any
 * Memory  a slice owns nothing; it is valid as long as what it points into
 * Errors  none; an absent slice has bytes == NULL, an empty one has size 0
 */
#ifndef BELFRY_BASE_SLICE_H
#define BELFRY_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *bytes;
	size_t size;
};

/* A string literal as a slice, without its final zero. */
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct slice slice_of(const void *bytes, size_t size)
{
	return (struct slice){(const uint8_t *)bytes, size};
}

/* A C string as a slice; NULL gives the absent slice. */
static inline struct slice slice_of_text(const char *text)
{
	return (struct slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool slice_is_absent(struct slice slice)
{
	return slice.bytes == NULL;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static inline bool slice_equal_text(struct slice a, const char *text)
{
	return slice_equal(a, slice_of_text(text));
}

static inline bool slice_starts_with(struct slice a, struct slice prefix)
{
	return a.size >= prefix.size &&
	       (prefix.size == 0 || memcmp(a.bytes, prefix.bytes, prefix.size) == 0);
}

/* What follows the first `count` bytes; count is at most a.size. */
static inline struct slice slice_skip(struct slice a, size_t count)
{
	return (struct slice){a.bytes + count, a.size - count};
}

/* Equal but for the case of ASCII letters. */
bool slice_equal_fold(struct slice a, struct slice b);

/* Without spaces and tabs at both ends (the OWS of RFC 9110 section 5.6.3). */
struct slice slice_trim(struct slice a);

/* A copy on the heap with a final zero; the caller frees it. NULL: out of memory. */
char *slice_to_text(struct slice a);

/* Cuts what is before the first `separator` off *rest and returns it; without one, all of it.
 * Returns the absent slice when *rest is absent, and makes *rest absent after the last piece. */
struct slice slice_cut(struct slice *rest, uint8_t separator);

/* Decimal digits only, no sign, at most UINT64_MAX. False, *ret_value untouched: anything else. */
bool slice_to_u64(struct slice a, uint64_t *ret_value);

#endif
