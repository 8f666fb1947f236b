/* tests/unit/router/block_queue_test.c - numbers keep their items, and what is popped is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/block_queue.h"

static void push(struct block_queue *queue, uint64_t count)
{
	for (; count > 0; count--) {
		assert_true(block_queue_reserve(queue));
		uint64_t number = queue->end;

		*(uint64_t *)block_queue_push(queue) = number;
	}
}

static void pop(struct block_queue *queue, uint64_t count)
{
	for (; count > 0; count--)
		block_queue_pop(queue);
}

static void check_items(const struct block_queue *queue, uint64_t first, uint64_t end)
{
	assert_int_equal(queue->first, first);
	assert_int_equal(queue->end, end);
	assert_int_equal(block_queue_count(queue), end - first);
	for (uint64_t number = first; number < end; number++)
		assert_int_equal(*(uint64_t *)block_queue_at(queue, number), number);
}

/* So many are pushed, then so many popped, then so many more pushed. */
static void check_window(uint64_t before, uint64_t popped, uint64_t after)
{
	struct block_queue queue;

	block_queue_init(&queue, sizeof(uint64_t));
	push(&queue, before);
	pop(&queue, popped);
	push(&queue, after);
	check_items(&queue, 1 + popped, 1 + before + after);
	block_queue_deinit(&queue);
}

static void items_stay_where_they_are(void **state)
{
	static const uint64_t edges[] = {0,
					 1,
					 BLOCK_QUEUE_ITEMS - 2,
					 BLOCK_QUEUE_ITEMS - 1,
					 BLOCK_QUEUE_ITEMS,
					 5 * BLOCK_QUEUE_ITEMS + 7,
					 20 * BLOCK_QUEUE_ITEMS};
	size_t count = sizeof(edges) / sizeof(*edges);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j <= i; j++)
			for (size_t k = 0; k < count; k++)
				check_window(edges[i], edges[j], edges[k]);
}

static void a_moving_window_needs_no_more(void **state)
{
	struct block_queue queue;

	(void)state;
	block_queue_init(&queue, sizeof(uint64_t));
	assert_int_equal(block_queue_size(&queue), 0);
	push(&queue, 3 * BLOCK_QUEUE_ITEMS);
	for (uint64_t i = 0; i < 50 * BLOCK_QUEUE_ITEMS; i++) {
		push(&queue, 1);
		pop(&queue, 1);
		assert_true(queue.blocks <= 5); /* four in part, one spare */
	}
	check_items(&queue, 1 + 50 * BLOCK_QUEUE_ITEMS, 1 + 53 * BLOCK_QUEUE_ITEMS);
	pop(&queue, 3 * BLOCK_QUEUE_ITEMS);
	assert_true(queue.blocks <= 2);
	assert_true(block_queue_size(&queue) <=
		    2 * BLOCK_QUEUE_ITEMS * sizeof(uint64_t) + 8 * sizeof(void *));
	block_queue_deinit(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_stay_where_they_are),
		cmocka_unit_test(a_moving_window_needs_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
