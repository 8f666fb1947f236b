/* tests/race/ring_race.c - a producer and a consumer at full speed: every item comes, whole, once
 * and in order, also while the ring is full or empty most of the time. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "lane/ring.h"

#define ITEMS 2000000u

struct item {
	uint32_t number;
	uint32_t copies[5]; /* of number: half an item would be seen */
};

struct race {
	struct ring ring;
	uint32_t burst; /* after so many pushes the producer pauses; 0: never */
	uint32_t rest;  /* after so many pops the consumer pauses; 0: never */
};

static void pause_after(uint32_t number, uint32_t period)
{
	if (period > 0 && number % period == 0)
		sched_yield();
}

static void *produce(void *owner)
{
	struct race *race = owner;
	struct item item;

	for (uint32_t i = 0; i < ITEMS; i++) {
		item.number = i;
		for (int j = 0; j < 5; j++)
			item.copies[j] = i;
		while (!ring_push(&race->ring, &item))
			sched_yield();
		pause_after(i, race->burst);
	}
	return NULL;
}

static void *consume(void *owner)
{
	struct race *race = owner;
	struct item item;

	for (uint32_t i = 0; i < ITEMS; i++) {
		const struct item *first;

		while (!(first = ring_peek(&race->ring)))
			sched_yield();
		ASSERT(first->number == i && first->copies[4] == i);
		bool popped = ring_pop(&race->ring, &item);

		ASSERT(popped && item.number == i);
		for (int j = 0; j < 5; j++)
			ASSERT(item.copies[j] == i);
		pause_after(i, race->rest);
	}
	return NULL;
}

/* A third thread looks at the depth, as the metrics do. */
static void check_race(uint32_t capacity, uint32_t burst, uint32_t rest)
{
	static struct race race;
	pthread_t producer, consumer;
	enum status status = ring_init(&race.ring, capacity, sizeof(struct item));

	ASSERT(status == STATUS_OK);
	race.burst = burst;
	race.rest = rest;
	ASSERT(pthread_create(&producer, NULL, produce, &race) == 0);
	ASSERT(pthread_create(&consumer, NULL, consume, &race) == 0);
	for (int i = 0; i < 10000; i++)
		ASSERT(ring_depth(&race.ring) <= capacity);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	ASSERT(ring_depth(&race.ring) == 0 && ring_peek(&race.ring) == NULL);
	ASSERT(ring_room(&race.ring) == capacity);
	ring_deinit(&race.ring);
}

int main(void)
{
	check_race(2, 0, 0);
	check_race(8, 0, 3);    /* mostly full */
	check_race(8, 3, 0);    /* mostly empty */
	check_race(1024, 0, 0); /* neither */
	return 0;
}
