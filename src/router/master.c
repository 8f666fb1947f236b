/* router/master.c - one question to one Sentinel after the other. */
#include "router/master.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log_line.h"
#include "router/router_state.h"

#define ANSWER_PATIENCE_MS 2000
#define SAY_MS 60000 /* until the same Sentinel's same error is said again */

static enum status on_up(void *owner)
{
	return redis_sentinel_open(&((struct master *)owner)->sentinel);
}

static void on_down(void *owner)
{
	(void)owner;
}

static struct slice output(void *owner)
{
	return redis_session_output(&((struct master *)owner)->sentinel.session);
}

static void sent(void *owner, size_t size)
{
	redis_session_sent(&((struct master *)owner)->sentinel.session, size);
}

static void learn(struct master *master)
{
	const struct config_address *address = &master->sentinel.address;

	if (strcmp(master->found->host, address->host) != 0 || master->found->port != address->port)
		log_line(LOG_INFO, "router", "the Sentinel at %s:%u names %s:%u as the master",
			 master->asked.host, master->asked.port, address->host, address->port);
	memcpy(master->found->host, address->host, sizeof(master->found->host));
	master->found->port = address->port;
	master->is_known = true;
	master->link.is_final = true;
	link_is_good(&master->link);
	link_break(&master->link, "it has answered");
}

static enum status on_bytes(void *owner, struct slice bytes)
{
	struct master *master = owner;

	if (redis_session_feed(&master->sentinel.session, bytes) != STATUS_OK) {
		link_break(&master->link, master->sentinel.session.error);
		return STATUS_INVALID;
	}
	if (master->sentinel.state == REDIS_SENTINEL_ANSWERED)
		learn(master);
	return STATUS_OK;
}

enum status master_init(struct master *master, struct router *router, uint32_t index,
			struct config_redis *found)
{
	const struct link_user user = {on_up, on_down, on_bytes, output, sent, master};
	enum status status;

	master->router = router;
	master->configured = &router->config->redis_server;
	master->asked = *master->configured;
	master->found = found;
	master->is_known = master->configured->sentinels.count == 0;
	redis_sentinel_init(&master->sentinel, master->configured);
	status = link_init(&master->link, router->uring, index, &master->asked);
	master->link.user = user;
	return status;
}

void master_deinit(struct master *master)
{
	link_deinit(&master->link);
	redis_sentinel_deinit(&master->sentinel);
}

/* Several in turn have an error each; all of them are said in the first round. */
static void tell_failure(struct master *master, uint64_t now_ms)
{
	uint32_t index = (master->next - 1) % master->configured->sentinels.count;
	uint64_t *told_ms = &master->told_ms[index];
	uint32_t hash =
		(uint32_t)hash_bytes((struct hash_key){0, 0}, slice_of_text(master->link.error));

	counter_add(&master->router->counters->sentinel_failures, 1);
	if (*told_ms != 0 && master->told[index] == hash && now_ms - *told_ms < SAY_MS)
		return;
	*told_ms = now_ms;
	master->told[index] = hash;
	log_line(LOG_WARN, "router", "the Sentinel at %s:%u does not name the master: %s",
		 master->asked.host, master->asked.port, master->link.error);
}

/* Before the next try: another Sentinel. */
static void choose(struct master *master, uint64_t now_ms)
{
	const struct config_address_list *all = &master->configured->sentinels;
	const struct config_address *address = &all->items[master->next++ % all->count];

	memcpy(master->asked.host, address->host, sizeof(master->asked.host));
	master->asked.port = address->port;
	master->deadline_ms = now_ms + ANSWER_PATIENCE_MS;
	master->link.is_final = false;
}

bool master_turn(struct master *master, uint64_t now_ms, struct random *random)
{
	struct link *link = &master->link;

	if (master->is_known)
		return true;
	if (link->state == LINK_DOWN && link->retry_ms == 0 && link->failures > 0 &&
	    !link->is_final)
		tell_failure(master, now_ms);
	if (link->state == LINK_DOWN && (link->is_final || link->retry_ms == 0))
		choose(master, now_ms);
	if (link->state != LINK_DOWN && now_ms >= master->deadline_ms)
		link_break(link, "no answer in time");
	link_turn(link, now_ms, random);
	return false;
}

uint64_t master_wait_ms(const struct master *master, uint64_t now_ms)
{
	uint64_t wait_ms;

	if (master->is_known)
		return UINT64_MAX;
	wait_ms = link_wait_ms(&master->link, now_ms);
	if (master->link.state == LINK_DOWN)
		return wait_ms;
	return master->deadline_ms > now_ms ? master->deadline_ms - now_ms : 0;
}

void master_doubt(struct master *master)
{
	if (master->configured->sentinels.count > 0)
		master->is_known = false;
}
