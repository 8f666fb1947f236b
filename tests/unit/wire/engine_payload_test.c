/* tests/unit/wire/engine_payload_test.c - packets out of frames, whole, within a size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/engine_payload.h"
#include "wire/ws_frame.h"

static uint8_t frames[300000], body[300000], text[200000];

/* Frames around packets of these sizes, 0 at the end: `a` for the first, `b` for the next. */
static size_t make_frames(const size_t *sizes)
{
	struct writer writer;

	writer_init(&writer, frames, sizeof(frames));
	for (size_t i = 0; sizes[i] > 0; i++) {
		memset(text, 'a' + (int)i, sizes[i]);
		ws_frame_write(&writer, WS_TEXT, slice_of(text, sizes[i]));
	}
	assert_false(writer.overflow);
	return writer.size;
}

/* What the body has to be when `count` packets are in it. */
static void check_body(struct slice got, const size_t *sizes, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			assert_int_equal(got.bytes[at++], 0x1e);
		for (size_t n = 0; n < sizes[i]; n++)
			assert_int_equal(got.bytes[at++], 'a' + i);
	}
	assert_int_equal(got.size, at);
}

static void check(const size_t *sizes, size_t size_max, size_t expected_count)
{
	size_t size = make_frames(sizes), expected_done = 0;
	struct writer writer;

	for (size_t i = 0; i < expected_count; i++)
		expected_done += ws_frame_header_size(sizes[i]) + sizes[i];
	writer_init(&writer, body, sizeof(body));
	assert_int_equal(engine_payload_write(&writer, slice_of(frames, size), size_max),
			 expected_done);
	check_body(writer_written(&writer), sizes, expected_count);
}

static void takes_whole_packets(void **state)
{
	static const size_t few[] = {1, 2, 3, 0};
	static const size_t lengths[] = {125, 126, 65535, 65536, 1, 0};

	(void)state;
	check(few, 100, 3);
	check(few, 8, 3); /* 1 + 1 + 2 + 1 + 3 */
	check(few, 7, 2);
	check(few, 4, 2);
	check(few, 3, 1);
	check(few, 0, 1); /* the first one goes whatever its size */
	check(lengths, 200000, 5);
	check(lengths, 100000, 3);
}

/* The rest is taken by the next answer; the pieces of an outbox end where frames do. */
static void goes_on_where_it_stopped(void **state)
{
	static const size_t sizes[] = {10, 20, 30, 40, 0};
	size_t size = make_frames(sizes), done;
	struct writer writer;

	(void)state;
	writer_init(&writer, body, sizeof(body));
	done = engine_payload_write(&writer, slice_of(frames, size), 31);
	assert_int_equal(done, 34);
	writer_init(&writer, body, sizeof(body));
	done += engine_payload_write(&writer, slice_of(frames + done, size - done), 1000);
	assert_int_equal(done, size);
	assert_int_equal(writer.size, 71);
	assert_int_equal(engine_payload_write(&writer, slice_of(frames, 12), 1000), 12);
	assert_int_equal(writer.size, 82);
	assert_int_equal(writer.bytes[71], 0x1e);
	assert_int_equal(engine_payload_write(&writer, slice_of(frames, 12), 80), 0);
}

static void passes_over_control_frames(void **state)
{
	static const uint8_t mixed[] = {0x89, 1, 'p', 0x81, 2, '4', 'x', 0x8A, 0, 0x81, 1, '2'};
	struct writer writer;

	(void)state;
	writer_init(&writer, body, sizeof(body));
	assert_int_equal(engine_payload_write(&writer, slice_of(mixed, sizeof(mixed)), 100),
			 sizeof(mixed));
	assert_true(slice_equal_text(writer_written(&writer), "4x\x1e"
							      "2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_whole_packets),
		cmocka_unit_test(goes_on_where_it_stopped),
		cmocka_unit_test(passes_over_control_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
