/* wire/publish.h - one object of the HTTP publish API as fields of an entry.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  fields point into the JSON text or into the caller's scratch memory
 * Errors  a text that names the field; NULL when all is well
 */
#ifndef BELFRY_WIRE_PUBLISH_H
#define BELFRY_WIRE_PUBLISH_H

#include "wire/entry.h"
#include "wire/json.h"

struct publish {
	struct entry_field *fields; /* the caller's, `fields_max` of them */
	uint32_t fields_max;
	uint32_t fields_count;
	uint8_t *scratch; /* the caller's: decoded strings go here; as large as the JSON text */
	size_t scratch_capacity;
	size_t scratch_size;
};

/* Turns {"to":["a","b"]|"a","type":..,"event":..,"data":<any>,"id":..,"ttl":60,"key":..,"ts":..,
 * "traceparent":..} into fields in the order of the object. `data` is taken byte for byte; ttl
 * may be a number or a string. Unknown members are ignored. Returns NULL, or a static text that
 * says which member is wrong and what is allowed; what entry_parse() checks is left to it. */
MUST_CHECK const char *publish_parse(struct json_value object, struct publish *publish);

#endif
