/* wsbench/template.h - text with {names} in it, for paths and frames of any server.
 *
 * Layer   wsbench (may include: base)
 * Threads any
 * Memory  the caller's
 * Errors  the writer's overflow; a name that has no value is left as it stands, so that JSON
 *         braces need no escape
 */
#ifndef BELFRY_WSBENCH_TEMPLATE_H
#define BELFRY_WSBENCH_TEMPLATE_H

#include "base/writer.h"

struct template_value {
	const char *name; /* without braces */
	struct slice value;
};

/* Writes `text` with each {name} replaced by its value. */
void template_write(struct writer *writer, const char *text, const struct template_value *values,
		    size_t values_count);

/* `text` has {name} in it. */
MUST_CHECK bool template_has(const char *text, const char *name);

#endif
