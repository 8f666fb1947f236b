/* belfry/entry_field.h - one field of an entry, as a producer wrote it.
 *
 * Layer   nouns (may include: libc, base)
 * Threads any; a value
 * Memory  32 bytes; points into somebody else's bytes
 * Errors  none
 */
#ifndef BELFRY_ENTRY_FIELD_H
#define BELFRY_ENTRY_FIELD_H

#include "base/slice.h"

struct entry_field {
	struct slice name;
	struct slice value;
};

#endif
