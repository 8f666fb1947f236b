/* tests/unit/shard/notice_frame_test.c - the router's frame as it is, or head, channel, tail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "belfry/limits.h"
#include "lane/notice.h"
#include "shard/notice_frame.h"

/* The frame for channels[index]; a byte too much is seen by AddressSanitizer. */
static void check_frame(const struct notice *notice, uint32_t index, struct slice expected)
{
	uint8_t *bytes = malloc(expected.size);

	assert_non_null(bytes);
	assert_int_equal(notice_frame_size(notice, index), expected.size);
	notice_frame_write(notice, index, bytes);
	assert_memory_equal(bytes, expected.bytes, expected.size);
	free(bytes);
}

static struct notice *make(uint32_t channels_count)
{
	uint8_t *bytes;
	struct notice *notice = notice_create(channels_count, 0, &bytes);

	assert_non_null(notice);
	return notice;
}

static void framed_by_the_router(void **state)
{
	struct notice *notice = make(1);

	(void)state;
	notice->frame = SLICE("\x81\x05hello");
	check_frame(notice, 0, notice->frame);
	notice_unref(notice);
}

static void framed_for_each_channel(void **state)
{
	struct notice *notice = make(3);

	(void)state;
	notice->head = SLICE("{\"channel\":");
	notice->tail = SLICE(",\"data\":1}");
	notice->channels[0].name = SLICE("all");
	notice->channels[1].name = SLICE("a\"b\\c");
	notice->channels[2].name = SLICE("caf\xC3\xA9");
	check_frame(notice, 0, SLICE("\x81\x1A{\"channel\":\"all\",\"data\":1}"));
	check_frame(notice, 1, SLICE("\x81\x1E{\"channel\":\"a\\\"b\\\\c\",\"data\":1}"));
	check_frame(notice, 2, SLICE("\x81\x1C{\"channel\":\"caf\xC3\xA9\",\"data\":1}"));
	notice_unref(notice);
}

/* The longest names: every byte escaped, and characters of each length. */
static void check_long_name(const char *unit)
{
	struct notice *notice = make(2);
	char name[CHANNEL_SIZE_MAX];
	size_t size = 0;

	for (; size + strlen(unit) <= sizeof(name); size += strlen(unit))
		memcpy(name + size, unit, strlen(unit));
	notice->channels[1].name = slice_of(name, size);
	notice->head = notice->tail = SLICE("x");
	size_t frame = notice_frame_size(notice, 1);
	uint8_t *bytes = malloc(frame);

	assert_non_null(bytes);
	assert_in_range(frame, size + 4 + 4, 2 * size + 4 + 4);
	notice_frame_write(notice, 1, bytes);
	assert_memory_equal(bytes + frame - 2, "\"x", 2);
	free(bytes);
	notice_unref(notice);
}

static void long_names(void **state)
{
	(void)state;
	check_long_name("\"");
	check_long_name("\\");
	check_long_name("/");
	check_long_name("n");
	check_long_name("\xC3\xA9");
	check_long_name("\xE2\x80\xA8"); /* U+2028 */
	check_long_name("\xF0\x9F\x98\x80");
}

/* The length takes another form at 126 and at 65536 bytes. */
static void check_payload(size_t size, const char *header, size_t header_size)
{
	struct notice *notice = make(2);
	uint8_t *tail = calloc(1, size - 4);

	assert_non_null(tail);
	notice->head = SLICE("h");
	notice->tail = slice_of(tail, size - 4);
	notice->channels[0].name = SLICE("c");
	assert_int_equal(notice_frame_size(notice, 0), header_size + size);
	uint8_t *bytes = malloc(header_size + size);

	assert_non_null(bytes);
	notice_frame_write(notice, 0, bytes);
	assert_memory_equal(bytes, header, header_size);
	assert_memory_equal(bytes + header_size, "h\"c\"", 4);
	free(bytes);
	free(tail);
	notice_unref(notice);
}

static void payload_sizes(void **state)
{
	(void)state;
	check_payload(5, "\x81\x05", 2);
	check_payload(125, "\x81\x7D", 2);
	check_payload(126, "\x81\x7E\x00\x7E", 4);
	check_payload(65535, "\x81\x7E\xFF\xFF", 4);
	check_payload(65536, "\x81\x7F\0\0\0\0\0\x01\0\0", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framed_by_the_router),
		cmocka_unit_test(framed_for_each_channel),
		cmocka_unit_test(long_names),
		cmocka_unit_test(payload_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
