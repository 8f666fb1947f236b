/* tests/unit/wire/deflate_test.c - the vectors of RFC 7692 section 7.2.3, what is corrupt, bombs,
 * and messages there and back.
 *
 * Each message is inflated into outputs of every size, since it may not matter where one ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/deflate.h"

#define LEVEL 1

struct codec {
	void *memory;
	struct deflate *deflate;
};

static struct codec codec_make(int level)
{
	struct codec codec = {.memory = malloc(DEFLATE_MEMORY_SIZE)};

	assert_non_null(codec.memory);
	codec.deflate = deflate_init(codec.memory, DEFLATE_MEMORY_SIZE, level);
	assert_non_null(codec.deflate);
	return codec;
}

/* Inflates with outputs of `step` bytes; at most `capacity` in all. */
static enum status inflate_in_steps(struct deflate *deflate, struct slice message, size_t step,
				    struct writer *writer)
{
	/* of the exact size, so that a sanitizer sees each step too far */
	uint8_t *copy = malloc(message.size ? message.size : 1);
	enum status status = STATUS_AGAIN;

	assert_non_null(copy);
	if (message.size > 0)
		memcpy(copy, message.bytes, message.size);
	deflate_begin(deflate, slice_of(copy, message.size));
	while (status == STATUS_AGAIN && writer->capacity - writer->size > 0) {
		size_t room = writer->capacity - writer->size;
		size_t size;

		status = deflate_inflate(deflate, writer->bytes + writer->size,
					 step < room ? step : room, &size);
		assert_true(size <= step && size <= room);
		assert_true(status != STATUS_AGAIN || size == step || size == room);
		writer->size += size;
	}
	free(copy);
	return status;
}

struct row {
	const char *bytes;
	size_t size;
	const char *text; /* NULL: corrupt */
};

#define ROW(bytes, text)                       \
	{                                      \
		bytes, sizeof(bytes) - 1, text \
	}

static void check_inflate(struct deflate *deflate, const struct row *row, size_t step)
{
	char text[4096];
	struct writer writer;
	enum status status;

	writer_init(&writer, text, sizeof(text));
	status = inflate_in_steps(deflate, slice_of(row->bytes, row->size), step, &writer);
	if (row->text) {
		assert_int_equal(status, STATUS_OK);
		assert_true(slice_equal_text(writer_written(&writer), row->text));
	} else if (status != STATUS_INVALID) {
		fail_msg("%zu bytes from 0x%02x: status %d", row->size, row->bytes[0] & 0xFF,
			 status);
	}
}

