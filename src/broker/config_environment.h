/* broker/config_environment.h - the configuration in the environment.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  reads the caller's list; files that a variable names are read, used and overwritten
 * Errors  lines in the draft's report
 *
 * BELFRY_<KEY> gives a key, BELFRY_<KEY>_FILE the path of a file with its value, whose final line
 * break does not count (the items of a list may stand on lines of their own). REDIS_URL,
 * SECRET_KEY and ALGORITHM likewise, where nothing stronger is given; empty, they do not count.
 * An unknown BELFRY_ variable is an error, but not one that Kubernetes makes for a service named
 * belfry (BELFRY_PORT, BELFRY_SERVICE_HOST, BELFRY_PORT_8080_TCP_ADDR).
 */
#ifndef BELFRY_BROKER_CONFIG_ENVIRONMENT_H
#define BELFRY_BROKER_CONFIG_ENVIRONMENT_H

#include "broker/config_draft.h"

/* `environ_list` ends with NULL; its entries are NAME=VALUE. */
void config_environment_read(struct config_draft *draft, char **environ_list);

#endif
