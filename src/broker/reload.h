/* broker/reload.h - the keys for tokens: read at the start, and again at SIGHUP.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  one reference to the newest keyring
 * Errors  a status and a text at the start; later what is wrong is logged, and nothing changes
 */
#ifndef BELFRY_BROKER_RELOAD_H
#define BELFRY_BROKER_RELOAD_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "belfry/keyring.h"
#include "broker/config.h"
#include "uring/uring.h"

struct reload {
	const struct config_source *source;
	const int *shard_ring_fds;
	const struct counters *counters;
	struct uring *uring;     /* main's own */
	struct keyring *keyring; /* the newest; the others are given references of their own */
};

/* Reads the keys of a configuration that was read just now; its warnings were printed then. */
MUST_CHECK enum status reload_begin(struct reload *reload, const struct config *config,
				    char *reason, size_t reason_size);

/* Reads the configuration again, all of it, and its keys, and gives them to the shards. Of what has
 * changed only secret_key, algorithm, public_key, jwks_file, issuer, audience, token_leeway and
 * claim_* are taken; a mistake anywhere keeps everything as it was. Connections stay, whatever the
 * new keys say of their tokens. */
void reload_renew(struct reload *reload);

#endif
