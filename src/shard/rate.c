/* shard/rate.c - how much a client may send: handshakes and messages, on all transports. */
#include "shard/rate.h"

#include "shard/peer.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/ip.h"

static uint32_t since_ms(const struct shard *shard, uint32_t then_ms)
{
	return (uint32_t)shard->now_ms - then_ms;
}

static bool take_of_conn(const struct shard *shard, struct conn *conn)
{
	struct rate_limit limit = {shard->config->message_rate, RATE_HOLDS_S};

	return limit.per_second == 0 || rate_take(&conn->rate, limit, 1, shard->now_ms) == 0;
}

/* Who has not said yet who it is has no user, and none shared with others like it. */
static bool take_of_user(struct shard *shard, const struct conn *conn)
{
	struct rate_limit limit = {shard->config->message_rate_per_user, RATE_HOLDS_S};

	return limit.per_second == 0 || conn->user == CHANNEL_NONE ||
	       rates_take(&shard->rates->messages_of_user, limit,
			  hash_bytes(shard->channels.key, subscriptions_user(shard, conn)),
			  shard->now_ms) == 0;
}

uint32_t rate_pause_left_ms(const struct shard *shard, const struct conn *conn)
{
	uint32_t passed_ms = since_ms(shard, shard->falls[conn_slot(shard, conn)].slowed_ms);

	return passed_ms < RATE_PAUSE_MS ? RATE_PAUSE_MS - passed_ms : 0;
}

static enum rate_verdict slow_down(struct shard *shard, struct conn *conn)
{
	if (conn->pauses > 0 && since_ms(shard, shard->falls[conn_slot(shard, conn)].slowed_ms) >
					RATE_CALM_MS + RATE_PAUSE_MS)
		conn->pauses = 0;
	if (conn->pauses == RATE_PAUSES_MAX)
		return RATE_CLOSE;
	conn->pauses++;
	shard->falls[conn_slot(shard, conn)].slowed_ms = (uint32_t)shard->now_ms;
	conn_set(conn, CONN_SLOWED);
	counter_add(&shard->counters->slowed, 1);
	timers_refresh(shard, conn);
	return RATE_SLOWED;
}

enum rate_verdict rate_on_message(struct shard *shard, struct conn *conn)
{
	if (conn_has(conn, CONN_SLOWED)) {
		if (rate_pause_left_ms(shard, conn) > 0)
			return RATE_SLOWED;
		conn_clear(conn, CONN_SLOWED);
	}
	if (take_of_conn(shard, conn) && take_of_user(shard, conn))
		return RATE_GO_ON;
	if (conn->state == CONN_PROBE)
		return RATE_CLOSE; /* it has no pauses, nor anything to say but two packets */
	return slow_down(shard, conn);
}

bool rate_allows(struct shard *shard, struct conn *conn, struct slice ref)
{
	switch (rate_on_message(shard, conn)) {
	case RATE_GO_ON:
		return true;
	case RATE_SLOWED:
		if (protocol_of(conn)->warn_rate)
			protocol_of(conn)->warn_rate(shard, conn, ref);
		return false;
	case RATE_CLOSE:
		conn_close(shard, conn, CLOSE_RATE);
		return false;
	}
	return false;
}

void rate_end_pause(struct shard *shard, struct conn *conn)
{
	ASSERT(conn_has(conn, CONN_SLOWED));
	conn_clear(conn, CONN_SLOWED);
	receive_rest(shard, conn);
}

enum rate_handshake rate_on_handshake(const struct shard *shard, const struct peer *peer)
{
	struct rate_limit of_node = {shard->config->handshake_rate, 1};
	struct rate_limit of_ip = {shard->config->handshake_rate_per_ip, 1};
	struct ip client = ip_counted(&peer->ip);
	uint64_t hash = hash_bytes(shard->channels.key, slice_of(&client, sizeof(client)));

	if (of_ip.per_second > 0 && peer->is_limited &&
	    rates_take(&shard->rates->handshakes_of_ip, of_ip, hash, shard->now_ms) > 0)
		return RATE_HANDSHAKE_ADDRESS;
	if (of_node.per_second > 0 &&
	    rates_take(&shard->rates->handshakes, of_node, hash, shard->now_ms) > 0)
		return RATE_HANDSHAKE_NODE;
	return RATE_HANDSHAKE_OK;
}
