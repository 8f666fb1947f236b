/* router/reading_compare.c - one log beside another: what is lost. */
#include "router/reading.h"

/* An entry of the log; others may have the same id in other streams. */
struct place {
	struct event_id id;
	uint32_t partition;
};

/* Above 0: `a` comes after `b`; 0: they are the same entry. */
static int order(const struct place *a, const struct place *b)
{
	if (!event_id_equal(a->id, b->id))
		return event_id_is_after(a->id, b->id) ? 1 : -1;
	return (a->partition > b->partition) - (a->partition < b->partition);
}

/* Who was as far as that is further on than what both have. */
static void lose(struct reading *reading, struct event_id id)
{
	if (reading->lost == 0 && event_id_equal(id, reading->common))
		reading->common = event_id_before(id);
	reading->lost++;
}

/* Records of the old index before `place` are lost. True: it has one there. */
static bool compare_records(struct reading *reading, const struct place *place)
{
	bool has = false;

	for (; reading->old_next < history_end(reading->old); reading->old_next++) {
		struct place next = {history_id(reading->old, reading->old_next),
				     history_partition(reading->old, reading->old_next)};
		int after = order(&next, place);

		if (after > 0)
			break;
		if (after == 0)
			has = true;
		else
			lose(reading, next.id);
	}
	return has;
}

/* Likewise those without a record; of what was trimmed nobody knows. */
static bool compare_unkept(struct reading *reading, const struct place *place)
{
	const struct unkept *old = &reading->unkept_old;
	bool has = false;

	for (; reading->unkept_next < old->count; reading->unkept_next++) {
		struct place next = {unkept_at(old, reading->unkept_next),
				     unkept_partition(old, reading->unkept_next)};
		int after = order(&next, place);

		if (after > 0)
			break;
		if (after == 0)
			has = true;
		else if (event_id_is_after(next.id, reading->floor))
			lose(reading, next.id);
	}
	return has;
}

bool reading_compare(struct reading *reading, struct event_id id, uint32_t partition)
{
	const struct place place = {id, partition};
	bool has = compare_records(reading, &place);

	has |= compare_unkept(reading, &place);
	if (has && reading->lost == 0)
		reading->common = id;
	return has;
}
