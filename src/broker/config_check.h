/* broker/config_check.h - what only shows when several keys are looked at together.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  none
 * Errors  lines in the draft's report; keys that are wrong already are left out
 */
#ifndef BELFRY_BROKER_CONFIG_CHECK_H
#define BELFRY_BROKER_CONFIG_CHECK_H

#include "broker/config_draft.h"

/* After config_draft_derive(). Adds errors and warnings. */
void config_check(struct config_draft *draft);

#endif
