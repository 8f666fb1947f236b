/* wsbench/flotilla.c - the turn of one ring's clients. */
#include "wsbench/flotilla.h"

#include <stdlib.h>

#include "base/assert.h"
#include "wsbench/conn.h"
#include "wsbench/stopwatch.h"

#define OPENING_TIMEOUT_US 5000u
#define STOPPING_NS_MAX (10 * NS_PER_S)

/* ---- lines ---- */

void line_push(struct line *line, uint32_t index, uint64_t due_ns)
{
	ASSERT(line->size < line->capacity);
	uint32_t place = (line->head + line->size) % line->capacity;

	line->items[place] = (struct line_item){.due_ns = due_ns, .index = index};
	line->size++;
}

bool line_pop(struct line *line, uint64_t now_ns, uint32_t *ret_index)
{
	if (line->size == 0 || line->items[line->head].due_ns > now_ns)
		return false;
	*ret_index = line->items[line->head].index;
	line->head = (line->head + 1) % line->capacity;
	line->size--;
	return true;
}

static bool line_init(struct line *line, uint32_t capacity)
{
	line->capacity = capacity;
	line->items = calloc(capacity, sizeof(*line->items));
	return line->items != NULL;
}

/* ---- life ---- */

int flotilla_init(struct flotilla *flotilla)
{
	uint32_t count = flotilla->conns_count;

	flotilla->conns = calloc(count, sizeof(*flotilla->conns));
	if (!flotilla->conns || !line_init(&flotilla->reopen, count) ||
	    !line_init(&flotilla->retry, count))
		return -ENOMEM;
	int result = sockets_init(&flotilla->sockets, count);
	flotilla->has_sockets = result == 0;
	return result;
}

void flotilla_close(struct flotilla *flotilla)
{
	if (flotilla->has_sockets)
		sockets_deinit(&flotilla->sockets);
	flotilla->has_sockets = false;
}

void flotilla_deinit(struct flotilla *flotilla)
{
	for (uint32_t i = 0; flotilla->conns && i < flotilla->conns_count; i++)
		free(flotilla->conns[i].bytes);
	free(flotilla->conns);
	free(flotilla->reopen.items);
	free(flotilla->retry.items);
}

/* ---- orders ---- */

static void cut_all(struct flotilla *flotilla, enum conn_fate fate)
{
	for (uint32_t i = 0; i < flotilla->next_open; i++)
		conn_cut(flotilla, i, fate);
}

static void recycle(struct flotilla *flotilla, uint32_t count)
{
	for (uint32_t tried = 0; count > 0 && tried < flotilla->conns_count; tried++) {
		uint32_t index = flotilla->next_recycled;

		flotilla->next_recycled = (index + 1) % flotilla->conns_count;
		if (flotilla->conns[index].state != CONN_READY)
			continue;
		conn_leave(flotilla, index);
		count--;
	}
}

static void obey(struct flotilla *flotilla)
{
	struct order *order = &flotilla->order;

	if (atomic_load(&order->stop) && !flotilla->is_stopping) {
		flotilla->is_stopping = true;
		flotilla->stopping_ns = stopwatch_now_ns();
		cut_all(flotilla, FATE_REST);
	}
	if (flotilla->is_stopping)
		return;
	if (atomic_exchange(&order->cut, false))
		cut_all(flotilla, FATE_REOPEN);
	uint32_t due = atomic_exchange(&order->recycle, 0);
	if (due > 0)
		recycle(flotilla, due);
}

/* ---- opening ---- */

static uint32_t opening_max(const struct flotilla *flotilla)
{
	const struct options *options = flotilla->plan->options;

	if (!options_is_storm(options) || !atomic_load(&flotilla->order.is_again))
		return (uint32_t)options->connect_window;
	return options->storm_window > 0 ? (uint32_t)options->storm_window : UINT32_MAX;
}

static void open_due(struct flotilla *flotilla)
{
	uint32_t most = opening_max(flotilla);
	uint32_t until = atomic_load(&flotilla->order.open_until);
	uint64_t now_ns = stopwatch_now_ns();
	uint32_t index;

	if (atomic_load(&flotilla->order.is_held))
		return;
	while (!flotilla->is_stopping && flotilla->opening < most) {
		if (line_pop(&flotilla->retry, now_ns, &index) ||
		    line_pop(&flotilla->reopen, now_ns, &index))
			conn_open(flotilla, index);
		else if (flotilla->next_open < until)
			conn_open(flotilla, flotilla->next_open++);
		else
			break;
	}
}

/* ---- the turn ---- */

static struct sockets_patience patience_of(const struct flotilla *flotilla, unsigned timeout_us)
{
	const struct options *options = flotilla->plan->options;

	if (timeout_us == 0)
		return (struct sockets_patience){0};
	if (flotilla->opening > 0 || flotilla->retry.size > 0)
		return (struct sockets_patience){.count = 1, .timeout_us = OPENING_TIMEOUT_US};
	if (!atomic_load(&flotilla->order.is_gathering))
		return (struct sockets_patience){.count = 1, .timeout_us = timeout_us};
	return (struct sockets_patience){
		.count = (unsigned)options->reap,
		.batch_us = (unsigned)options->reap_us,
		.timeout_us = timeout_us,
	};
}

unsigned flotilla_turn(struct flotilla *flotilla, unsigned timeout_us)
{
	struct socket_event event;
	unsigned events = 0;

	obey(flotilla);
	open_due(flotilla);
	sockets_wait(&flotilla->sockets, patience_of(flotilla, timeout_us));
	while (sockets_next(&flotilla->sockets, &event)) {
		conn_on_event(flotilla, &event);
		events++;
	}
	tally_flush(&flotilla->tally, flotilla->plan->rounds);
	return events;
}

bool flotilla_has_stopped(const struct flotilla *flotilla)
{
	return flotilla->is_stopping &&
	       (flotilla->awake == 0 ||
		stopwatch_now_ns() > flotilla->stopping_ns + STOPPING_NS_MAX);
}
