/* broker/config_show.h - what can be printed about the configuration.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  none
 * Errors  those of the stream, for whoever closes it
 */
#ifndef BELFRY_BROKER_CONFIG_SHOW_H
#define BELFRY_BROKER_CONFIG_SHOW_H

#include "broker/config_draft.h"

#include <stdio.h>

/* --help: every option with what it is for, what it allows and its default. */
void config_show_help(FILE *out);

/* --version: one line. */
void config_show_version(FILE *out);

/* --print-reference: deploy/CONFIG.md. */
void config_show_reference(FILE *out);

/* --print-config: every key with its value as a line of a configuration file, and behind it who
 * decided it. Secrets are ***. No value is wrong. */
void config_show_values(const struct config_draft *draft, FILE *out);

#endif
