/* router/answers.c - a queue in front of the lanes. */
#include "router/answers.h"

#include <stdlib.h>
#include <string.h>

#include "router/router_state.h"

/* What was taken from the front makes room again, when it is worth the copying. */
static void move_down(struct answers *answers)
{
	if (answers->first < answers->capacity - answers->first)
		return;
	memmove(answers->items, answers->items + answers->first,
		answers->count * sizeof(*answers->items));
	answers->first = 0;
}

static void keep(struct answers *answers, uint32_t shard, const struct delivery *delivery)
{
	if (answers->first + answers->count == answers->capacity && answers->capacity > 0)
		move_down(answers);
	if (answers->first + answers->count == answers->capacity) {
		uint32_t capacity = answers->capacity ? answers->capacity * 2 : 64;
		struct answer *grown = realloc(answers->items, capacity * sizeof(*grown));

		ASSERT(grown != NULL);
		answers->items = grown;
		answers->capacity = capacity;
	}
	answers->items[answers->first + answers->count++] = (struct answer){*delivery, shard};
}

void answers_push(struct router *router, uint32_t shard, const struct delivery *delivery)
{
	ASSERT(shard < router->options.shards_count);
	if (router->answers.count == 0 && fanout_answer_room(router, shard) > 0)
		fanout_push(router, shard, delivery);
	else
		keep(&router->answers, shard, delivery);
}

bool answers_flush(struct router *router)
{
	struct answers *answers = &router->answers;

	while (answers->count > 0) {
		const struct answer *next = &answers->items[answers->first];

		if (fanout_answer_room(router, next->shard) == 0)
			return true;
		fanout_push(router, next->shard, &next->delivery);
		answers->first++;
		answers->count--;
	}
	answers->first = 0;
	return false;
}

void answers_drop(struct router *router)
{
	struct answers *answers = &router->answers;

	for (; answers->count > 0; answers->count--) {
		const struct delivery *delivery = &answers->items[answers->first++].delivery;

		if (delivery->type == DELIVERY_ANSWER)
			free(delivery->ref);
	}
	free(answers->items);
}
