/* broker/config_table.h - CONFIG_TABLE as rows: finding a key, naming it, what it allows.
 *
 * Layer   broker
 * Threads any; constants
 * Memory  static; texts are written into the caller's memory
 * Errors  an unknown name is CONFIG_KEY_COUNT
 */
#ifndef BELFRY_BROKER_CONFIG_TABLE_H
#define BELFRY_BROKER_CONFIG_TABLE_H

#include "base/slice.h"
#include "belfry/config.h"

#include <stddef.h>

enum config_kind {
#define X(kind, type) CONFIG_KIND_##kind,
	CONFIG_KIND_TABLE(X)
#undef X
};

/* One row of CONFIG_TABLE; see there. */
struct config_row {
	const char *key;
	enum config_kind kind;
	size_t offset; /* of the field in struct config */
	const char *fallback;
	uint32_t min;
	uint32_t max;
	unsigned flags;
	const char *allowed;
	const char *help;
};

/* How a key is written: heartbeat_interval, --heartbeat-interval, BELFRY_HEARTBEAT_INTERVAL. */
enum config_form { CONFIG_FORM_FILE, CONFIG_FORM_OPTION, CONFIG_FORM_ENVIRONMENT };

#define CONFIG_NAME_SIZE 64     /* any key in any form, with the final zero */
#define CONFIG_ALLOWED_SIZE 256 /* any text of what is allowed, with the final zero */

extern const struct config_row config_rows[CONFIG_KEY_COUNT];

/* Writes the key's name in that form. out has CONFIG_NAME_SIZE bytes. Returns out. */
const char *config_row_name(enum config_key key, enum config_form form, char *out);

/* The key of that name, written as that form asks. */
enum config_key config_row_find(struct slice name, enum config_form form);

/* The key whose name, or the beginning of it, is the fewest edits away from what was written;
 * CONFIG_KEY_COUNT when none is near. */
enum config_key config_row_nearest(struct slice name, enum config_form form);

/* What the key allows, for people, on one line: "1k..64k". out has CONFIG_ALLOWED_SIZE bytes.
 * Returns out. */
const char *config_row_allowed(enum config_key key, char *out);

/* The field of that key. */
static inline void *config_row_field(struct config *config, enum config_key key)
{
	return (char *)config + config_rows[key].offset;
}

static inline const void *config_row_peek(const struct config *config, enum config_key key)
{
	return (const char *)config + config_rows[key].offset;
}

#endif
