/* router/framing.h - an entry of the log becomes a notice.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the notice, one allocation
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_ROUTER_FRAMING_H
#define BELFRY_ROUTER_FRAMING_H

#include "base/compiler.h"
#include "belfry/notice.h"
#include "wire/entry.h"

/* A notice with one reference for `channels`, whose names are copied. With one channel its
 * frame is made whole; with more, its head and tail. */
MUST_CHECK struct notice *framing_create(const struct entry *entry, struct event_id id,
					 const struct notice_channel *channels, uint32_t count);

#endif
