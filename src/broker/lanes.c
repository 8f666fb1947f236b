/* broker/lanes.c - making and emptying lanes. */
#include "broker/lanes.h"

#include <sys/mman.h>

#include "belfry/delivery.h"
#include "belfry/departure.h"
#include "belfry/publication.h"
#include "belfry/query.h"
#include "belfry/receipt.h"
#include "shard/deliver.h"
#include "shard/receipts.h"

static enum status init_lane(struct lane *lane, uint32_t capacity, uint32_t item_size,
			     struct sleeper *consumer)
{
	lane->consumer = consumer;
	return ring_init(&lane->ring, capacity, item_size);
}

enum status lanes_init(struct lanes *lanes, uint32_t shards_count)
{
	enum status status = STATUS_OK;

	lanes->shards_count = shards_count;
	for (uint32_t i = 0; status == STATUS_OK && i < shards_count; i++) {
		status = init_lane(&lanes->deliveries[i], DELIVERY_LANE_SIZE,
				   sizeof(struct delivery), &lanes->shard_sleepers[i]);
		if (status == STATUS_OK)
			status = init_lane(&lanes->receipts[i], RECEIPT_LANE_SIZE,
					   sizeof(struct receipt), &lanes->router_sleeper);
		if (status == STATUS_OK)
			status = init_lane(&lanes->departures[i], DEPARTURE_LANE_SIZE,
					   sizeof(struct departure), NULL);
	}
	if (status == STATUS_OK)
		status = init_lane(&lanes->publications, PUBLICATION_LANE_SIZE,
				   sizeof(struct publication *), &lanes->router_sleeper);
	if (status == STATUS_OK)
		status = init_lane(&lanes->outcomes, PUBLICATION_LANE_SIZE,
				   sizeof(struct publication *), &lanes->admin_sleeper);
	if (status == STATUS_OK)
		status = init_lane(&lanes->queries, PUBLICATION_LANE_SIZE, sizeof(struct query *),
				   &lanes->router_sleeper);
	if (status == STATUS_OK)
		status = init_lane(&lanes->answers, PUBLICATION_LANE_SIZE, sizeof(struct query *),
				   &lanes->admin_sleeper);
	if (status == STATUS_OK && !node_rates_init(&lanes->rates))
		status = STATUS_NO_MEMORY;
	return status;
}

/* Address space: the kernel gives pages as they are used. */
enum status lanes_add_arrivals(struct lanes *lanes, uint32_t conns_max)
{
	uint32_t count = ARRIVAL_NONE + 1 + conns_max;
	void *bytes = mmap(NULL, count * sizeof(struct arrival), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		return STATUS_NO_MEMORY;
	lanes->arrivals = bytes;
	lanes->arrivals_count = count;
	return STATUS_OK;
}

static void empty_deliveries(struct ring *ring)
{
	struct delivery delivery;

	while (ring_pop(ring, &delivery))
		deliver_free(&delivery);
}

static void empty_receipts(struct ring *ring)
{
	struct receipt receipt;

	while (ring_pop(ring, &receipt))
		receipts_free(&receipt);
}

void lanes_deinit(struct lanes *lanes)
{
	for (uint32_t i = 0; i < lanes->shards_count; i++) {
		if (lanes->deliveries[i].ring.slots)
			empty_deliveries(&lanes->deliveries[i].ring);
		if (lanes->receipts[i].ring.slots)
			empty_receipts(&lanes->receipts[i].ring);
		ring_deinit(&lanes->deliveries[i].ring);
		ring_deinit(&lanes->receipts[i].ring);
		ring_deinit(&lanes->departures[i].ring);
	}
	ring_deinit(&lanes->publications.ring);
	ring_deinit(&lanes->outcomes.ring);
	ring_deinit(&lanes->queries.ring);
	ring_deinit(&lanes->answers.ring);
	node_rates_deinit(&lanes->rates);
	if (lanes->arrivals)
		munmap(lanes->arrivals, lanes->arrivals_count * sizeof(struct arrival));
}
