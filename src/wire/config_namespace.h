/* wire/config_namespace.h - namespaces of Socket.IO, by number.
 *
 * Layer   wire (may include: base, libc)
 * Threads any; the configuration is constant
 * Memory  names point into the configuration
 * Errors  false: no such namespace
 *
 * Number 0 is `/`, then come those of the key `namespace`, at most NAMESPACES_MAX together.
 */
#ifndef BELFRY_WIRE_CONFIG_NAMESPACE_H
#define BELFRY_WIRE_CONFIG_NAMESPACE_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/config.h"
#include "belfry/encoding.h"

/* With its slash. */
struct slice config_namespace_name(const struct config *config, uint32_t number);

/* Of an encoding that is ENCODING_SOCKET_IO or later; of others `/`. */
struct slice config_namespace_of(const struct config *config, enum encoding encoding);

MUST_CHECK bool config_namespace_find(const struct config *config, struct slice name,
				      uint32_t *ret_number);

#endif
