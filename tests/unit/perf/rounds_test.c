/* tests/unit/perf/rounds_test.c - tallies of several readers complete a round once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "wsbench/rounds.h"

#define ROUNDS 600u
#define READERS 3u

static uint64_t take_wakes(const struct rounds *rounds)
{
	uint64_t count = 0;

	return read(rounds->wake_fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_completion(void **state)
{
	static struct tally tallies[READERS];
	struct rounds rounds;

	(void)state;
	assert_int_equal(rounds_init(&rounds, ROUNDS), STATUS_OK);
	atomic_store(&rounds.expected, READERS * 2);
	for (uint32_t i = 0; i < ROUNDS; i++)
		assert_int_equal(rounds_issue(&rounds, i), i);
	for (uint32_t i = 0; i < ROUNDS; i++)
		for (uint32_t reader = 0; reader < READERS; reader++) {
			tally_add(&tallies[reader], &rounds, i);
			tally_add(&tallies[reader], &rounds, i);
			tally_add(&tallies[reader], &rounds, ROUNDS + i); /* nobody's */
		}
	for (uint32_t reader = 0; reader < READERS; reader++)
		tally_flush(&tallies[reader], &rounds);
	assert_int_equal(atomic_load(&rounds.completed), ROUNDS);
	assert_int_equal(take_wakes(&rounds), ROUNDS);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(atomic_load(&rounds.list[i].received), READERS * 2);
		assert_true(atomic_load(&rounds.list[i].done_ns) > 0);
	}
	tally_flush(&tallies[0], &rounds);
	assert_int_equal(atomic_load(&rounds.completed), ROUNDS);
	rounds_deinit(&rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
