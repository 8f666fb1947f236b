/* wire/config_switch.h - what a list of NAMESPACE=on|off says about one namespace.
 *
 * Layer   wire (may include: base, libc)
 * Threads any; the list is constant
 * Memory  none
 * Errors  none; off where no rule fits
 */
#ifndef BELFRY_WIRE_CONFIG_SWITCH_H
#define BELFRY_WIRE_CONFIG_SWITCH_H

#include "base/slice.h"
#include "belfry/config.h"

/* The namespace's own rule counts, else that of "*". Ask with channel_name_namespace(). */
bool config_switch_for(const struct config_switch_list *list, struct slice namespace);

#endif
