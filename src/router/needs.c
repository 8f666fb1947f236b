/* router/needs.c - counted by partition, swept once a second. */
#include "router/needs.h"

#include <stdlib.h>

#include "router/redis_log.h"
#include "router/replay.h"
#include "router/router_state.h"

#define SWEEP_MS 1000

static void need_always(struct needs *needs, struct slice channel)
{
	partition_set_add(&needs->always, partition_of(channel, needs->count));
}

enum status needs_init(struct needs *needs, uint32_t count)
{
	*needs = (struct needs){.count = count};
	if (count == 1)
		return STATUS_OK;
	needs->parts = calloc(count, sizeof(*needs->parts));
	/* Every connection has the one, and those of the usual routes the other. */
	need_always(needs, SLICE("all"));
	need_always(needs, SLICE("announcements"));
	needs->wanted = needs->always;
	return needs->parts ? STATUS_OK : STATUS_NO_MEMORY;
}

void needs_deinit(struct needs *needs)
{
	free(needs->parts);
}

/* NULL: there is nothing to choose. */
static struct needs *needs_of(const struct router *router)
{
	return router->redis && router->redis->needs.parts ? &router->redis->needs : NULL;
}

void needs_hold(const struct router *router, struct slice channel)
{
	struct needs *needs = needs_of(router);

	if (!needs)
		return;
	uint32_t partition = partition_of(channel, needs->count);

	needs->parts[partition].holders++;
	partition_set_add(&needs->wanted, partition);
}

void needs_release(const struct router *router, struct slice channel)
{
	struct needs *needs = needs_of(router);

	if (!needs)
		return;
	struct need *need = &needs->parts[partition_of(channel, needs->count)];

	ASSERT(need->holders > 0);
	if (--need->holders == 0)
		need->until_ms = router->now_ms + router->config->partition_linger_ms;
}

bool needs_has(const struct router *router, struct slice channel)
{
	const struct needs *needs = needs_of(router);

	return !needs ||
	       partition_set_has(&router->redis->reads, partition_of(channel, needs->count));
}

bool needs_ask(const struct router *router, struct slice channel)
{
	struct needs *needs = needs_of(router);

	if (!needs)
		return true;
	uint32_t partition = partition_of(channel, needs->count);

	needs->parts[partition].until_ms = router->now_ms + router->config->partition_linger_ms;
	partition_set_add(&needs->wanted, partition);
	return partition_set_has(&router->redis->reads, partition);
}

void needs_promise(const struct router *router, struct slice channel)
{
	struct needs *needs = needs_of(router);
	struct need *need = &needs->parts[partition_of(channel, needs->count)];

	/* It came before it was made to wait, and the clock of Redis may be a little behind. */
	if (need->promised_ms == 0)
		need->promised_ms = router->unix_ms - REPLAY_PATIENCE_MS;
}

bool needs_is_promised(const struct needs *needs, const struct partition_set *set)
{
	for (uint32_t i = 0; i < needs->count; i++)
		if (partition_set_has(set, i) && needs->parts[i].promised_ms != 0)
			return true;
	return false;
}

void needs_keep_promises(struct needs *needs, const struct partition_set *set)
{
	for (uint32_t i = 0; needs->parts && i < needs->count; i++)
		if (partition_set_has(set, i))
			needs->parts[i].promised_ms = 0;
}

void needs_turn(const struct router *router)
{
	struct needs *needs = needs_of(router);

	if (!needs || router->now_ms < needs->sweep_ms)
		return;
	needs->sweep_ms = router->now_ms + SWEEP_MS;
	needs->wanted = needs->always;
	for (uint32_t i = 0; i < needs->count; i++)
		if (needs->parts[i].holders > 0 || needs->parts[i].until_ms > router->now_ms)
			partition_set_add(&needs->wanted, i);
}
