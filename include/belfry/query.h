/* belfry/query.h - what an operator or a backend asks over HTTP and only the router knows.
 *
 * Layer   nouns (may include: libc, base, belfry/)
 * Threads made by admin, pushed to the router, filled in there, pushed back; one holder at a time
 * Memory  made and freed by admin with the bytes of `subject`; `body` is heap, made by the
 *         router, freed by admin
 * Errors  `status` is the HTTP status; a body of 400 and above is the usual error object
 */
#ifndef BELFRY_QUERY_H
#define BELFRY_QUERY_H

#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"

enum query_type {
	QUERY_HISTORY,     /* subject: channel; after, limit */
	QUERY_PRESENCE,    /* subject: user */
	QUERY_UNREAD,      /* subject: user */
	QUERY_DISCONNECT,  /* subject: user */
	QUERY_CONNECTION,  /* subject: connection id */
	QUERY_REVOKE,      /* subject: id of a revocation; limit: seconds until it ends */
	QUERY_REVOCATIONS, /* no subject */
	QUERY_RESTORE,     /* subject: id of a revocation, which is taken out */
};

struct query {
	enum query_type type;
	void *request;        /* admin's: who asked */
	struct slice subject; /* inside the same heap block as the query */
	struct event_id after;
	uint32_t limit;
	struct query *next; /* router's, while it waits, and since when: monotonic */
	uint64_t began_ms;
	int status;    /* router's: HTTP status, 0 until it is answered */
	uint8_t *body; /* router's: JSON text */
	size_t body_size;
};

#endif
