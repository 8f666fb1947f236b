/* admin/admin_state.h - what the admin thread is made of; for the files of this folder only.
 *
 * Layer   admin (may include: lane, wire, uring, log, base, libc)
 * Threads the admin thread
 * Memory  see admin/admin.h
 * Errors  none
 */
#ifndef BELFRY_ADMIN_ADMIN_STATE_H
#define BELFRY_ADMIN_ADMIN_STATE_H

#include "admin/admin.h"
#include "admin/api_keys.h"
#include "admin/idempotency.h"
#include "base/assert.h"
#include "belfry/entry_field.h"
#include "belfry/limits.h"
#include "belfry/query.h"
#include "belfry/ring_tag.h"
#include "uring/uring.h"
#include "wire/http_head.h"

/* Fewer than a lane to the router holds: each has one publication or query under way at most. */
#define ADMIN_SESSIONS_MAX 200u
#define ADMIN_REQUEST_MAX (2u << 20) /* bytes of a request, head and body */
#define ADMIN_RECEIVE_SIZE 16384u
#define ADMIN_IDLE_MS 60000u  /* a connection without a request is closed */
#define ADMIN_LINGER_MS 2000u /* and one that was refused, if it does not end by itself */

enum admin_op {
	ADMIN_OP_ACCEPT = RING_OP_OWN,
	ADMIN_OP_RECEIVE, /* rest: generation, index of the session */
	ADMIN_OP_SEND,
};

/* One HTTP connection. */
struct admin_session {
	int fd; /* -1: free */
	uint32_t generation;
	bool is_receiving, is_sending; /* an operation is in the kernel */
	bool is_waiting;               /* the router has its publication or query */
	bool is_closing;               /* close when nothing is in the kernel or at the router */
	bool close_after;              /* the answer being sent is the last */
	bool is_lingering;             /* it is out; what the client still sends is dropped, so
					* that no reset overtakes the answer */
	uint64_t heard_ms;
	uint8_t *request; /* bytes that have come */
	size_t request_size, request_capacity;
	size_t request_done; /* of them belong to the request that is being answered */
	uint8_t *answer;
	size_t answer_size, answer_sent;
	bool head_only;  /* the request was HEAD */
	bool is_batch;   /* the publication came as an array or as lines */
	uint64_t ticket; /* the publication's in admin/idempotency.h; 0: it has none */
};

struct admin {
	const struct config *config;
	struct admin_options options;
	struct uring *uring;
	bool accepts; /* the accept is armed */
	bool is_stopping;
	bool is_draining;
	uint64_t now_ms;
	uint64_t unix_ms;
	struct entry_field *fields; /* ENTRY_FIELDS_MAX of them, for one entry at a time */
	struct api_keys keys;
	struct idempotency *idempotency;
	struct hash_key fingerprint_keys[2]; /* of bodies: JSON, lines */
	struct admin_session sessions[ADMIN_SESSIONS_MAX];
};

/* ---- admin.c ---- */

/* Pushes an item to the router, which has room for all that sessions may have under way. */
void admin_push(struct admin *admin, struct lane *lane, const void *item);

/* ---- session.c ---- */

void session_open(struct admin *admin, int fd);
void session_on_received(struct admin *admin, struct admin_session *session, int32_t result);
void session_on_sent(struct admin *admin, struct admin_session *session, int32_t result);
void session_close(struct admin *admin, struct admin_session *session);

/* The session a tag means; NULL when it is gone. */
struct admin_session *session_of_tag(struct admin *admin, uint64_t tag);

/* Sends an answer; `bytes` is heap and becomes the session's. */
void session_answer(struct admin *admin, struct admin_session *session, uint8_t *bytes, size_t size,
		    bool close_after);

struct http_answer;
void session_send(struct admin *admin, struct admin_session *session,
		  const struct http_answer *answer);
void session_refuse(struct admin *admin, struct admin_session *session, int status,
		    const char *code, const char *message);

/* Likewise with further header lines. The connection is closed unless the refusal says that it
 * is kept, which it can be when the request was read whole. */
struct session_refusal {
	int status;
	const char *code;
	const char *message;
	const char *extra; /* header lines, each ended by CRLF; NULL: none */
	bool keeps;
};
void session_refuse_with(struct admin *admin, struct admin_session *session,
			 const struct session_refusal *refusal);

/* ---- requests.c ---- */

/* A whole request: answers now or, when the router is to do something, later. */
void requests_take(struct admin *admin, struct admin_session *session, const struct http_head *head,
		   struct slice body);

/* The API key of the request. NULL: it has none that counts, and was refused. */
struct api_key *requests_authorize(struct admin *admin, struct admin_session *session,
				   const struct http_head *head);

void requests_refuse_method(struct admin *admin, struct admin_session *session, bool is_post_path);

/* ---- asking.c ---- */

/* Takes the request if its path asks something of the router. False: it does not. */
MUST_CHECK bool asking_take(struct admin *admin, struct admin_session *session,
			    const struct http_head *head);

/* A query of the session, with a copy of its subject. NULL: out of memory. */
MUST_CHECK struct query *asking_create(struct admin_session *session, enum query_type type,
				       struct slice subject);

/* Gives it to the router; the session waits for the answer. */
void asking_push(struct admin *admin, struct query *query);

/* Takes what the router has answered. */
void asking_drain(struct admin *admin);

/* After all threads have ended: frees what came too late for the router. */
void asking_abandon(struct admin *admin);

/* ---- revocation_requests.c ---- */

/* Takes the request if its path is about revocations. False: it is not. */
MUST_CHECK bool revocation_requests_take(struct admin *admin, struct admin_session *session,
					 const struct http_head *head, struct slice body);

/* ---- publishing.c ---- */

void publishing_take(struct admin *admin, struct admin_session *session, struct api_key *key,
		     const struct http_head *head, struct slice body);

/* Takes what the router has filled in. */
void publishing_drain(struct admin *admin);

/* After all threads have ended: frees what came too late for the router. */
void publishing_abandon(struct admin *admin);

#endif
