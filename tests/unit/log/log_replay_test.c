/* tests/unit/log/log_replay_test.c - torn tails are cut off, damage is refused. */
#include "told.h"

#include "log/log_record.h"

/* The log is cut at each byte: whole entries are told, the rest is gone for good. */
static void a_torn_tail_is_cut_off(void **state)
{
	uint64_t ends[5];
	struct slice all;

	(void)state;
	open_with(NOW, 0);
	for (unsigned i = 0; i < 5; i++) {
		append(i);
		ends[i] = embedded_log_file_size(&opened);
	}
	embedded_log_close(&opened);
	all = scratch_read(scratch_segment(1));
	for (size_t size = 0; size <= all.size; size++) {
		uint32_t whole = 0;

		while (whole < 5 && ends[whole] <= size)
			whole++;
		scratch_write(scratch_segment(1), slice_of(all.bytes, size));
		open_with(NOW, 0);
		check_told(0, whole);
		bool is_whole = size == LOG_SEGMENT_HEAD_SIZE || (whole && size == ends[whole - 1]);

		assert_true((reason[0] == '\0') == is_whole);
		append(whole);
		reopen();
		check_told(0, whole + 1);
		assert_string_equal(reason, "");
		embedded_log_close(&opened);
	}
	free((void *)all.bytes);
}

/* What a power cut may leave instead of the bytes that were written. */
static void check_garbage_tail(uint8_t value, size_t size)
{
	uint8_t garbage[200];
	struct slice all;

	memset(garbage, value, sizeof(garbage));
	scratch_empty();
	open_with(NOW, 0);
	append(0);
	append(1);
	embedded_log_close(&opened);
	all = scratch_read(scratch_segment(1));
	FILE *file = fopen(scratch_segment(1), "ab");

	assert_true(file && fwrite(garbage, 1, size, file) == size && fclose(file) == 0);
	open_with(NOW, 0);
	assert_non_null(strstr(reason, "cut off"));
	check_told(0, 2);
	assert_true(embedded_log_file_size(&opened) == all.size);
	embedded_log_close(&opened);
	free((void *)all.bytes);
}

static void garbage_at_the_end_is_cut_off(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 200; size += 13) {
		check_garbage_tail(0, size);
		check_garbage_tail(0xFF, size);
		check_garbage_tail('b', size);
	}
}

static void flip(unsigned segment, struct slice all, size_t bit)
{
	uint8_t *bytes = (uint8_t *)all.bytes;

	bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	scratch_write(scratch_segment(segment), all);
	bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
}

static void check_flips(unsigned segment, size_t tail, uint64_t first_end)
{
	struct slice all = scratch_read(scratch_segment(segment));
	char name[32], byte[32];

	snprintf(name, sizeof(name), "/log.%06u", segment);
	for (size_t bit = 0; bit < (all.size - tail) * 8; bit++) {
		size_t offset = bit / 8 < LOG_SEGMENT_HEAD_SIZE ? 0
				: bit / 8 < first_end           ? LOG_SEGMENT_HEAD_SIZE
								: first_end;

		flip(segment, all, bit);
		assert_int_equal(try_open(&opened, NOW, 0), STATUS_INVALID);
		assert_null(opened.file);
		snprintf(byte, sizeof(byte), "at byte %zu", offset);
		if (!strstr(reason, name) || !strstr(reason, byte))
			fail_msg("bit %zu: %s", bit, reason);
	}
	scratch_write(scratch_segment(segment), all);
	free((void *)all.bytes);
}

/* Two segments of two entries each; any flipped bit is noticed, but in the very last entry. */
static void damage_is_refused(void **state)
{
	uint64_t ends[4];
	struct event_id id;

	(void)state;
	open_with(NOW, 280);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(try_append(i, 20, &id), STATUS_OK);
		ends[i] = embedded_log_file_size(&opened);
	}
	embedded_log_close(&opened);
	assert_true(scratch_has(scratch_segment(2)) && !scratch_has(scratch_segment(3)));
	check_flips(1, 0, ends[0]);
	check_flips(2, (size_t)(ends[3] - ends[2]), ends[2] - ends[1]);
	open_with(NOW, 0);
	check_told(0, 4);
}

static void check_refused(const char *what)
{
	assert_int_equal(try_open(&opened, NOW, 0), STATUS_INVALID);
	if (!strstr(reason, what))
		fail_msg("%s", reason);
}

/* Segments that are missing, cut, swapped, doubled or not ours. */
static void wrong_segments_are_refused(void **state)
{
	struct slice all[5];

	(void)state;
	open_with(NOW, 1);
	for (unsigned i = 0; i < 4; i++)
		append(i);
	embedded_log_close(&opened);
	for (unsigned i = 1; i <= 4; i++)
		all[i] = scratch_read(scratch_segment(i));
	assert_int_equal(unlink(scratch_segment(3)), 0);
	check_refused("log.000003 is missing");
	scratch_write(scratch_segment(3), all[2]);
	check_refused("log.000003 is damaged at byte 0");
	scratch_write(scratch_segment(3), slice_of(all[3].bytes, LOG_SEGMENT_HEAD_SIZE));
	check_refused("log.000003 is damaged at byte 64");
	scratch_write(scratch_segment(3), slice_of(all[3].bytes, all[3].size - 1));
	check_refused("log.000003 is damaged at byte 64");
	scratch_write(scratch_segment(3), all[3]);
	scratch_write(scratch_segment(5), SLICE("hello"));
	check_refused("log.000005 is damaged at byte 0");
	assert_int_equal(unlink(scratch_segment(5)), 0);
	open_with(NOW, 0);
	check_told(0, 4);
	for (unsigned i = 1; i <= 4; i++)
		free((void *)all[i].bytes);
}

/* The advice in the text works. */
static void what_the_text_advises_helps(void **state)
{
	struct slice all;

	(void)state;
	open_with(NOW, 0);
	append(0);
	off_t end = (off_t)embedded_log_file_size(&opened);

	append(1);
	append(2);
	embedded_log_close(&opened);
	all = scratch_read(scratch_segment(1));
	flip(1, all, ((size_t)end + 20) * 8);
	check_refused("truncate -s ");
	assert_int_equal(truncate(scratch_segment(1), end), 0);
	open_with(NOW, 0);
	check_told(0, 1);
	free((void *)all.bytes);
}

/* A segment that was just being begun. */
static void a_segment_that_was_not_begun_goes(void **state)
{
	struct slice all;

	(void)state;
	open_with(NOW, 1);
	append(0);
	append(1);
	embedded_log_close(&opened);
	all = scratch_read(scratch_segment(2));
	for (size_t size = 0; size < LOG_SEGMENT_HEAD_SIZE; size++) {
		scratch_write(scratch_segment(2), slice_of(all.bytes, size));
		open_with(NOW, 0);
		assert_non_null(strstr(reason, "log.000002"));
		check_told(0, 1);
		assert_false(scratch_has(scratch_segment(2)));
		embedded_log_close(&opened);
	}
	free((void *)all.bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
	const struct CMUnitTest tests[] = {
		TEST(a_torn_tail_is_cut_off),      TEST(garbage_at_the_end_is_cut_off),
		TEST(damage_is_refused),           TEST(wrong_segments_are_refused),
		TEST(what_the_text_advises_helps), TEST(a_segment_that_was_not_begun_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
