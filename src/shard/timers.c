/* shard/timers.c - deadlines of connections. */
#include "shard/timers.h"

#include "shard/http.h"
#include "shard/engine_poll.h"
#include "shard/protocol.h"
#include "shard/rate.h"
#include "shard/shard_state.h"

/* Pings of a shard go out together so often: a wake costs more than a ping. */
#define PING_BATCH_MS 512u
#define TIMERS_PER_TURN 32 /* so that nobody waits behind all of them */
#define TIMERS_POLITE 8    /* while messages pass, in smaller parts ... */
#define TIMERS_REST_MS 2   /* ... with a rest between: a message is not to wait behind pings */
#define TRAFFIC_MS 1000    /* so long after a delivery there is traffic */
#define FAR_MS (24u * 3600 * 1000) /* what is due later is looked at again in a day */

struct wheel_timer *timers_at(void *owner, uint32_t slot)
{
	return &conn_at(owner, slot)->timer;
}

void timers_arm(struct shard *shard, struct conn *conn, uint32_t delay_ms)
{
	wheel_arm(&shard->wheel, conn_slot(shard, conn), shard->now_ms + delay_ms);
}

/* Milliseconds from `since` (low 32 bits of shard time) until `after_ms` later; 0: it is past. */
static uint32_t left_ms(const struct shard *shard, uint32_t since, uint32_t after_ms)
{
	int32_t left = (int32_t)(since + after_ms - (uint32_t)shard->now_ms);

	return left > 0 ? (uint32_t)left : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* It is yet to be told that its token ends soon. */
static bool is_to_be_warned(const struct shard *shard, const struct conn *conn)
{
	return shard->config->token_warning_ms > 0 && protocol_of(conn)->warn_expiring &&
	       !conn_has(conn, CONN_EXPIRING) && !conn_has(conn, CONN_WARNED);
}

/* Until something is to be said or done about its token. */
static uint32_t token_left_ms(const struct shard *shard, const struct conn *conn)
{
	uint64_t due_ms = (uint64_t)conn->expires_s * 1000;

	if (conn->expires_s == UINT32_MAX || due_ms > shard->unix_ms + FAR_MS)
		return FAR_MS;
	if (is_to_be_warned(shard, conn))
		due_ms -= shard->config->token_warning_ms;
	return due_ms > shard->unix_ms ? (uint32_t)(due_ms - shard->unix_ms) : 0;
}

/* Until its socket has taken nothing, or it was behind, for too long. */
static uint32_t slow_left_ms(const struct shard *shard, const struct conn *conn)
{
	uint32_t patience_ms = shard->config->slow_deadline_ms;
	uint32_t delay_ms = FAR_MS;

	if (conn_has(conn, CONN_BLOCKED))
		delay_ms = left_ms(shard, shard->falls[conn_slot(shard, conn)].blocked_ms,
				   patience_ms);
	if (conn_has(conn, CONN_BEHIND))
		delay_ms = least(
			delay_ms,
			left_ms(shard, shard->falls[conn_slot(shard, conn)].since_ms, patience_ms));
	return delay_ms;
}

/* Until the client was not heard of for too long. */
static uint32_t silence_left_ms(const struct shard *shard, const struct conn *conn)
{
	const struct config *config = shard->config;

	if (config->heartbeat_interval_ms == 0 || !protocol_of(conn)->is_heard)
		return FAR_MS;
	return left_ms(shard, conn->heard_ms, config->heartbeat_timeout_ms);
}

void timers_refresh(struct shard *shard, struct conn *conn)
{
	const struct config *config = shard->config;
	uint32_t delay_ms = token_left_ms(shard, conn);

	if (conn->state != CONN_OPEN)
		return;
	if (protocol_of(conn)->beat_interval_ms(shard, conn) > 0)
		delay_ms = least(delay_ms, left_ms(shard, conn->deadline_ms, 0));
	delay_ms = least(delay_ms, silence_left_ms(shard, conn));
	if (config->idle_timeout_ms > 0)
		delay_ms =
			least(delay_ms, left_ms(shard, conn->active_ms, config->idle_timeout_ms));
	delay_ms = least(delay_ms, slow_left_ms(shard, conn));
	if (conn_has(conn, CONN_SLOWED))
		delay_ms = least(delay_ms, rate_pause_left_ms(shard, conn));
	timers_arm(shard, conn, delay_ms);
}

/* The next common moment of this shard's beats at or after `at_ms`; shards take turns. */
static uint32_t next_batch(const struct shard *shard, uint32_t at_ms, uint32_t interval_ms)
{
	uint32_t phase = shard->index * PING_BATCH_MS / shard->all_counters->shards_count;

	if (interval_ms < 8 * PING_BATCH_MS)
		return at_ms;
	return at_ms + (PING_BATCH_MS - (at_ms - phase) % PING_BATCH_MS) % PING_BATCH_MS;
}

void timers_start_heartbeat(struct shard *shard, struct conn *conn)
{
	uint32_t interval_ms = protocol_of(conn)->beat_interval_ms(shard, conn);

	if (interval_ms > 0)
		conn->deadline_ms =
			next_batch(shard,
				   (uint32_t)shard->now_ms + 1 +
					   (uint32_t)random_below(&shard->random, interval_ms),
				   interval_ms);
	timers_refresh(shard, conn);
}

/* It ends soon, and that is to be said; or it is over: first the client is told and has time to
 * send another, then the end. */
static void on_token_due(struct shard *shard, struct conn *conn)
{
	if (is_to_be_warned(shard, conn)) {
		conn_set(conn, CONN_WARNED);
		if ((uint64_t)conn->expires_s * 1000 > shard->unix_ms) {
			protocol_of(conn)->warn_expiring(shard, conn);
			return;
		}
	}
	if (conn_has(conn, CONN_EXPIRING)) {
		conn_close(shard, conn, CLOSE_TOKEN);
		return;
	}
	conn_set(conn, CONN_EXPIRING);
	conn->expires_s = (uint32_t)((shard->unix_ms + shard->config->token_grace_ms + 999) / 1000);
	if (protocol_of(conn)->warn_token)
		protocol_of(conn)->warn_token(shard, conn);
}

static void beat(struct shard *shard, struct conn *conn)
{
	uint32_t interval_ms = protocol_of(conn)->beat_interval_ms(shard, conn);

	if (interval_ms == 0 || left_ms(shard, conn->deadline_ms, 0) > 0)
		return;
	conn->deadline_ms = next_batch(shard, (uint32_t)shard->now_ms + interval_ms - WHEEL_TICK_MS,
				       interval_ms);
	if (!conn_has(conn, CONN_BLOCKED)) /* else it has enough to read */
		protocol_of(conn)->beat(shard, conn);
}

static void on_open_timer(struct shard *shard, struct conn *conn)
{
	const struct config *config = shard->config;

	if (conn_has(conn, CONN_SLOWED) && rate_pause_left_ms(shard, conn) == 0)
		rate_end_pause(shard, conn);
	if (conn->state != CONN_OPEN)
		return;
	if (slow_left_ms(shard, conn) == 0)
		conn_close(shard, conn, CLOSE_SLOW);
	else if (silence_left_ms(shard, conn) == 0)
		conn_close(shard, conn, CLOSE_HEARTBEAT);
	else if (config->idle_timeout_ms > 0 &&
		 left_ms(shard, conn->active_ms, config->idle_timeout_ms) == 0)
		conn_close(shard, conn, CLOSE_IDLE);
	else if (token_left_ms(shard, conn) == 0)
		on_token_due(shard, conn);
	if (conn->state != CONN_OPEN)
		return;
	beat(shard, conn);
	timers_refresh(shard, conn);
}

static void on_timer(struct shard *shard, struct conn *conn)
{
	switch ((enum conn_state)conn->state) {
	case CONN_HEAD:
		if (conn_has(conn, CONN_POSTPONED))
			http_refuse(shard, conn,
				    &(struct http_refusal){503, "overload",
							   "too many tokens wait to be verified",
							   NULL});
		else if (conn->inbound && !conn_has(conn, CONN_HEADER_DUE))
			http_refuse(shard, conn,
				    &(struct http_refusal){408, "request_timeout",
							   "the request was not finished in time",
							   NULL});
		else
			conn_close(shard, conn, CLOSE_HANDSHAKE);
		return;
	case CONN_ATTACHING:
		conn->reason = CLOSE_HANDSHAKE;
		protocol_of(conn)->on_refused(shard, conn);
		return;
	case CONN_MOVING:
	case CONN_PROBE:
		conn_close(shard, conn, CLOSE_HANDSHAKE);
		return;
	case CONN_OPEN:
		on_open_timer(shard, conn);
		return;
	case CONN_SERVING:
		engine_poll_on_timer(shard, conn);
		return;
	case CONN_CLOSING:
		conn_close_join(shard, conn, conn->reason);
		return;
	case CONN_LENT:
	case CONN_ECHO:
	case CONN_FREE:
	case CONN_FINISHING:
		return;
	}
}

uint64_t timers_wait_ms(const struct shard *shard)
{
	uint64_t wait_ms = wheel_wait_ms(&shard->wheel, shard->now_ms);
	uint64_t rest_ms = shard->timers_rest_until_ms > shard->now_ms
				   ? shard->timers_rest_until_ms - shard->now_ms
				   : 0;

	return wait_ms > rest_ms ? wait_ms : rest_ms;
}

/* Somebody else's messages pass through this shard at the moment. */
static bool has_traffic(const struct shard *shard)
{
	return shard->now_ms - shard->delivered_ms < TRAFFIC_MS;
}

void timers_advance(struct shard *shard)
{
	bool is_polite = has_traffic(shard) && !shard->is_stopping;
	uint32_t most = is_polite ? TIMERS_POLITE : TIMERS_PER_TURN;

	if (shard->now_ms < shard->timers_rest_until_ms)
		return;
	for (uint32_t n = 0; n < most; n++) {
		uint32_t slot = wheel_advance(&shard->wheel, shard->now_ms);

		if (slot == WHEEL_NONE)
			return;
		on_timer(shard, conn_at(shard, slot));
	}
	if (is_polite)
		shard->timers_rest_until_ms = shard->now_ms + TIMERS_REST_MS;
}
