/* wire/origin.h - which web pages may talk to us, by their Origin header (RFC 6454).
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  points into what was given
 * Errors  a verdict; what cannot be read is refused
 *
 * A rule of the list `allow_origin` is scheme://host[:port]; or the same with a host that begins
 * with "*.": hosts with one or more labels before what follows the star, never that host itself
 * and never one that only ends with the same letters; or "null": pages without an origin, such
 * as sandboxed frames and files; or "*": every origin but null. Scheme and host are in any case;
 * without a port the scheme's own one is meant.
 */
#ifndef BELFRY_WIRE_ORIGIN_H
#define BELFRY_WIRE_ORIGIN_H

#include "base/compiler.h"
#include "base/slice.h"

struct config_list;
struct http_head;

enum origin_verdict {
	ORIGIN_NONE,    /* no Origin header: not a web page, or one of ours that reads with GET */
	ORIGIN_SAME,    /* the list is empty, and the page comes from the host that is asked */
	ORIGIN_LISTED,  /* a rule names it */
	ORIGIN_ANY,     /* no rule names it, but the list has a "*" */
	ORIGIN_REFUSED, /* none of these, or the header is malformed, too long or there twice */
};

/* Looks at the headers Origin and Host. Same host: the same name and port. The scheme is not
 * compared, and 80 and 443 are one port when both stand for a scheme's own: behind a proxy that
 * speaks TLS we see neither. Headers longer than ORIGIN_SIZE_MAX bytes are refused. */
MUST_CHECK enum origin_verdict origin_judge(const struct config_list *rules,
					    const struct http_head *head);

/* The rule names the origin. "*" names every one but "null". Malformed ones match nothing. */
MUST_CHECK bool origin_matches(struct slice rule, struct slice origin);

/* It is one of the four forms of a rule. */
MUST_CHECK bool origin_is_rule(struct slice text);

#endif
