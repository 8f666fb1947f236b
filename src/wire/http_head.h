/* wire/http_head.h - the head of an HTTP/1.x request.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  a parsed head points into the bytes it was parsed from
 * Errors  an HTTP status code, which is the answer to give
 *
 * RFC 9112: strict where leniency lets requests be smuggled: no bare LF or CR, no space before
 * the colon, no folding, no control characters, only origin-form targets ("/path?query"), one
 * Host, which HTTP/1.1 must have. One empty line before the request is forgiven (section 2.2).
 */
#ifndef BELFRY_WIRE_HTTP_HEAD_H
#define BELFRY_WIRE_HTTP_HEAD_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"

struct http_header {
	struct slice name;
	struct slice value; /* trimmed */
};

struct http_head {
	struct slice method;
	struct slice path;     /* starts with '/', as sent, not decoded */
	struct slice query;    /* without '?'; absent when there is none */
	uint8_t minor_version; /* 0 or 1 */
	uint32_t headers_count;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t head_size; /* bytes up to and including the empty line */
};

/* What http_head_parse answers; other values are HTTP status codes: 400 malformed, 414 target
 * longer than `size_max`, 431 head over `size_max` bytes or HTTP_HEADERS_MAX lines, 505 a version
 * that is not 1.0 or 1.1. */
enum { HTTP_HEAD_PARTIAL = 0, HTTP_HEAD_COMPLETE = 1 };

/* Parses the head at the start of `bytes`. PARTIAL: more bytes are needed, *ret_head untouched.
 * What can never become a valid head is refused as early as it is seen; the answer does not
 * depend on how the bytes were cut into calls. Linear in `bytes`, nothing is kept between calls. */
MUST_CHECK int http_head_parse(struct slice bytes, size_t size_max, struct http_head *ret_head);

/* Value of the first header with this name (any case); absent when there is none. */
struct slice http_head_find(const struct http_head *head, const char *name);

/* How many headers have this name. */
uint32_t http_head_count(const struct http_head *head, const char *name);

/* Some header of this name, read as a comma separated list, has this token (any case). */
MUST_CHECK bool http_head_has_token(const struct http_head *head, const char *name,
				    const char *token);

/* The connection stays open after the answer (RFC 9112 section 9.3). */
MUST_CHECK bool http_head_is_persistent(const struct http_head *head);

/* Body size from Content-Length; 0 without one. False: malformed or given more than once (400), or
 * any Transfer-Encoding is present, which is not taken (400 or 501). */
MUST_CHECK bool http_head_body_size(const struct http_head *head, uint64_t *ret_size);

/* Percent- and plus-decodes `text` into `bytes`, which may be the same memory. Any byte may come
 * out, also 0. False: bad escape, or over `capacity`. */
MUST_CHECK bool http_percent_decode(struct slice text, uint8_t *bytes, size_t capacity,
				    size_t *ret_size);

/* Likewise for a part of a path, where a plus is a plus (RFC 3986 section 3.3). */
MUST_CHECK bool http_path_decode(struct slice text, uint8_t *bytes, size_t capacity,
				 size_t *ret_size);

/* Raw (not decoded) value of `name` in a query string; absent when there is none. The first
 * one counts. Empty value or no '=': size 0, bytes not NULL. */
struct slice http_query_find(struct slice query, const char *name);

/* Value of cookie `name` in any Cookie header (RFC 6265 section 5.4); absent without. Quotes
 * around the value are removed. The first one counts. */
struct slice http_cookie_find(const struct http_head *head, const char *name);

#endif
