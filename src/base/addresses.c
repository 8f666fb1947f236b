/* base/addresses.c - a chained hash table of addresses. */
#include "base/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"

#define CAPACITY_MIN 64 /* a power of two */

static bool resize(struct addresses *addresses, uint32_t capacity)
{
	struct address *records = realloc(addresses->records, capacity * sizeof(*records));
	uint32_t *heads = malloc(capacity * sizeof(*heads));

	if (records)
		addresses->records = records;
	if (!records || !heads) {
		free(heads);
		return false;
	}
	free(addresses->heads);
	memset(heads, 0, capacity * sizeof(*heads));
	addresses->heads = heads;
	addresses->heads_count = capacity;
	for (uint32_t i = 1; i < addresses->capacity; i++) {
		uint64_t hash = hash_bytes(addresses->key, slice_of(records[i].bytes, 16));

		records[i].next = heads[hash & (capacity - 1)];
		heads[hash & (capacity - 1)] = i;
	}
	for (uint32_t i = addresses->capacity ? addresses->capacity : 1; i < capacity; i++) {
		records[i] = (struct address){.next = addresses->free};
		addresses->free = i;
	}
	addresses->capacity = capacity;
	return true;
}

bool addresses_init(struct addresses *addresses)
{
	*addresses = (struct addresses){.free = ADDRESS_UNKNOWN};
	random_secret(&addresses->key, sizeof(addresses->key));
	return resize(addresses, CAPACITY_MIN);
}

void addresses_deinit(struct addresses *addresses)
{
	free(addresses->records);
	free(addresses->heads);
}

uint32_t addresses_enter(struct addresses *addresses, const uint8_t bytes[16])
{
	uint64_t hash = hash_bytes(addresses->key, slice_of(bytes, 16));
	uint32_t index = addresses->heads[hash & (addresses->heads_count - 1)];

	while (index != ADDRESS_UNKNOWN) {
		struct address *record = &addresses->records[index];

		if (memcmp(record->bytes, bytes, sizeof(record->bytes)) == 0) {
			record->count++;
			return index;
		}
		index = record->next;
	}
	if (addresses->free == ADDRESS_UNKNOWN && !resize(addresses, addresses->capacity * 2))
		return ADDRESS_UNKNOWN;
	uint32_t *head = &addresses->heads[hash & (addresses->heads_count - 1)];

	index = addresses->free;
	struct address *record = &addresses->records[index];

	addresses->free = record->next;
	memcpy(record->bytes, bytes, sizeof(record->bytes));
	record->count = 1;
	record->next = *head;
	*head = index;
	addresses->used++;
	return index;
}

void addresses_leave(struct addresses *addresses, uint32_t index)
{
	struct address *record;

	if (index == ADDRESS_UNKNOWN)
		return;
	ASSERT(index < addresses->capacity);
	record = &addresses->records[index];
	ASSERT(record->count > 0);
	if (--record->count > 0)
		return;
	uint64_t hash = hash_bytes(addresses->key, slice_of(record->bytes, 16));
	uint32_t *link = &addresses->heads[hash & (addresses->heads_count - 1)];

	while (*link != index)
		link = &addresses->records[*link].next;
	*link = record->next;
	record->next = addresses->free;
	addresses->free = index;
	addresses->used--;
}

uint32_t addresses_count(const struct addresses *addresses, uint32_t index)
{
	ASSERT(index < addresses->capacity);
	return index == ADDRESS_UNKNOWN ? 0 : addresses->records[index].count;
}
