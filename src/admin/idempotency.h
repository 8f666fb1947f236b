/* admin/idempotency.h - which requests were taken before, and what they were answered.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads the admin thread; the clock is a parameter
 * Memory  one heap object: 5 MiB of records, touched as they are used, and the answers, at most
 *         IDEMPOTENCY_BYTES_MAX
 * Errors  without memory an answer is not remembered
 *
 * A request that names itself claims its name before anything of it is taken. A claim ends with
 * idempotency_keep or idempotency_release. Names are forgotten oldest first, after
 * IDEMPOTENCY_WINDOW_MS or for want of room; one whose request is under way never is.
 */
#ifndef BELFRY_ADMIN_IDEMPOTENCY_H
#define BELFRY_ADMIN_IDEMPOTENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"
#include "wire/digest.h"

/* Producers retry within seconds or after their next start: ten minutes cover both. */
#define IDEMPOTENCY_WINDOW_MS 600000u
/* x 76 bytes = 5 MiB: a hundred requests, of up to 1000 entries each, a second over the window */
#define IDEMPOTENCY_NAMES_MAX 65536u
/* The answer to a single entry has 40 bytes, to a thousand about 40 KiB: 800 of the largest */
#define IDEMPOTENCY_BYTES_MAX (32u << 20)

struct idempotency;

enum idempotency_verdict {
	IDEMPOTENCY_NEW,      /* claimed: `ticket` */
	IDEMPOTENCY_ANSWERED, /* taken before: `status` and `body` are its answer */
	IDEMPOTENCY_BUSY,     /* the first request of this name is still under way */
	IDEMPOTENCY_MISMATCH, /* the name was used for something else */
	IDEMPOTENCY_FULL,     /* nothing may be forgotten: the oldest is still under way */
};

struct idempotency_claim {
	enum idempotency_verdict verdict;
	uint64_t ticket;
	int status;
	struct slice body; /* until the next call */
};

/* What the metrics show. */
struct idempotency_tally {
	uint32_t names;   /* remembered or under way */
	size_t bytes;     /* of answers */
	uint64_t evicted; /* forgotten before their time, ever */
};

/* `key` keeps the table's order secret. NULL: no memory. */
MUST_CHECK struct idempotency *idempotency_create(struct hash_key key);
void idempotency_destroy(struct idempotency *table);

/* `name` is a hash of who asks and of the name given; `fingerprint` a hash of what is asked. */
MUST_CHECK struct idempotency_claim idempotency_claim(struct idempotency *table,
						      const uint8_t name[SHA256_SIZE],
						      uint64_t fingerprint, uint64_t now_ms);

/* Ends a claim: from now on this is the answer. */
void idempotency_keep(struct idempotency *table, uint64_t ticket, int status, struct slice body);

/* Ends a claim: nothing was taken, the name is free again. */
void idempotency_release(struct idempotency *table, uint64_t ticket);

struct idempotency_tally idempotency_tally(const struct idempotency *table);

#endif
