/* wire/utf8.h - UTF-8 checked as it streams in.
 *
 * Layer   wire (may include: base, libc)
 * Threads any, one at a time per checker
 * Memory  the caller's 8 bytes
 * Errors  the first bad byte is final: a checker that said no says no for ever
 *
 * RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Fail-fast: the byte that
 * makes a sequence impossible is refused when it comes, not at the end of the message.
 */
#ifndef BELFRY_WIRE_UTF8_H
#define BELFRY_WIRE_UTF8_H

#include "base/compiler.h"
#include "base/slice.h"

/* All zero: nothing seen yet. */
struct utf8 {
	uint8_t needed;    /* continuation bytes that must still come */
	uint8_t low, high; /* bounds of the next continuation byte; 0 and 0 mean 0x80..0xBF */
	bool bad;
};

/* Takes `bytes`; false from the first impossible byte on. */
MUST_CHECK bool utf8_feed(struct utf8 *utf8, struct slice bytes);

/* The text may end here: nothing was bad and no sequence is open. */
MUST_CHECK bool utf8_is_complete(const struct utf8 *utf8);

/* The whole of `text` is UTF-8. */
MUST_CHECK bool utf8_is_valid(struct slice text);

#endif
