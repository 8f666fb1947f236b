/* wsbench/rounds.c - counting of broadcasts. */
#include "wsbench/rounds.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "wsbench/stopwatch.h"

enum status rounds_init(struct rounds *rounds, uint32_t count)
{
	struct round *list = calloc(count + 1, sizeof(*list));

	if (!list)
		return STATUS_NO_MEMORY;
	int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake_fd < 0) {
		free(list);
		return STATUS_SYSTEM;
	}
	*rounds = (struct rounds){.list = list, .count = count, .wake_fd = wake_fd};
	atomic_store(&rounds->expected, UINT32_MAX);
	return STATUS_OK;
}

void rounds_deinit(struct rounds *rounds)
{
	if (!rounds->list)
		return;
	close(rounds->wake_fd);
	free(rounds->list);
	rounds->list = NULL;
}

uint32_t rounds_issue(struct rounds *rounds, uint64_t now_ns)
{
	uint32_t number = atomic_load(&rounds->issued);

	ASSERT(number < rounds->count);
	rounds->list[number].published_ns = now_ns;
	atomic_store(&rounds->issued, number + 1);
	return number;
}

static void complete(struct rounds *rounds, struct round *round)
{
	uint64_t one = 1;

	atomic_store(&round->done_ns, stopwatch_now_ns());
	atomic_fetch_add(&rounds->completed, 1);
	/* Only a full counter can refuse, and then the reader is awake anyway. */
	ssize_t written = write(rounds->wake_fd, &one, sizeof(one));
	(void)written;
}

void tally_flush(struct tally *tally, struct rounds *rounds)
{
	uint32_t expected = atomic_load_explicit(&rounds->expected, memory_order_relaxed);

	for (uint32_t i = 0; i < tally->touched_count; i++) {
		uint32_t slot = tally->touched[i];
		struct round *round = &rounds->list[tally->number[slot]];
		uint32_t more = tally->received[slot];
		uint32_t before = atomic_fetch_add(&round->received, more);

		tally->received[slot] = 0;
		if (before < expected && before + more >= expected)
			complete(rounds, round);
	}
	tally->touched_count = 0;
}

void tally_add(struct tally *tally, struct rounds *rounds, uint32_t number)
{
	uint32_t slot = number % TALLY_SLOTS;

	if (number >= rounds->count)
		return; /* not ours: some other run publishes to the same channel */
	if (tally->received[slot] > 0 && tally->number[slot] != number)
		tally_flush(tally, rounds);
	if (tally->received[slot] == 0) {
		tally->touched[tally->touched_count++] = slot;
		tally->number[slot] = number;
	}
	tally->received[slot]++;
}
