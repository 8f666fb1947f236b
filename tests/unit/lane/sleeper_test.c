/* tests/unit/lane/sleeper_test.c - one wake for one announced sleep, none for anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane/sleeper.h"

/* a: announce, r: rise, W: must wake, n: need not wake. */
static void check_story(const char *story)
{
	struct sleeper sleeper;

	sleeper_init(&sleeper, 5);
	assert_int_equal(sleeper.ring_fd, 5);
	for (const char *step = story; *step; step++) {
		if (*step == 'a')
			sleeper_announce(&sleeper);
		else if (*step == 'r')
			sleeper_rise(&sleeper);
		else if (sleeper_must_wake(&sleeper) != (*step == 'W'))
			fail_msg("%s: step %td", story, step - story);
	}
}

static void stories(void **state)
{
	(void)state;
	check_story("n");
	check_story("nn");
	check_story("aW");
	check_story("aWnn");
	check_story("arn");
	check_story("aWrn");
	check_story("aWraWn");
	check_story("aarn");
	check_story("aWaW");
	check_story("rnaW");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stories)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
