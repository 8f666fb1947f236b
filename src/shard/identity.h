/* shard/identity.h - who a client is: its token, wherever it put it, and what it may do.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's
 * Errors  enum jwt_result
 */
#ifndef BELFRY_SHARD_IDENTITY_H
#define BELFRY_SHARD_IDENTITY_H

#include "base/compiler.h"
#include "belfry/config.h"
#include "shard/route.h"
#include "shard/tokens.h"
#include "wire/http_head.h"
#include "wire/jwt.h"
#include "wire/ws_handshake.h"

struct identity_request {
	const struct http_head *head;
	struct slice protocols; /* of Sec-WebSocket-Protocol; absent: none */
	const struct route_match *match;
};

/* Finds the token (Authorization, query, subprotocol, cookie, in this order) and verifies it.
 * With auth = none the user is the query's user_id, else the path's, else "anonymous". */
MUST_CHECK enum jwt_result identity_of_request(const struct config *config, struct tokens *tokens,
					       const struct identity_request *request,
					       int64_t now_s, struct jwt_claims *ret_claims);

/* The request has a token that this turn may not verify: it is to be looked at in a later one. The
 * request's `match` is not needed. */
MUST_CHECK bool identity_must_wait(const struct config *config, const struct tokens *tokens,
				   const struct identity_request *request);

/* The origin of a web page is one that may connect; no Origin header is no web page. */
MUST_CHECK bool identity_allows_origin(const struct config *config, const struct http_head *head);

/* Who asks to subscribe or publish: the user, whether it is an admin, the claim `channels` or
 * NULL. */
struct identity_asker {
	struct slice user;
	bool is_admin;
	const char *claims;
};

/* May subscribe to `channel`: its own channels always, else by the namespace's rule. */
MUST_CHECK bool identity_allows_channel(const struct config *config,
					const struct identity_asker *asker, struct slice channel);

/* May publish to `channel`: by the namespace's rule; to all, conn: and user: only an admin. */
MUST_CHECK bool identity_may_publish(const struct config *config,
				     const struct identity_asker *asker, struct slice channel);

#endif
