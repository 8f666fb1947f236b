/* broker/config_draft.h - a configuration while it is being read: what is set, and by whom.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  the draft owns its places; values go into the struct config that it points to
 * Errors  lines in the report, as many as there are mistakes; reading goes on after each
 *
 * The sources are read from the strongest to the weakest. The first one that gives a key decides
 * it; what weaker ones say about it is still checked, but not taken.
 */
#ifndef BELFRY_BROKER_CONFIG_DRAFT_H
#define BELFRY_BROKER_CONFIG_DRAFT_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/config.h"
#include "broker/config.h"
#include "broker/config_table.h"

/* From the weakest to the strongest. COMMON: REDIS_URL, SECRET_KEY and ALGORITHM, which other
 * programs use too. */
enum config_level {
	CONFIG_LEVEL_NONE,
	CONFIG_LEVEL_DEFAULT,
	CONFIG_LEVEL_FILE,
	CONFIG_LEVEL_COMMON,
	CONFIG_LEVEL_ENVIRONMENT,
	CONFIG_LEVEL_COMMAND_LINE,
};

/* Where a value is written. */
struct config_place {
	enum config_level level;
	const char *where; /* "belfry.conf:12", "environment", "command line" */
	const char *name;  /* the key as it is written there */
};

/* Who decided a key. */
struct config_origin {
	enum config_level level; /* NONE until somebody gives the key */
	char *where;             /* as in config_place; of the first one, if it is a list */
	char *name;
	struct config_list item_places; /* a list: `where` of each of its items */
	bool is_wrong; /* some value for it was refused: do not look at the field */
};

struct config_draft {
	struct config *config;
	struct config_report *report;
	struct config_origin origins[CONFIG_KEY_COUNT];
};

/* *config becomes all zero; nothing is given yet. */
void config_draft_init(struct config_draft *draft, struct config *config,
		       struct config_report *report);

/* Frees the places. The values stay in the config. */
void config_draft_deinit(struct config_draft *draft);

/* The value was found at that place. Lists: it is cut at its commas, and items of one level are
 * put behind each other. A second value of the same level replaces the first one. */
void config_draft_set(struct config_draft *draft, enum config_key key, struct config_place place,
		      struct slice value);

/* Gives every key that nobody gave its default. */
void config_draft_set_defaults(struct config_draft *draft);

/* Fills the fields of struct config that are made from others, and checks what only shows there:
 * duplicates within a list. Needs every key to be given. */
void config_draft_derive(struct config_draft *draft);

/* An error line about a name that is no key, with the key that may have been meant. A name that
 * does not look like one is not repeated: it may be a piece of a secret. */
void config_draft_unknown(struct config_draft *draft, const char *where, struct slice name,
			  enum config_form form);

/* An error line about that key at the place that decided it. */
void config_draft_refuse(struct config_draft *draft, enum config_key key, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* A warning likewise. */
void config_draft_warn(struct config_draft *draft, enum config_key key, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
