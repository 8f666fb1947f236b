/* router/slow_redis.c - how long the data link owes an answer. */
#include "router/slow_redis.h"

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/router_state.h"

#define SAY_MS 60000 /* until it is said again */

static uint64_t owed_ms(const struct router *router)
{
	struct redis_log *redis = router->redis;

	if (!redis->client.is_ready || redis->client.count == 0)
		return 0;
	return router->now_ms - redis->heard_ms[LINK_DATA];
}

static void say(struct router *router, uint64_t ms)
{
	struct slow_redis *slow = &router->slow_redis;

	if (slow->told_ms != 0 && router->now_ms - slow->told_ms < SAY_MS)
		return;
	slow->told_ms = router->now_ms;
	log_line(LOG_WARN, "router", "Redis is slow: no answer for %lu ms", ms);
}

void slow_redis_turn(struct router *router)
{
	struct slow_redis *slow = &router->slow_redis;
	uint64_t ms = owed_ms(router);
	bool was_slow = slow->is_slow;

	slow->is_slow = ms >= SLOW_REDIS_MS;
	if (!slow->is_slow || was_slow)
		return;
	counter_add(&router->counters->redis_slow, 1);
	say(router, ms);
}
