/* shard/peer.h - who is at the other end, be it through proxies.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  a PROXY header in pieces is collected on the heap, up to PROXY_HEADER_SIZE_MAX
 * Errors  a connection without the header that must be there is cut
 */
#ifndef BELFRY_SHARD_PEER_H
#define BELFRY_SHARD_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "belfry/ip.h"

struct conn;
struct http_head;
struct shard;

struct peer {
	struct ip ip;    /* not known: nobody has looked, or the kernel did not say */
	bool is_limited; /* limits per address hold for it: known, and not a trusted proxy's own */
	bool is_counted; /* the acceptor counts its connection */
};

/* Bytes for a connection in state HEAD whose PROXY header is due; what is behind the header is
 * fed on. With trusted_proxy only they may send one. */
void peer_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size);

/* Whose request it is: the peer's, or what a trusted proxy's headers say. */
struct peer peer_of_request(const struct shard *shard, const struct conn *conn,
			    const struct http_head *head);

/* Remembers it as the client, for the attach of this connection that may follow. */
void peer_note(const struct shard *shard, const struct conn *conn, const struct peer *peer);

#endif