static const struct row good_rows[] = {
	/* 7.2.3.1, one block */
	ROW("\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
	/* 7.2.3.3, without compression */
	ROW("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello"),
	/* 7.2.3.4, BFINAL is set */
	ROW("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"),
	/* 7.2.3.5, two blocks */
	ROW("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
	/* 7.2.3.6, empty */
	ROW("\x00", ""),
	/* empty, in other ways */
	ROW("", ""),
	ROW("\x02\x00", ""),
	ROW("\x03\x00", ""),
	ROW("\x03\x00\x00", ""),
	ROW("\x01\x00\x00\xff\xff\x00", ""),
	/* BFINAL and no byte behind it for the tail */
	ROW("\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello"),
	ROW("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f", "Hello"),
	/* BFINAL, and more behind it */
	ROW("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00", "HelloHello"),
	ROW("\xf3\x48\xcd\xc9\xc9\x07\x00\x03\x00\x03\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
	    "HelloHello"),
	/* a stored block, then a fixed one that looks back into it */
	ROW("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x02\x13\x00\x00", "HelloHello"),
	/* the tail is there itself, and comes a second time */
	ROW("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00", "Hello"),
};

static void inflate_good_rows(void **state)
{
	struct codec codec = codec_make(LEVEL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_rows); i++)
		for (size_t step = 1; step < 14; step++)
			check_inflate(codec.deflate, &good_rows[i], step);
	free(codec.memory);
}

static const struct row bad_rows[] = {
	/* 7.2.3.2: the second message of a client that takes its window over, against the terms */
	ROW("\xf2\x00\x11\x00\x00", NULL),
	/* cut off */
	ROW("\xf2", NULL),
	ROW("\xf2\x48", NULL),
	ROW("\xf2\x48\xcd", NULL),
	ROW("\xf2\x48\xcd\xc9\xc9", NULL),
	ROW("\xf2\x48\xcd\xc9\xc9\x07", NULL),
	ROW("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f", NULL),
	ROW("\x00\x05\x00\xfa\xff\x48", NULL),
	ROW("\x00\x05\x00\xfa", NULL),
	ROW("\x00\x05", NULL),
	ROW("\x01\x05\x00\xfa\xff\x48", NULL), /* just what the tail would fill up */
	/* the tail was sent */
	ROW("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", NULL),
	/* text as it is, zlib's and gzip's wrapping */
	ROW("Hello", NULL),
	ROW("\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5", NULL),
	ROW("\x1f\x8b\x08\x00\x00\x00\x00\x00", NULL),
	/* reserved type of block; length and its complement; a distance of 32,769 into nothing */
	ROW("\x07", NULL),
	ROW("\x06\x00", NULL),
	ROW("\x00\x05\x00\xfa\xfe\x48\x65\x6c", NULL),
	ROW("\x02\x13\x00\x00", NULL),
	/* BFINAL ends the window, too */
	ROW("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x02\x13\x00\x00", NULL),
	/* rubbish behind BFINAL */
	ROW("\xf3\x48\xcd\xc9\xc9\x07\x00\xff", NULL),
	ROW("\xff\xff\xff\xff", NULL),
};

static void refuse_bad_rows(void **state)
{
	struct codec codec = codec_make(LEVEL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
		for (size_t step = 1; step < 14; step++) {
			check_inflate(codec.deflate, &bad_rows[i], step);
			check_inflate(codec.deflate, &good_rows[0], step); /* it is good again */
		}
	free(codec.memory);
}

/* Repeated text, numbers that differ, and bytes that cannot be compressed. */
static void fill(uint8_t *bytes, size_t size, unsigned kind)
{
	uint32_t random = 7;

	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		if (kind == 0)
			bytes[i] = 'a';
		else if (kind == 1)
			bytes[i] = (uint8_t)("{\"id\":\"0123456789\",\"read\":false}"[i % 32] +
					     (random >> 24 < 20));
		else
			bytes[i] = (uint8_t)(random >> 24);
	}
}

/* The first `stored` bytes as they are, the rest compressed. */
static void check_round_trip(struct deflate *deflate, struct slice message, size_t stored,
			     size_t step)
{
	size_t capacity = message.size + message.size / 8 + 64;
	uint8_t *compressed = malloc(capacity);
	uint8_t *inflated = malloc(message.size + 1);
	struct writer writer;
	struct writer read;

	assert_non_null(compressed);
	assert_non_null(inflated);
	writer_init(&writer, compressed, capacity);
	writer_init(&read, inflated, message.size + 1);
	if (stored > 0) {
		deflate_write_stored_head(&writer, stored);
		writer_bytes(&writer, message.bytes, stored);
	}
	assert_int_equal(deflate_compress(deflate, slice_skip(message, stored), &writer),
			 STATUS_OK);
	assert_int_equal(inflate_in_steps(deflate, writer_written(&writer), step, &read),
			 STATUS_OK);
	assert_true(slice_equal(writer_written(&read), message));
	free(inflated);
	free(compressed);
}

static void there_and_back(void **state)
{
	static const size_t sizes[] = {1, 2, 100, 1000, 4095, 4096, 4097, 8192, 70000, 300000};
	uint8_t *bytes = malloc(300000);

	(void)state;
	assert_non_null(bytes);
	for (int level = 1; level <= 9; level++) {
		struct codec codec = codec_make(level);

		for (unsigned kind = 0; kind < 3; kind++)
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
				fill(bytes, sizes[i], kind);
				check_round_trip(codec.deflate, slice_of(bytes, sizes[i]),
						 sizes[i] / 5, sizes[i] + 1);
				check_round_trip(codec.deflate, slice_of(bytes, sizes[i]), 0, 777);
			}
		free(codec.memory);
	}
	free(bytes);
}

