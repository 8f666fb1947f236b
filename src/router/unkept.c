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

struct event_id unkept_at(const struct unkept *unkept, uint32_t index)
{
	ASSERT(index < unkept->count);
	return unkept->ids[place_of(unkept, index)];
}

uint32_t unkept_partition(const struct unkept *unkept, uint32_t index)
{
	ASSERT(index < unkept->count);
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

/* What `index` means comes before this. */
static bool is_older(const struct unkept *unkept, uint32_t index, struct event_id id,
		     uint32_t partition)
{
	struct event_id other = unkept_at(unkept, index);

	return event_id_is_after(id, other) ||
	       (event_id_equal(id, other) && partition > unkept_partition(unkept, index));
}

void unkept_add(struct unkept *unkept, struct event_id id, uint32_t partition)
{
	if (!has_room(unkept) ||
	    (unkept->count > 0 && !is_older(unkept, unkept->count - 1, id, partition)))
		return;
	if (unkept->count == UNKEPT_MAX)
		drop_oldest(unkept);
	uint32_t place = place_of(unkept, unkept->count++);

	unkept->ids[place] = id;
	unkept->partitions[place] = (uint16_t)partition;
}

bool unkept_has(const struct unkept *unkept, struct event_id id, uint32_t partition)
{
	uint32_t low = 0, high = unkept->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (is_older(unkept, middle, id, partition))
			low = middle + 1;
		else
			high = middle;
	}
	return low < unkept->count && event_id_equal(unkept_at(unkept, low), id) &&
	       unkept_partition(unkept, low) == partition;
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
	return is_older(one, a, unkept_at(other, b), unkept_partition(other, b));
}

static void take(struct unkept *merged, const struct unkept *from, uint32_t index,
		 const struct partition_set *kept)
{
	uint32_t partition = unkept_partition(from, index);

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
