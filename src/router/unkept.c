/* router/unkept.c - a ring of ids. */
#include "router/unkept.h"

#include <stdlib.h>

#include "base/assert.h"

void unkept_deinit(struct unkept *unkept)
{
	free(unkept->ids);
	*unkept = (struct unkept){0};
}

void unkept_add(struct unkept *unkept, struct event_id id)
{
	if (!unkept->ids)
		unkept->ids = malloc(UNKEPT_MAX * sizeof(*unkept->ids));
	if (!unkept->ids)
		return;
	if (unkept->count > 0 && !event_id_is_after(id, unkept_at(unkept, unkept->count - 1)))
		return;
	if (unkept->count == UNKEPT_MAX) {
		unkept->first = (unkept->first + 1) % UNKEPT_MAX;
		unkept->count--;
		unkept->has_dropped = true;
	}
	unkept->ids[(unkept->first + unkept->count++) % UNKEPT_MAX] = id;
}

struct event_id unkept_at(const struct unkept *unkept, uint32_t index)
{
	ASSERT(index < unkept->count);
	return unkept->ids[(unkept->first + index) % UNKEPT_MAX];
}

bool unkept_has(const struct unkept *unkept, struct event_id id)
{
	uint32_t low = 0, high = unkept->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (event_id_is_after(id, unkept_at(unkept, middle)))
			low = middle + 1;
		else
			high = middle;
	}
	return low < unkept->count && event_id_equal(unkept_at(unkept, low), id);
}

bool unkept_forgot(const struct unkept *unkept, struct event_id id)
{
	return unkept->has_dropped && event_id_is_after(unkept_at(unkept, 0), id);
}
