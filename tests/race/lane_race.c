/* tests/race/lane_race.c - a consumer that really sleeps, woken only when sleeper_must_wake says
 * so. A wake that is lost leaves it asleep with items on a lane; it finds out by its alarm. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/random.h"
#include "lane/lane.h"

#define PRODUCERS 2
#define ITEMS 200000u /* of each producer */
#define LANE_SIZE 16
#define ALARM_MS 20000

struct producer {
	struct lane lane;
	uint32_t index;
	_Atomic uint32_t taken; /* items that the consumer has had */
	uint32_t wakes;         /* that this producer gave */
};

static struct producer producers[PRODUCERS];
static struct sleeper sleeper;
static int event_fd;
static uint32_t sleeps;

static void wake(struct producer *producer)
{
	uint64_t one = 1;

	if (!sleeper_must_wake(producer->lane.consumer))
		return;
	producer->wakes++;
	ssize_t written = write(producer->lane.consumer->ring_fd, &one, sizeof(one));

	ASSERT(written == sizeof(one));
}

/* A batch of 1 to 4; every other time it then waits until all was taken, so that the consumer
 * goes to sleep at just the time of the next push. */
static void *produce(void *owner)
{
	struct producer *producer = owner;
	struct random random;
	uint32_t sent = 0;

	random_init(&random, producer->index + 1);
	while (sent < ITEMS) {
		for (uint64_t n = 1 + random_below(&random, 4); n > 0 && sent < ITEMS; n--) {
			while (!ring_push(&producer->lane.ring, &sent)) {
				wake(producer);
				sched_yield();
			}
			sent++;
		}
		wake(producer);
		if (random_below(&random, 2))
			while (atomic_load(&producer->taken) < sent)
				sched_yield();
		for (uint64_t n = random_below(&random, 200); n > 0; n--)
			atomic_signal_fence(memory_order_seq_cst);
	}
	return NULL;
}

static void drain(struct producer *producer)
{
	uint32_t taken = atomic_load_explicit(&producer->taken, memory_order_relaxed);
	uint32_t number;

	while (ring_pop(&producer->lane.ring, &number)) {
		ASSERT(number == taken);
		atomic_store(&producer->taken, ++taken);
	}
}

static bool has_items(void)
{
	for (uint32_t i = 0; i < PRODUCERS; i++)
		if (ring_peek(&producers[i].lane.ring))
			return true;
	return false;
}

static bool is_over(void)
{
	for (uint32_t i = 0; i < PRODUCERS; i++)
		if (atomic_load(&producers[i].taken) < ITEMS)
			return false;
	return true;
}

static void sleep_until_woken(void)
{
	struct pollfd poll_fd = {.fd = event_fd, .events = POLLIN};
	uint64_t count;
	int ready = poll(&poll_fd, 1, ALARM_MS);

	ASSERT(ready == 1); /* else a wake was lost */
	ASSERT(read(event_fd, &count, sizeof(count)) == sizeof(count));
	sleeps++;
}

static void *consume(void *owner)
{
	(void)owner;
	while (!is_over()) {
		for (uint32_t i = 0; i < PRODUCERS; i++)
			drain(&producers[i]);
		if (is_over())
			break;
		sleeper_announce(&sleeper);
		if (!has_items())
			sleep_until_woken();
		sleeper_rise(&sleeper);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[PRODUCERS + 1];
	uint32_t wakes = 0;

	event_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(event_fd >= 0);
	sleeper_init(&sleeper, event_fd);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		producers[i].index = i;
		producers[i].lane.consumer = &sleeper;
		ASSERT(ring_init(&producers[i].lane.ring, LANE_SIZE, sizeof(uint32_t)) ==
		       STATUS_OK);
		ASSERT(pthread_create(&threads[i], NULL, produce, &producers[i]) == 0);
	}
	ASSERT(pthread_create(&threads[PRODUCERS], NULL, consume, NULL) == 0);
	for (uint32_t i = 0; i <= PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		wakes += producers[i].wakes;
		ring_deinit(&producers[i].lane.ring);
	}
	close(event_fd);
	printf("%u items, %u sleeps, %u wakes\n", PRODUCERS * ITEMS, sleeps, wakes);
	ASSERT(sleeps <= wakes && sleeps > 100); /* else nothing was tried */
	return 0;
}
