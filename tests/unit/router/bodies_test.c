/* tests/unit/router/bodies_test.c - what was said is there while there is room for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "router/bodies.h"

#define FAR SIZE_MAX

static struct event_id at(uint64_t ms)
{
	return (struct event_id){ms, ms % 3};
}

/* An entry whose data names `ms`, with `padding` bytes more. */
static struct entry make_entry(uint64_t ms, size_t padding, char room[2048])
{
	int size =
		snprintf(room, 2048, "{\"ms\":%u,\"x\":\"%*s\"}", (unsigned)ms, (int)padding, "");

	return (struct entry){
		.data = slice_of(room, (size_t)size),
		.type = SLICE("notification"),
		.ttl_s = (uint32_t)ms,
	};
}

static void add(struct bodies *bodies, uint64_t ms, size_t padding)
{
	char room[2048];
	struct entry entry = make_entry(ms, padding, room);

	assert_true(bodies_add(bodies, at(ms), &entry));
}

static void keep(struct bodies *bodies, uint64_t ms, size_t padding)
{
	char room[2048];
	struct entry entry = make_entry(ms, padding, room);

	assert_true(bodies_keep(bodies, at(ms), &entry));
}

static void check_there(const struct bodies *bodies, uint64_t ms, size_t padding)
{
	char room[2048];
	struct entry expected = make_entry(ms, padding, room), entry;

	assert_true(bodies_find(bodies, at(ms), &entry));
	assert_true(slice_equal(entry.data, expected.data));
	assert_int_equal(entry.ttl_s, ms);
	assert_int_equal(entry.channels_count, 0);
}

static void check_gone(const struct bodies *bodies, uint64_t ms)
{
	struct entry entry = {.ttl_s = 77};

	assert_false(bodies_find(bodies, at(ms), &entry));
	assert_int_equal(entry.ttl_s, 77);
}

static void check_oldest(const struct bodies *bodies, struct event_id expected)
{
	assert_true(event_id_equal(bodies_oldest(bodies), expected));
}

static void the_newest_are_hot(void **state)
{
	struct bodies *bodies = bodies_create(20000, 0);

	(void)state;
	check_oldest(bodies, (struct event_id){0, 0});
	check_gone(bodies, 5);
	for (uint64_t ms = 1; ms <= 20000; ms += 2) {
		add(bodies, ms, 100);
		assert_true(bodies_size(bodies) <= 20000);
	}
	size_t count = bodies_count(bodies);

	/* data, entry_pack, size, place in the queue, what the heap adds */
	assert_in_range(count, 20000 / 200, 20000 / 150);
	check_oldest(bodies, at(20001 - 2 * count));
	for (uint64_t ms = 20001 - 2 * count; ms <= 19999; ms += 2) {
		check_there(bodies, ms, 100);
		check_gone(bodies, ms + 1);
	}
	check_gone(bodies, 20001 - 2 * count - 2);
	bodies_clear(bodies);
	assert_int_equal(bodies_size(bodies), 0);
	check_gone(bodies, 19999);
	add(bodies, 1, 100);
	check_there(bodies, 1, 100);
	bodies_destroy(bodies);
	bodies_destroy(NULL);
}

static void the_newest_stays_whatever_its_size(void **state)
{
	struct bodies *bodies = bodies_create(1000, 1000);

	(void)state;
	add(bodies, 1, 10);
	add(bodies, 2, 1900);
	assert_int_equal(bodies_count(bodies), 1);
	check_gone(bodies, 1);
	check_there(bodies, 2, 1900);
	keep(bodies, 3, 1800);
	check_there(bodies, 3, 1800);
	keep(bodies, 4, 10);
	check_gone(bodies, 3);
	check_there(bodies, 4, 10);
	bodies_destroy(bodies);
}

static void fetched_ones_go_first_in_first_out(void **state)
{
	struct bodies *bodies = bodies_create(FAR, 50000);
	uint64_t ms;

	(void)state;
	add(bodies, 70000, 100);
	keep(bodies, 70000, 0); /* it is hot */
	check_there(bodies, 70000, 100);
	size_t hot = bodies_size(bodies);

	for (ms = 60000; ms > 1; ms--) {
		keep(bodies, ms, 100);
		keep(bodies, ms, 0); /* it is there */
		check_there(bodies, ms, 100);
		assert_true(bodies_size(bodies) - hot <= 50000);
	}
	assert_int_equal(bodies_count(bodies), 1);
	for (ms = 2; ms < 250; ms++)
		check_there(bodies, ms, 100);
	for (ms = 400; ms < 60000; ms++)
		check_gone(bodies, ms);
	bodies_clear(bodies);
	check_gone(bodies, 2);
	keep(bodies, 2, 30);
	check_there(bodies, 2, 30);
	bodies_destroy(bodies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_are_hot),
		cmocka_unit_test(the_newest_stays_whatever_its_size),
		cmocka_unit_test(fetched_ones_go_first_in_first_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
