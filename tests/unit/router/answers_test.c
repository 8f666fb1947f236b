/* tests/unit/router/answers_test.c - the queue in front of lanes that are full, or nearly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/answers.h"
#include "router/router_state.h"

static uint32_t room, pushed;

/* The lanes of this test; they come in place of router/fanout.c. */
uint32_t fanout_answer_room(struct router *router, uint32_t shard)
{
	(void)router, (void)shard;
	return room;
}

void fanout_push(struct router *router, uint32_t shard, const struct delivery *delivery)
{
	(void)router;
	assert_true(room-- > 0);
	assert_int_equal(shard, pushed % 3);
	assert_int_equal(delivery->count, pushed++);
}

static void push(struct router *router, uint32_t *next)
{
	struct delivery delivery = {.type = DELIVERY_CLOSE, .count = *next};

	answers_push(router, (*next)++ % 3, &delivery);
}

static void what_finds_no_room_waits_in_order(void **state)
{
	struct router router = {.options = {.shards_count = 3}};
	uint32_t next = 0;

	(void)state;
	pushed = 0;
	room = 2;
	for (uint32_t i = 0; i < 5; i++)
		push(&router, &next);
	assert_int_equal(pushed, 2);
	room = 1;
	assert_true(answers_flush(&router));
	assert_int_equal(pushed, 3);
	room = 10;
	push(&router, &next); /* it does not overtake */
	assert_int_equal(pushed, 3);
	assert_false(answers_flush(&router));
	assert_int_equal(pushed, 6);
	answers_drop(&router);
}

/* It is never empty, and yet no larger than what waits. */
static void a_queue_that_never_ends_does_not_grow(void **state)
{
	struct router router = {.options = {.shards_count = 3}};
	uint32_t next = 0;

	(void)state;
	pushed = room = 0;
	for (uint32_t i = 0; i < 100; i++)
		push(&router, &next);
	for (uint32_t i = 0; i < 100000; i++) {
		push(&router, &next);
		room = 1;
		assert_true(answers_flush(&router));
		assert_int_equal(router.answers.count, 100);
		assert_true(router.answers.capacity <= 512);
	}
	room = UINT32_MAX;
	assert_false(answers_flush(&router));
	assert_int_equal(pushed, next);
	answers_drop(&router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_finds_no_room_waits_in_order),
		cmocka_unit_test(a_queue_that_never_ends_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
