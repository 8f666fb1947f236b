/* shard/peer.c - who is at the other end, be it through proxies. */
#include "shard/peer.h"

#include <stdlib.h>

#include "shard/receive.h"
#include "shard/shard_state.h"
#include "wire/forwarded.h"
#include "wire/ip.h"
#include "wire/proxy_header.h"

/* NULL: there is none. */
static struct arrival *arrival_of(const struct shard *shard, const struct conn *conn)
{
	return conn->arrival == ARRIVAL_NONE ? NULL : &shard->arrivals[conn->arrival];
}

static bool is_trusted(const struct shard *shard, const struct ip *ip)
{
	return ip_is_in(ip, &shard->config->trusted_networks);
}

static bool may_send_header(const struct shard *shard, const struct conn *conn)
{
	const struct arrival *arrival = arrival_of(shard, conn);

	return shard->config->trusted_networks.count == 0 ||
	       (arrival && is_trusted(shard, &arrival->peer));
}

static void take_header(struct shard *shard, struct conn *conn, const struct proxy_header *header)
{
	struct arrival *arrival = arrival_of(shard, conn);

	conn_clear(conn, CONN_HEADER_DUE);
	if (arrival && ip_is_known(&header->source))
		arrival->peer = header->source;
}

static void feed_whole(struct shard *shard, struct conn *conn, struct slice bytes)
{
	struct proxy_header header;
	struct slice rest;

	switch (proxy_header_parse(bytes, &header)) {
	case PROXY_HEADER_PARTIAL:
		if (conn_store(conn, bytes, PROXY_HEADER_SIZE_MAX) != STATUS_OK)
			conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	case PROXY_HEADER_BAD:
		conn_close_join(shard, conn, CLOSE_PROXY_HEADER);
		return;
	case PROXY_HEADER_WHOLE:
		take_header(shard, conn, &header);
		rest = slice_skip(bytes, header.size);
		if (rest.size > 0)
			receive_feed(shard, conn, (uint8_t *)(uintptr_t)rest.bytes, rest.size);
		return;
	}
}

void peer_feed(struct shard *shard, struct conn *conn, uint8_t *bytes, size_t size)
{
	struct inbound *before = conn->inbound;

	ASSERT(conn->state == CONN_HEAD && conn_has(conn, CONN_HEADER_DUE));
	if (!may_send_header(shard, conn)) {
		conn_close_join(shard, conn, CLOSE_PROXY_HEADER);
		return;
	}
	if (!before) {
		feed_whole(shard, conn, slice_of(bytes, size));
		return;
	}
	if (conn_store(conn, slice_of(bytes, size), PROXY_HEADER_SIZE_MAX + RECEIVE_SIZE) !=
	    STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	conn->inbound = NULL;
	feed_whole(shard, conn, slice_of(before->bytes, before->size));
	free(before->bytes);
	free(before);
}

struct peer peer_of_request(const struct shard *shard, const struct conn *conn,
			    const struct http_head *head)
{
	const struct arrival *arrival = arrival_of(shard, conn);
	struct peer peer = {.is_counted = !conn_has(conn, CONN_PROXIED)};
	struct ip client;

	if (!arrival)
		return peer;
	peer.ip = arrival->peer;
	peer.is_limited = ip_is_known(&peer.ip);
	if (!is_trusted(shard, &peer.ip))
		return peer;
	client = forwarded_client(head, (enum config_forwarded)shard->config->forwarded_header,
				  &shard->config->trusted_networks);
	peer.is_counted = false;
	peer.is_limited = ip_is_known(&client);
	if (peer.is_limited)
		peer.ip = client;
	return peer;
}

void peer_note(const struct shard *shard, const struct conn *conn, const struct peer *peer)
{
	struct arrival *arrival = arrival_of(shard, conn);

	if (!arrival)
		return;
	arrival->client = peer->ip;
	arrival->counts_client = peer->is_limited && !peer->is_counted;
}
