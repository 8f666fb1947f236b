/* router/unkept.c - a ring of ids. */
#include "router/unkept.h"

#include <stdlib.h>

#include "base/assert.h"

void unkept_deinit(struct unkept *unkept)
{
	free(unkept->ids);
	free(unkept->partitions);
	*unkept = (struct unkept){0};
}

static bool has_room(struct unkept *unkept)
{
	if (!unkept->ids)
		unkept->ids = malloc(UNKEPT_MAX * sizeof(*unkept->ids));
	if (!unkept->partitions)
		unkept->partitions = malloc(UNKEPT_MAX * sizeof(*unkept->partitions));
	return unkept->ids && unkept->partitions;
}

static uint32_t place_of(const struct unkept *unkept, uint32_t index)
{
	return (unkept->first + index) % UNKEPT_MAX;
}

static uint32_t partition_at(const struct unkept *unkept, uint32_t index)
{
	return unkept->partitions[place_of(unkept, index)];
}

/* Nothing up to `id` is sure to be remembered. */
static void raise_dropped(struct unkept *unkept, struct event_id id)
{
	if (event_id_is_after(id, unkept->dropped))
		unkept->dropped = id;
}

static void drop_oldest(struct unkept *unkept)
{
	raise_dropped(unkept, unkept_at(unkept, 0));
	unkept->first = place_of(unkept, 1);
	unkept->count--;
}

static bool is_after_all(const struct unkept *unkept, struct event_id id, uint32_t partition)
{
	if (unkept->count == 0)
		return true;
	struct event_id newest = unkept_at(unkept, unkept->count - 1);

	return event_id_is_after(id, newest) ||
	       (event_id_equal(id, newest) && partition > partition_at(unkept, unkept->count - 1));
}

void unkept_add(struct unkept *unkept, struct event_id id, uint32_t partition)
{
	if (!has_room(unkept) || !is_after_all(unkept, id, partition))
		return;
	if (unkept->count == UNKEPT_MAX)
		drop_oldest(unkept);
	uint32_t place = place_of(unkept, unkept->count++);

	unkept->ids[place] = id;
	unkept->partitions[place] = (uint16_t)partition;
}

struct event_id unkept_at(const struct unkept *unkept, uint32_t index)
{
	ASSERT(index < unkept->count);
	return unkept->ids[place_of(unkept, index)];
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
	return !event_id_is_none(unkept->dropped) && !event_id_is_after(id, unkept->dropped);
}

/* ---- of two ---- */

/* The one at `a` of `one` comes before the one at `b` of `other`. */
static bool is_before(const struct unkept *one, uint32_t a, const struct unkept *other, uint32_t b)
{
	if (a == one->count || b == other->count)
		return b == other->count;
	struct event_id id_a = unkept_at(one, a), id_b = unkept_at(other, b);

	if (!event_id_equal(id_a, id_b))
		return event_id_is_after(id_b, id_a);
	return partition_at(one, a) < partition_at(other, b);
}

static void take(struct unkept *merged, const struct unkept *from, uint32_t index,
		 const struct partition_set *kept)
{
	uint32_t partition = partition_at(from, index);

	if (partition_set_has(kept, partition))
		unkept_add(merged, unkept_at(from, index), partition);
}

/* There is no memory for what `from` remembers. */
static void drop_all(struct unkept *merged, const struct unkept *from)
{
	if (from->count > 0)
		raise_dropped(merged, unkept_at(from, from->count - 1));
}

void unkept_merge(struct unkept *into, const struct unkept *other, const struct partition_set *kept)
{
	static const struct unkept nothing = {0};
	struct unkept merged = {0};
	uint32_t a = 0, b = 0;

	if (!other)
		other = &nothing;
	raise_dropped(&merged, into->dropped);
	raise_dropped(&merged, other->dropped);
	if (!has_room(&merged)) {
		drop_all(&merged, into);
		drop_all(&merged, other);
		a = into->count;
		b = other->count;
	}
	while (a < into->count || b < other->count) {
		if (is_before(into, a, other, b))
			take(&merged, into, a++, kept);
		else
			take(&merged, other, b++, kept);
	}
	unkept_deinit(into);
	*into = merged;
}
