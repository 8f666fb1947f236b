/* shard/admission.h - who may receive, whatever the protocol: checks, and the way to the router.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's; claims point into themselves and the token
 * Errors  a refusal: the HTTP answer, and the reason for a client that is told after an upgrade
 *
 * First admission_check, which changes nothing but counts, then, with conn->protocol and
 * conn->encoding set, admission_enter; the answer comes to protocol->on_attached or on_refused.
 */
#ifndef BELFRY_SHARD_ADMISSION_H
#define BELFRY_SHARD_ADMISSION_H

#include "base/compiler.h"
#include "belfry/close_reason.h"
#include "shard/http.h"
#include "shard/identity.h"

struct attached;
struct resume;

struct refusal {
	struct http_refusal http;
	enum close_reason reason;
};

extern const struct refusal admission_no_memory;

/* In protocol->on_refused: why the router has refused. */
const struct refusal *admission_refusal(const struct conn *conn);

/* The acceptor's verdict, the rates of handshakes and the page's origin: what can be told without
 * a token. Each call counts as a handshake. NULL: fine. */
const struct refusal *admission_check_socket(const struct shard *shard, const struct conn *conn,
					     const struct http_head *head);

/* That, the token and the path. False: *ret_refusal says why. */
MUST_CHECK bool admission_check(struct shard *shard, const struct conn *conn,
				const struct identity_request *request,
				struct jwt_claims *ret_claims, struct refusal *ret_refusal);

/* What is given to whom, and from where on. */
struct admission {
	const struct jwt_claims *claims;
	const struct route_match *match; /* its channels are held */
	const struct resume *resume;
	struct slice channels; /* more of them, allowed, with commas between; absent: none */
};

/* Holds the user, `all` and the channels, and asks the router: ATTACHING. False: out of memory;
 * what was done is undone when the connection is closed. */
MUST_CHECK bool admission_enter(struct shard *shard, struct conn *conn,
				const struct admission *admission);

/* The router has answered: OPEN, counted; an identity that was not granted is given back. */
void admission_settle(struct shard *shard, struct conn *conn, const struct attached *attached);

/* Takes what a later token of the same user says, and tells the router, which closes the
 * connection if that one is revoked. False: out of memory. */
MUST_CHECK bool admission_renew(struct shard *shard, struct conn *conn,
				const struct jwt_claims *claims);

#endif
