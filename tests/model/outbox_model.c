/* tests/model/outbox_model.c - the outbox against one flat array. What was handed out by
 * outbox_first stays readable in place while more is added, as the kernel needs it. */
#include <string.h>

#include "model.h"
#include "shard/outbox.h"

#define FLAT_MAX (1u << 20)

static uint8_t flat[FLAT_MAX]; /* from `start` for `size` */
static size_t start, size;
static struct outbox *outbox;
static struct slice in_kernel; /* what outbox_first gave, until something is consumed */

static size_t pick_size(void)
{
	uint32_t kind = pick(8);

	return kind == 0 ? 1990 + pick(20) : kind == 1 ? 1 + pick(9000) : 1 + pick(300);
}

static void fill(uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)pick(256);
}

static void append(void)
{
	uint8_t bytes[9000];
	size_t count = pick_size();
	size_t size_max = 4000 + pick(40000);
	bool has_room = size + count <= size_max;
	bool was_none = outbox == NULL;

	fill(bytes, count);
	CHECK(outbox_append(&outbox, slice_of(bytes, count), size_max) ==
	      (has_room ? STATUS_OK : STATUS_TOO_LARGE));
	CHECK(has_room || (outbox == NULL) == was_none);
	if (!has_room)
		return;
	memcpy(flat + start + size, bytes, count);
	size += count;
}

static void append_owned(void)
{
	size_t count = pick_size();
	uint8_t *bytes = malloc(count);

	CHECK(bytes);
	fill(bytes, count);
	memcpy(flat + start + size, bytes, count);
	size += count;
	CHECK(outbox_append_owned(&outbox, bytes, count) == STATUS_OK);
}

static void prepend(void)
{
	uint8_t bytes[9000];
	size_t count = pick_size();

	fill(bytes, count);
	start -= count;
	memcpy(flat + start, bytes, count);
	size += count;
	in_kernel = (struct slice){NULL, 0};
	CHECK(outbox_prepend(&outbox, slice_of(bytes, count)) == STATUS_OK);
}

static void consume(void)
{
	size_t count = pick(3) && in_kernel.size > 0 ? 1 + pick((uint32_t)in_kernel.size)
						     : 1 + pick((uint32_t)size);

	if (pick(4) == 0)
		count = size;
	in_kernel = (struct slice){NULL, 0};
	outbox_consume(&outbox, count);
	start += count;
	size -= count;
}

static void check_all(void)
{
	CHECK(outbox_size(outbox) == size);
	CHECK((outbox == NULL) == (size == 0));
	CHECK(in_kernel.size == 0 || memcmp(in_kernel.bytes, flat + start, in_kernel.size) == 0);
	if (!outbox)
		return;
	struct slice first = outbox_first(outbox);

	CHECK(first.size > 0 && first.size <= size);
	CHECK(memcmp(first.bytes, flat + start, first.size) == 0);
	if (pick(2))
		in_kernel = first;
}

static void round_of_outbox(void)
{
	start = FLAT_MAX / 2;
	size = 0;
	in_kernel = (struct slice){NULL, 0};
	for (uint32_t step = 0; step < 400; step++) {
		uint32_t what = pick(10);
		bool is_roomy = size < 30000 && start > FLAT_MAX / 4 && start < FLAT_MAX * 3 / 4;

		if (what < 6 && is_roomy)
			append();
		else if (what == 6 && is_roomy)
			append_owned();
		else if (what == 7 && is_roomy)
			prepend();
		else if (size > 0)
			consume();
		check_all();
	}
	outbox_destroy(&outbox);
	CHECK(outbox == NULL);
	outbox_destroy(&outbox);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 1500, round_of_outbox);
}
