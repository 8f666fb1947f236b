/* tests/unit/admin/api_keys_test.c - which Authorization headers open the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/api_keys.h"

/* SHA-256 of "the-hashed-one", and of "abc" (FIPS 180-2 appendix B.1) in upper case. */
#define HASHED "sha256:98cd0260b69821835411cf07868bea480777cbb98fe9a732f4dae50ee2571968"
#define HASHED_ABC "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"

static char *items[] = {"the-plain-one", HASHED_ABC, HASHED};
static const struct config_list list = {items, 3};

#define NONE (-1)

/* `expected` is the index of the key that was found. */
static void check_find(struct slice authorization, int expected)
{
	struct api_keys keys;

	assert_true(api_keys_init(&keys, &list));
	const struct api_key *found = api_keys_find(&keys, authorization);

	assert_int_equal(found ? found - keys.items : NONE, expected);
	api_keys_deinit(&keys);
}

static void a_key_is_found_as_it_is_or_by_its_hash(void **state)
{
	(void)state;
	check_find(SLICE("Bearer the-plain-one"), 0);
	check_find(SLICE("bearer the-plain-one"), 0);
	check_find(SLICE("BEARER  the-plain-one "), 0);
	check_find(SLICE("Bearer abc"), 1);
	check_find(SLICE("Bearer the-hashed-one"), 2);
}

static void anything_else_is_none(void **state)
{
	const struct slice absent = {NULL, 0};

	(void)state;
	check_find(absent, NONE);
	check_find(SLICE(""), NONE);
	check_find(SLICE("Bearer"), NONE);
	check_find(SLICE("Bearer "), NONE);
	check_find(SLICE("the-plain-one"), NONE);
	check_find(SLICE("Basic the-plain-one"), NONE);
	check_find(SLICE("Bearer the-plain-on"), NONE);
	check_find(SLICE("Bearer the-plain-onee"), NONE);
	check_find(SLICE("Bearer The-plain-one"), NONE);
	check_find(SLICE("Bearer the-plain-one abc"), NONE);
	check_find(SLICE("Bearer ab"), NONE);
}

static void a_hash_does_not_open_what_its_key_opens(void **state)
{
	(void)state;
	check_find(SLICE("Bearer " HASHED_ABC), NONE);
	check_find(SLICE("Bearer BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
		   NONE);
	check_find(SLICE("Bearer " HASHED), NONE);
}

static void without_keys_nothing_is_found(void **state)
{
	const struct config_list nothing = {NULL, 0};
	struct api_keys keys;

	(void)state;
	assert_true(api_keys_init(&keys, &nothing));
	assert_null(api_keys_find(&keys, SLICE("Bearer ")));
	assert_null(api_keys_find(&keys, SLICE("Bearer x")));
	api_keys_deinit(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_found_as_it_is_or_by_its_hash),
		cmocka_unit_test(anything_else_is_none),
		cmocka_unit_test(a_hash_does_not_open_what_its_key_opens),
		cmocka_unit_test(without_keys_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
