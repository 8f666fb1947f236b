/* broker/reload.h - reads the keys for tokens, at the start and again at SIGHUP.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  a keyring with one reference
 * Errors  NULL; what is wrong was logged
 */
#ifndef BELFRY_BROKER_RELOAD_H
#define BELFRY_BROKER_RELOAD_H

#include "base/compiler.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "belfry/keyring.h"
#include "broker/config.h"

/* The keys of a configuration that was read just now. Its warnings were printed then. */
MUST_CHECK struct keyring *reload_keys(const struct config *config, uint32_t serial);

/* Reads the configuration again, all of it, and its keys. Of what has changed only secret_key,
 * algorithm, public_key, jwks_file, issuer, audience, token_leeway and claim_* are taken; a mistake
 * anywhere keeps everything as it was. */
MUST_CHECK struct keyring *reload_again(const struct config_source *source, uint32_t serial);

/* Waits until every shard says by its counter that it has the keys with this serial. False: one has
 * not in time. */
MUST_CHECK bool reload_wait(const struct counters *counters, uint32_t serial);

#endif
