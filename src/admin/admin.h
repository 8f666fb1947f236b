/* admin/admin.h - the thread that answers operators and publishers over HTTP.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads create and destroy: main; run: its own thread
 * Memory  one heap object; per connection a request buffer, at most ADMIN_REQUEST_MAX
 * Errors  creation: a status and a text
 *
 *     GET  /healthz      the process runs
 *     GET  /readyz       it can do its work: 200, else 503
 *     GET  /metrics      OpenMetrics
 *     POST /api/publish  entries for the log
 *     ...  /api/...      what the router knows: see asking.c
 *
 * What begins with /api/ needs an API key.
 */
#ifndef BELFRY_ADMIN_ADMIN_H
#define BELFRY_ADMIN_ADMIN_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/config.h"
#include "belfry/counters.h"
#include "lane/lane.h"

struct admin;

/* Everything outlives the admin thread. */
struct admin_options {
	const struct config *config;
	struct counters *counters; /* its own are `admin`; it shows them all */
	int listener_fd;           /* listening socket; -1: the thread only waits for its end */
	struct lane *publications; /* admin -> router */
	struct lane *outcomes;     /* router -> admin */
	struct lane *queries;      /* admin -> router: struct query * */
	struct lane *answers;      /* router -> admin: the same, filled in */
	struct sleeper *sleeper;   /* its own */
};

MUST_CHECK enum status admin_create(const struct admin_options *options, struct admin **ret_admin,
				    char *reason, size_t reason_size);
void admin_destroy(struct admin *admin);

int admin_ring_fd(const struct admin *admin);

/* Body of the thread: returns after RING_OP_STOP. */
void *admin_run(void *admin);

#endif
