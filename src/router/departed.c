/* router/departed.c - a ring with a hash over it. */
#include "router/departed.h"

#include <stdlib.h>
#include <string.h>

#include "wire/connection_id.h"

#define NONE DEPARTED_MAX

void departed_deinit(struct departed *departed)
{
	free(departed->conns);
	free(departed->heads);
}

static bool make(struct departed *departed)
{
	if (departed->conns)
		return true;
	departed->conns = malloc(DEPARTED_MAX * sizeof(*departed->conns));
	departed->heads = malloc(DEPARTED_MAX * sizeof(*departed->heads));
	if (!departed->conns || !departed->heads) {
		departed_deinit(departed);
		*departed = (struct departed){0};
		return false;
	}
	for (uint32_t i = 0; i < DEPARTED_MAX; i++)
		departed->heads[i] = NONE;
	return true;
}

/* An id carries a keyed hash already: its own characters are as good as any. */
static uint32_t *head_of(const struct departed *departed, const char *digits)
{
	uint32_t mixed = 2166136261u;

	for (uint32_t i = 0; i < CONNECTION_ID_DIGITS; i++)
		mixed = (mixed ^ (uint8_t)digits[i]) * 16777619u;
	return &departed->heads[mixed % DEPARTED_MAX];
}

static void unlink_conn(struct departed *departed, uint32_t index)
{
	uint32_t *link = head_of(departed, departed->conns[index].digits);

	while (*link != NONE && *link != index)
		link = &departed->conns[*link].next;
	if (*link == index)
		*link = departed->conns[index].next;
}

void departed_add(struct departed *departed, const char *digits, uint64_t user, uint64_t until_ms)
{
	if (!make(departed))
		return;
	if (departed->count == DEPARTED_MAX) {
		unlink_conn(departed, departed->first);
		departed->first = (departed->first + 1) % DEPARTED_MAX;
		departed->count--;
	}
	uint32_t index = (departed->first + departed->count++) % DEPARTED_MAX;
	struct departed_conn *conn = &departed->conns[index];
	uint32_t *head = head_of(departed, digits);

	conn->user = user;
	conn->until_ms = until_ms;
	memcpy(conn->digits, digits, CONNECTION_ID_DIGITS);
	conn->next = *head;
	*head = index;
}

bool departed_take(struct departed *departed, struct slice id, uint64_t user, uint64_t now_ms)
{
	if (!departed->conns || !connection_id_is_well_formed(id))
		return false;
	uint32_t index = *head_of(departed, (const char *)id.bytes);

	while (index != NONE &&
	       memcmp(departed->conns[index].digits, id.bytes, CONNECTION_ID_DIGITS) != 0)
		index = departed->conns[index].next;
	if (index == NONE || departed->conns[index].user != user ||
	    now_ms >= departed->conns[index].until_ms)
		return false;
	departed->conns[index].until_ms = 0;
	return true;
}
