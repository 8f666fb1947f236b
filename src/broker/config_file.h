/* broker/config_file.h - the configuration file: lines of `key = value`.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  the file is read into memory whole, used and overwritten
 * Errors  lines in the draft's report
 *
 * A line is blank, a comment or `key = value`; blanks around both do not count, and neither does
 * what follows a # behind a blank. A line may end with CR LF. Values are not quoted. A key that is
 * no list stands there once.
 */
#ifndef BELFRY_BROKER_CONFIG_FILE_H
#define BELFRY_BROKER_CONFIG_FILE_H

#include "base/compiler.h"
#include "broker/config_draft.h"

#include <stddef.h>

/* Sets what the file at path says. */
void config_file_read(struct config_draft *draft, const char *path);

/* The whole file, at most 1 MiB, with a zero byte behind it. NULL: see errno, EFBIG when it is
 * larger. The caller gives it back with config_file_release(). */
MUST_CHECK char *config_file_slurp(const char *path, size_t *ret_size);

/* Overwrites and frees it: it may hold secrets. NULL is fine. */
void config_file_release(char *bytes, size_t size);

#endif
