/* shard/demo_page.h - the demonstration page, built in.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads any; constant
 * Memory  static
 * Errors  none
 */
#ifndef BELFRY_SHARD_DEMO_PAGE_H
#define BELFRY_SHARD_DEMO_PAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t demo_page[];
extern const size_t demo_page_size;

#endif
