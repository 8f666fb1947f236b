/* lane/keyring.h - making, sharing and dropping keyrings.
 *
 * Layer   lane (may include: base, libc)
 * Threads create: main; ref, unref: any
 * Memory  one heap block per keyring, overwritten before it is freed
 * Errors  NULL when memory is out
 */
#ifndef BELFRY_LANE_KEYRING_H
#define BELFRY_LANE_KEYRING_H

#include "base/compiler.h"
#include "belfry/keyring.h"

/* A keyring with one reference and a copy of everything that `rules` points to. */
MUST_CHECK struct keyring *keyring_create(const struct jwt_rules *rules, uint32_t serial);

/* Adds a reference, for somebody it is given to. */
void keyring_ref(struct keyring *keyring);

/* Drops one reference; the last one frees. NULL is fine. */
void keyring_unref(struct keyring *keyring);

#endif
