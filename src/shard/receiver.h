/* shard/receiver.h - a plain GET that asks to receive: what event streams and polls have in common.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's; names of channels in the turn's arena
 * Errors  see receiver_check
 */
#ifndef BELFRY_SHARD_RECEIVER_H
#define BELFRY_SHARD_RECEIVER_H

#include "base/compiler.h"
#include "shard/admission.h"
#include "shard/resume.h"

struct receiver {
	const struct http_head *head;
	const struct route_match *match;
	struct resume resume;
	struct slice channels; /* of the query: allowed, with commas between; absent */
	const char *lines;     /* header lines that pages of another origin need with any answer */
	struct jwt_claims claims;
};

enum receiver_result {
	RECEIVER_WELCOME, /* go on with receiver_enter */
	RECEIVER_LATER,   /* 429 or 503: *ret_refusal; nothing was answered */
	RECEIVER_REFUSED, /* for good; that was answered */
};

/* Method, admission, position and device, and the query's `channels`. `head` and `match` of the
 * receiver are set by the caller. */
MUST_CHECK enum receiver_result receiver_check(struct shard *shard, struct conn *conn,
					       struct receiver *receiver,
					       struct refusal *ret_refusal);

/* With conn->protocol and conn->encoding set: ATTACHING. False: out of memory. */
MUST_CHECK bool receiver_enter(struct shard *shard, struct conn *conn,
			       const struct receiver *receiver);

/* http_refuse with the lines for other origins. */
void receiver_refuse(struct shard *shard, struct conn *conn, const struct receiver *receiver,
		     const struct http_refusal *refusal);

#endif
