/* tests/unit/router/departed_test.c - an id is taken up once, whole, in time, by its own user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "router/departed.h"
#include "wire/connection_id.h"

#define USER 7
#define END_MS 1000

static struct departed departed;

static int setup(void **state)
{
	(void)state;
	departed = (struct departed){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	departed_deinit(&departed);
	return 0;
}

static struct slice id_of(uint32_t number)
{
	static char id[CONNECTION_ID_SIZE];
	char digits[CONNECTION_ID_DIGITS + 1];

	snprintf(digits, sizeof(digits), "%020u", number);
	return connection_id_complete(digits, id);
}

static void add(uint32_t number)
{
	departed_add(&departed, (const char *)id_of(number).bytes, USER, END_MS);
}

static void an_id_is_taken_up_once(void **state)
{
	(void)state;
	assert_false(departed_take(&departed, id_of(1), USER, 0));
	add(1);
	add(2);
	assert_false(departed_take(&departed, id_of(3), USER, 0));
	assert_false(departed_take(&departed, id_of(1), USER + 1, 0));
	assert_false(departed_take(&departed, id_of(1), USER, END_MS));
	assert_true(departed_take(&departed, id_of(1), USER, END_MS - 1));
	assert_false(departed_take(&departed, id_of(1), USER, END_MS - 1));
	assert_true(departed_take(&departed, id_of(2), USER, 0));
}

/* Only its digits are kept. */
static void an_id_is_asked_for_in_full(void **state)
{
	char asked[CONNECTION_ID_SIZE];

	(void)state;
	add(1);
	memcpy(asked, id_of(1).bytes, sizeof(asked));
	for (size_t size = 0; size < sizeof(asked); size++)
		assert_false(departed_take(&departed, slice_of(asked, size), USER, 0));
	for (size_t i = 0; i < sizeof(asked); i++) {
		asked[i] ^= 1;
		assert_false(departed_take(&departed, slice_of(asked, sizeof(asked)), USER, 0));
		asked[i] ^= 1;
	}
	assert_true(departed_take(&departed, slice_of(asked, sizeof(asked)), USER, 0));
}

static void the_oldest_goes_when_there_are_more(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < DEPARTED_MAX + 10; i++)
		add(i);
	assert_false(departed_take(&departed, id_of(0), USER, 0));
	assert_false(departed_take(&departed, id_of(9), USER, 0));
	assert_true(departed_take(&departed, id_of(10), USER, 0));
	assert_true(departed_take(&departed, id_of(DEPARTED_MAX + 9), USER, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_id_is_taken_up_once),
		TEST(an_id_is_asked_for_in_full),
		TEST(the_oldest_goes_when_there_are_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
