/* wire/entry_pack.h - a checked entry without its channels, as one run of bytes and back.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's; an unpacked entry points into the packed bytes
 * Errors  false: the bytes are not what entry_pack_write made
 */
#ifndef BELFRY_WIRE_ENTRY_PACK_H
#define BELFRY_WIRE_ENTRY_PACK_H

#include "base/compiler.h"
#include "wire/entry.h"

/* Bytes that entry_pack_write writes. */
size_t entry_pack_size(const struct entry *entry);

/* `bytes` has entry_pack_size() of room. */
void entry_pack_write(const struct entry *entry, uint8_t *bytes);

/* All members but fields, fields_count and channels_count, which are 0. */
MUST_CHECK bool entry_pack_read(struct slice bytes, struct entry *ret_entry);

#endif