/* The same message gives the same bytes whatever came before it: the window does not outlive a
 * message. */
static void messages_are_independent(void **state)
{
	struct codec codec = codec_make(LEVEL);
	struct slice message = SLICE("{\"type\":\"notification\",\"type\":\"notification\"}");
	uint8_t first[128];
	struct writer writer;

	(void)state;
	writer_init(&writer, first, sizeof(first));
	assert_int_equal(deflate_compress(codec.deflate, message, &writer), STATUS_OK);
	for (size_t skip = 0; skip < message.size; skip++) {
		uint8_t again[256];
		struct writer second;
		size_t before;

		writer_init(&second, again, sizeof(again));
		assert_int_equal(
			deflate_compress(codec.deflate, slice_skip(message, skip), &second),
			STATUS_OK);
		before = second.size;
		assert_int_equal(deflate_compress(codec.deflate, message, &second), STATUS_OK);
		assert_true(slice_equal(slice_skip(writer_written(&second), before),
					writer_written(&writer)));
	}
	free(codec.memory);
}

/* Just enough room, and each size below it: nothing is written then. */
static void too_large_for_its_room(void **state)
{
	struct codec codec = codec_make(LEVEL);
	struct slice message = SLICE("the quick brown fox jumps over the lazy dog");
	uint8_t bytes[128];
	struct writer writer;
	size_t size;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	assert_int_equal(deflate_compress(codec.deflate, message, &writer), STATUS_OK);
	size = writer.size;
	for (size_t room = 0; room <= size + DEFLATE_TAIL_SIZE; room++) {
		uint8_t *exact = malloc(room ? room : 1);

		assert_non_null(exact);
		writer_init(&writer, exact, room);
		assert_int_equal(deflate_compress(codec.deflate, message, &writer),
				 STATUS_TOO_LARGE);
		assert_int_equal(writer.size, 0);
		free(exact);
	}
	writer_init(&writer, bytes, size + DEFLATE_TAIL_SIZE + 1);
	assert_int_equal(deflate_compress(codec.deflate, message, &writer), STATUS_OK);
	assert_int_equal(writer.size, size);
	free(codec.memory);
}

/* 64 MiB of zeros in 64 KiB: no more is made than there is room for. */
static void bomb_fills_its_room_only(void **state)
{
	enum { BOMB_SIZE = 64 << 20 };
	struct codec codec = codec_make(9);
	uint8_t *zeros = calloc(1, BOMB_SIZE);
	uint8_t *bomb = malloc(1 << 20);
	struct slice message = slice_of(zeros, BOMB_SIZE);
	struct writer writer;
	struct writer read;

	(void)state;
	assert_non_null(zeros);
	assert_non_null(bomb);
	writer_init(&writer, bomb, 1 << 20);
	assert_int_equal(deflate_compress(codec.deflate, message, &writer), STATUS_OK);
	assert_in_range(writer.size, 60000, 80000);
	writer_init(&read, zeros, 65537);
	assert_int_equal(inflate_in_steps(codec.deflate, writer_written(&writer), 65537, &read),
			 STATUS_AGAIN);
	assert_int_equal(read.size, 65537);
	writer_init(&read, zeros, BOMB_SIZE + 1);
	assert_int_equal(inflate_in_steps(codec.deflate, writer_written(&writer), BOMB_SIZE, &read),
			 STATUS_OK);
	assert_int_equal(read.size, BOMB_SIZE);
	free(bomb);
	free(zeros);
	free(codec.memory);
}

