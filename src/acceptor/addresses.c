/* acceptor/addresses.c - a chained hash table of networks. */
#include "acceptor/addresses.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
		uint64_t hash = hash_bytes(addresses->key, slice_of(records[i].network, 16));

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

static void network_of(const struct sockaddr_storage *peer, uint8_t ret_network[16])
{
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

	memset(ret_network, 0, 16);
	if (peer->ss_family == AF_INET) {
		memcpy(ret_network, mapped, 12);
		memcpy(ret_network + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else if (peer->ss_family == AF_INET6) {
		const uint8_t *bytes = ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr;

		memcpy(ret_network, bytes, memcmp(bytes, mapped, 12) == 0 ? 16 : 8);
	}
}

uint32_t addresses_enter(struct addresses *addresses, const struct sockaddr_storage *peer)
{
	uint8_t network[16];

	network_of(peer, network);
	uint64_t hash = hash_bytes(addresses->key, slice_of(network, sizeof(network)));
	uint32_t index = addresses->heads[hash & (addresses->heads_count - 1)];

	while (index != ADDRESS_UNKNOWN) {
		struct address *record = &addresses->records[index];

		if (memcmp(record->network, network, sizeof(network)) == 0) {
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
	memcpy(record->network, network, sizeof(network));
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
	uint64_t hash = hash_bytes(addresses->key, slice_of(record->network, 16));
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
