/* broker/config_options.h - the configuration on the command line.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  keeps pointers into the caller's argv
 * Errors  lines in the draft's report
 *
 * --key value, --key=value; a switch may stand alone and is then on. Of two values of one key the
 * last one counts, unless it is a list.
 */
#ifndef BELFRY_BROKER_CONFIG_OPTIONS_H
#define BELFRY_BROKER_CONFIG_OPTIONS_H

#include "broker/config_draft.h"

/* What to do instead of starting. The later one of two counts. */
enum config_action {
	CONFIG_ACTION_RUN,
	CONFIG_ACTION_CHECK,
	CONFIG_ACTION_PRINT_CONFIG,
	CONFIG_ACTION_PRINT_REFERENCE,
	CONFIG_ACTION_VERSION,
	CONFIG_ACTION_HELP,
};

struct config_options {
	const char *file; /* of -c; NULL: none */
	enum config_action action;
};

/* argv[0] is the name of the program. */
void config_options_read(struct config_draft *draft, int argc, char **argv,
			 struct config_options *ret_options);

#endif
