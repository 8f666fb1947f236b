/* broker/config.h - reads the configuration: command line, environment, file, defaults.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  config_load() fills a struct config that config_deinit() empties, and a report that
 *         config_report_deinit() empties, whatever the outcome was
 * Errors  one line for each mistake, all of them, in the report; no line ever holds a secret
 *
 *     belfry [-c belfry.conf] [--key value | --key=value | --switch]...
 *     belfry --help | --version | --print-reference | --check | --print-config
 *
 * Command line beats environment beats file beats defaults. A list from a stronger source replaces
 * the whole list of a weaker one. `key = value` in the file, `# comment` on a line or behind a
 * blank. In the environment BELFRY_KEY; REDIS_URL, SECRET_KEY and ALGORITHM count where
 * BELFRY_REDIS, BELFRY_SECRET_KEY and BELFRY_ALGORITHM are not given; each of these names with
 * _FILE behind it names a file that holds the value. On the command line the last one of two
 * values of a key counts; in the file two values are an error.
 */
#ifndef BELFRY_BROKER_CONFIG_H
#define BELFRY_BROKER_CONFIG_H

#include "base/compiler.h"
#include "belfry/config.h"

#include <stdio.h>

#define CONFIG_EXIT_WRONG 64 /* EX_USAGE of sysexits.h: what main exits with after WRONG */

enum config_outcome {
	CONFIG_RUN,   /* start; warnings may be in the report */
	CONFIG_SHOWN, /* what was asked for has been printed: exit 0 */
	CONFIG_WRONG, /* errors are in the report: print it, exit CONFIG_EXIT_WRONG */
};

/* Where it is read from, again at each reload. The file is named among the words. */
struct config_source {
	int argc;
	char **argv;
	char **environ_list; /* ends with NULL */
};

/* What there is to say to the operator. `shown` is where --help and its like are printed; NULL is
 * stdout. Initialize with {0} or with .shown alone. */
struct config_report {
	FILE *shown;
	struct config_list errors;   /* lines without a line break */
	struct config_list warnings; /* likewise */
};

/* Reads everything. environ_list ends with NULL, as environ does. *config need not be initialized,
 * *report must be. Does not print errors and warnings. */
MUST_CHECK enum config_outcome config_load(struct config *config, int argc, char **argv,
					   char **environ_list, struct config_report *report);

/* Frees everything, secrets overwritten first. *config is all zero afterwards. */
void config_deinit(struct config *config);

/* Adds an error line. */
void config_report_error(struct config_report *report, const char *format, ...) PRINTF_LIKE(2, 3);

/* Prints the warnings, each behind "warning: ", and the errors, one a line. */
void config_report_print(const struct config_report *report, FILE *out);
void config_report_deinit(struct config_report *report);

#endif
