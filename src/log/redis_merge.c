/* log/redis_merge.c - collect, sort, and find where to stop. */
#include "log/redis_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define PARTS_MAX (2u * ENTRY_FIELDS_MAX) /* of one entry that are kept */

void redis_merge_deinit(struct redis_merge *merge)
{
	free(merge->entries);
	free(merge->ends);
	free(merge->bytes);
	*merge = (struct redis_merge){0};
}

void redis_merge_clear(struct redis_merge *merge)
{
	merge->count = merge->ends_count = merge->bytes_size = 0;
}

/* ---- adding ---- */

static bool grow(void **memory, size_t item_size, size_t needed, size_t *capacity)
{
	size_t larger = *capacity ? *capacity : 256;

	if (needed <= *capacity)
		return true;
	while (larger < needed)
		larger *= 2;
	void *grown = realloc(*memory, larger * item_size);

	if (!grown)
		return false;
	*memory = grown;
	*capacity = larger;
	return true;
}

bool redis_merge_add(struct redis_merge *merge, struct event_id id, uint32_t partition)
{
	void *memory = merge->entries;

	if (!grow(&memory, sizeof(*merge->entries), merge->count + 1, &merge->capacity))
		return false;
	merge->entries = memory;
	merge->entries[merge->count++] = (struct redis_merge_entry){
		.id = id,
		.partition = partition,
		.first = merge->ends_count,
	};
	return true;
}

static bool reserve_part(struct redis_merge *merge, size_t size)
{
	void *bytes = merge->bytes, *ends = merge->ends;

	/* One byte more: a text that is empty still points somewhere. */
	if (!grow(&bytes, 1, merge->bytes_size + size + 1, &merge->bytes_capacity))
		return false;
	merge->bytes = bytes;
	if (!grow(&ends, sizeof(*merge->ends), merge->ends_count + 1, &merge->ends_capacity))
		return false;
	merge->ends = ends;
	return true;
}

bool redis_merge_add_part(struct redis_merge *merge, struct slice text)
{
	ASSERT(merge->count > 0);
	struct redis_merge_entry *entry = &merge->entries[merge->count - 1];

	if (entry->parts < PARTS_MAX) {
		if (!reserve_part(merge, text.size))
			return false;
		if (text.size > 0)
			memcpy(merge->bytes + merge->bytes_size, text.bytes, text.size);
		merge->bytes_size += text.size;
		merge->ends[merge->ends_count++] = merge->bytes_size;
	}
	entry->parts++;
	return true;
}

/* ---- order ---- */

static int compare(const void *a, const void *b)
{
	const struct redis_merge_entry *left = a, *right = b;

	if (!event_id_equal(left->id, right->id))
		return event_id_is_after(left->id, right->id) ? 1 : -1;
	return left->partition < right->partition ? -1 : left->partition > right->partition;
}

/* The last id up to which every stream has told all it has. */
static struct event_id common_end(const struct redis_merge *merge, uint32_t asked_for)
{
	struct event_id end = {UINT64_MAX, UINT64_MAX};
	uint32_t run = 0;

	for (size_t i = 0; i < merge->count; i++) {
		const struct redis_merge_entry *entry = &merge->entries[i];

		run = i > 0 && entry->partition == entry[-1].partition ? run + 1 : 1;
		if (run == asked_for && event_id_is_after(end, entry->id))
			end = entry->id;
	}
	return end;
}

size_t redis_merge_sort(struct redis_merge *merge, const struct redis_merge_rule *rule)
{
	struct event_id end = common_end(merge, rule->asked_for);
	size_t told = 0;

	merge->end = end;
	if (!event_id_is_none(rule->limit) && event_id_is_after(end, rule->limit))
		end = rule->limit;
	if (merge->count == 0)
		return 0;
	qsort(merge->entries, merge->count, sizeof(*merge->entries), compare);
	while (told < merge->count && told < rule->room &&
	       merge->entries[told].id.ms < rule->before_ms &&
	       !event_id_is_after(merge->entries[told].id, end))
		told++;
	return told;
}

/* ---- what it says ---- */

static struct slice part(const struct redis_merge *merge, size_t index)
{
	size_t start = index ? merge->ends[index - 1] : 0;

	return slice_of(merge->bytes + start, merge->ends[index] - start);
}

uint32_t redis_merge_fields(const struct redis_merge *merge, size_t index,
			    struct entry_field *ret_fields)
{
	const struct redis_merge_entry *entry = &merge->entries[index];
	uint32_t count = entry->parts / 2;
	uint32_t kept = count > ENTRY_FIELDS_MAX ? ENTRY_FIELDS_MAX : count;

	ASSERT(index < merge->count);
	for (uint32_t i = 0; i < kept; i++)
		ret_fields[i] = (struct entry_field){part(merge, entry->first + 2 * i),
						     part(merge, entry->first + 2 * i + 1)};
	return count > ENTRY_FIELDS_MAX ? ENTRY_FIELDS_MAX + 1 : count;
}
