/* tests/model/ring_model.c - the ring against a counter: what is in it are consecutive numbers. */
#include <string.h>

#include "lane/ring.h"
#include "model.h"

#define ITEM_MAX 64

static void fill(uint8_t *item, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		item[i] = (uint8_t)(number * 31 + (number >> 8) + i);
}

static void push(struct ring *ring, uint32_t size, uint32_t number, bool expected)
{
	uint8_t item[ITEM_MAX];

	fill(item, size, number);
	CHECK(ring_push(ring, item) == expected);
}

static void pop(struct ring *ring, uint32_t size, uint32_t number, bool expected)
{
	uint8_t item[ITEM_MAX], wanted[ITEM_MAX];
	const void *first = ring_peek(ring);

	fill(wanted, size, number);
	CHECK((first != NULL) == expected);
	CHECK(!first || memcmp(first, wanted, size) == 0);
	memset(item, 0xEE, sizeof(item));
	CHECK(ring_pop(ring, item) == expected);
	if (expected)
		CHECK(memcmp(item, wanted, size) == 0);
	for (uint32_t i = expected ? size : 0; i < ITEM_MAX; i++)
		CHECK(item[i] == 0xEE);
}

static void round_of_ring(void)
{
	uint32_t capacity = 2u << pick(8);
	uint32_t size = 1 + pick(ITEM_MAX);
	/* now and then the indices wrap at 2^32 in the middle */
	uint32_t start = pick(2) ? UINT32_MAX - pick(4 * capacity) : 0;
	uint32_t head = 0, tail = 0;
	struct ring ring;

	CHECK(ring_init(&ring, capacity, size) == STATUS_OK);
	atomic_store(&ring.head, start);
	atomic_store(&ring.tail, start);
	ring.head_seen = ring.tail_seen = start;
	for (uint32_t step = 0; step < 3000; step++) {
		uint32_t bias = (step >> 8) % 2 ? 70 : 30; /* mostly full, then mostly empty */

		if (pick(100) < bias) {
			push(&ring, size, tail, tail - head < capacity);
			tail += tail - head < capacity;
		} else {
			pop(&ring, size, head, tail != head);
			head += tail != head;
		}
		CHECK(ring_depth(&ring) == tail - head);
		if (pick(4) == 0)
			CHECK(ring_room(&ring) == capacity - (tail - head));
	}
	ring_deinit(&ring);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 6000, round_of_ring);
}
