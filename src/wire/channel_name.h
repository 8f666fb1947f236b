/* wire/channel_name.h - the rules for channel names.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  none
 * Errors  false
 */
#ifndef BELFRY_WIRE_CHANNEL_NAME_H
#define BELFRY_WIRE_CHANNEL_NAME_H

#include "base/compiler.h"
#include "base/slice.h"

/* 1..255 bytes of UTF-8 without space, comma or control characters (C0, DEL, C1). */
MUST_CHECK bool channel_name_is_valid(struct slice name);

/* The text before the first ':'; the whole name without one. */
struct slice channel_name_namespace(struct slice name);

#endif
