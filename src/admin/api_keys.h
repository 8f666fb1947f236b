/* admin/api_keys.h - who may use the HTTP API.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads the admin thread
 * Memory  40 bytes a key on the heap; the keys themselves are not kept, only their SHA-256
 * Errors  init: false without memory
 */
#ifndef BELFRY_ADMIN_API_KEYS_H
#define BELFRY_ADMIN_API_KEYS_H

#include "base/compiler.h"
#include "base/rate.h"
#include "belfry/config.h"
#include "wire/digest.h"

struct api_key {
	uint8_t hash[SHA256_SIZE];
	struct rate rate; /* of publishing */
};

struct api_keys {
	struct api_key *items; /* they stay where they are */
	uint32_t count;
};

/* From the configuration: a key as it is, or "sha256:" and the hash of one, which was checked. */
MUST_CHECK bool api_keys_init(struct api_keys *keys, const struct config_list *list);
void api_keys_deinit(struct api_keys *keys);

/* The key that an Authorization header (RFC 6750 section 2.1) brings; NULL: none of them. Takes
 * the same time whichever it is and however much of it is right. */
struct api_key *api_keys_find(const struct api_keys *keys, struct slice authorization);

#endif