/* A client may use all of 32 KiB: 'a', 32,767 other bytes, then three of the first again. */
static void window_of_a_client_is_32k(void **state)
{
	static const uint8_t head[] = {0x00, 0xFF, 0x7F, 0x00, 0x80};
	/* fixed block: length 3, distance 32,767 (code 29, 13 extra bits), end of block */
	static const uint8_t match[] = {0x02, 0x5E, 0xFF, 0x0F, 0x00};
	struct codec codec = codec_make(LEVEL);
	uint8_t *bytes = malloc(sizeof(head) + 32767 + sizeof(match));
	uint8_t *inflated = malloc(40000);
	struct writer writer;
	struct writer read;

	(void)state;
	assert_non_null(bytes);
	assert_non_null(inflated);
	writer_init(&writer, bytes, sizeof(head) + 32767 + sizeof(match));
	writer_bytes(&writer, head, sizeof(head));
	fill(bytes + writer.size, 32767, 2);
	writer.size += 32767;
	writer_bytes(&writer, match, sizeof(match));
	for (size_t step = 1; step < 40000; step = step * 3 + 1) {
		writer_init(&read, inflated, 40000);
		assert_int_equal(
			inflate_in_steps(codec.deflate, writer_written(&writer), step, &read),
			STATUS_OK);
		assert_int_equal(read.size, 32770);
		assert_memory_equal(inflated + 32767, inflated, 3);
	}
	free(inflated);
	free(bytes);
	free(codec.memory);
}

/* All distances stay inside of the window that was promised: what is farther away is not found. */
static void own_window_is_kept(void **state)
{
	struct codec codec = codec_make(9);
	uint8_t bytes[(1 << DEFLATE_WINDOW_BITS) + 600];
	uint8_t compressed[sizeof(bytes) + 100];
	size_t sizes[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t apart = i == 0 ? 3000 : 1 << DEFLATE_WINDOW_BITS;
		struct slice message = slice_of(bytes, apart + 500);
		struct writer writer;

		fill(bytes, sizeof(bytes), 2);
		memcpy(bytes + apart, bytes, 500);
		writer_init(&writer, compressed, sizeof(compressed));
		assert_int_equal(deflate_compress(codec.deflate, message, &writer), STATUS_OK);
		sizes[i] = message.size - (writer.size < message.size ? writer.size : message.size);
	}
	assert_true(sizes[0] > 400);
	assert_int_equal(sizes[1], 0);
	free(codec.memory);
}

static void memory_is_bounded(void **state)
{
	void *memory = malloc(DEFLATE_MEMORY_SIZE);

	(void)state;
	assert_non_null(memory);
	assert_null(deflate_init(memory, 1024, LEVEL));
	assert_null(deflate_init(memory, DEFLATE_MEMORY_SIZE, 10));
	assert_non_null(deflate_init(memory, DEFLATE_MEMORY_SIZE, 9));
	free(memory);

	struct codec codec = codec_make(9);
	size_t used = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint8_t bytes[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

		check_round_trip(codec.deflate, slice_of(bytes, sizeof(bytes)), 0, 100);
		assert_true(i == 0 || used == deflate_memory_used(codec.deflate));
		used = deflate_memory_used(codec.deflate);
	}
	assert_in_range(used, 1, DEFLATE_MEMORY_SIZE);
	print_message("a codec uses %zu bytes\n", used);
	free(codec.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inflate_good_rows),
		cmocka_unit_test(refuse_bad_rows),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(messages_are_independent),
		cmocka_unit_test(too_large_for_its_room),
		cmocka_unit_test(bomb_fills_its_room_only),
		cmocka_unit_test(window_of_a_client_is_32k),
		cmocka_unit_test(own_window_is_kept),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
