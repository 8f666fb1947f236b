/* tests/unit/log/log_file_test.c - segments, and what happens when the kernel says no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/compiler.h"
#include "log/log_file.h"
#include "scratch.h"

static char text[256];
static const struct log_reason reason = {text, sizeof(text)};
static struct log_file file;

static int make(void **state)
{
	(void)state;
	scratch_make();
	return 0;
}

static int clear(void **state)
{
	(void)state;
	log_file_close(&file);
	scratch_remove();
	return 0;
}

static void open_log(void)
{
	assert_int_equal(log_file_open(&file, scratch_log, reason), STATUS_OK);
}

static void begin(uint64_t last_ms)
{
	assert_int_equal(log_file_begin(&file, (struct event_id){last_ms, 0}), STATUS_OK);
}

static void append(const char *bytes)
{
	assert_int_equal(log_file_append(&file, slice_of_text(bytes)), STATUS_OK);
}

/* The segment has this behind its head. */
static void check_segment(size_t index, const char *expected)
{
	size_t size = file.segments[index].size - LOG_SEGMENT_HEAD_SIZE;
	uint8_t *bytes;

	assert_int_equal(log_file_read(&file, index, &bytes, reason), STATUS_OK);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(bytes + LOG_SEGMENT_HEAD_SIZE, expected, size);
	free(bytes);
}

static void segments_are_written_and_read(void **state)
{
	struct log_segment_head head;
	uint8_t *bytes;

	(void)state;
	open_log();
	assert_int_equal(file.segments_count, 0);
	begin(5);
	assert_int_equal(log_file_place(&file).offset, LOG_SEGMENT_HEAD_SIZE);
	append("one ");
	append("two");
	begin(6);
	append("three");
	assert_int_equal(log_file_place(&file).offset, LOG_SEGMENT_HEAD_SIZE + 5);
	assert_int_equal(file.size, 2 * LOG_SEGMENT_HEAD_SIZE + 12);
	assert_int_equal(log_file_read(&file, 1, &bytes, reason), STATUS_OK);
	assert_true(log_record_parse_segment(slice_of(bytes, file.segments[1].size), &head));
	free(bytes);
	assert_true(head.number == 2 && head.last.ms == 6 && head.salt == file.salt);
	assert_int_equal(head.previous_size, LOG_SEGMENT_HEAD_SIZE + 7);
	log_file_close(&file);

	open_log();
	assert_int_equal(file.segments_count, 2);
	check_segment(0, "one two");
	check_segment(1, "three");
	uint64_t size = log_file_newest(&file)->size;

	assert_int_equal(log_file_continue(&file, size - 2, head.salt, reason), STATUS_OK);
	append("ow away");
	check_segment(1, "throw away");
	assert_int_equal(file.size, 2 * LOG_SEGMENT_HEAD_SIZE + 17);
}

static void numbers_have_six_digits_and_more(void **state)
{
	const unsigned numbers[] = {9, 10, 999999, 1000000};
	static const char *const strangers[] = {"log",         "log.000000",  "log.7",
						"log.0000001", "log.000001x", "log.000001.gz",
						"logs.000001", "log.",        "log.-00001"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		char path[200];

		snprintf(path, sizeof(path), "%s/%s", scratch_folder, strangers[i]);
		scratch_write(path, SLICE("x"));
	}
	open_log();
	assert_int_equal(file.segments_count, 0);
	log_file_close(&file);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i += 2) {
		scratch_write(scratch_segment(numbers[i]), SLICE("abc"));
		scratch_write(scratch_segment(numbers[i + 1]), SLICE("abcd"));
		open_log();
		assert_int_equal(file.segments_count, 2);
		assert_int_equal(file.segments[0].number, numbers[i]);
		assert_int_equal(file.segments[1].number, numbers[i + 1]);
		assert_int_equal(file.segments[1].size, 4);
		log_file_close(&file);
		assert_int_equal(unlink(scratch_segment(numbers[i])), 0);
		assert_int_equal(unlink(scratch_segment(numbers[i + 1])), 0);
	}
	open_log();
}

static void segments_are_dropped(void **state)
{
	(void)state;
	open_log();
	begin(1);
	begin(2);
	begin(3);
	append("x");
	assert_int_equal(log_file_drop_oldest(&file), STATUS_OK);
	assert_false(scratch_has(scratch_segment(1)));
	assert_int_equal(file.segments[0].number, 2);
	/* somebody was faster */
	assert_int_equal(unlink(scratch_segment(2)), 0);
	assert_int_equal(log_file_drop_oldest(&file), STATUS_OK);
	assert_int_equal(file.size, LOG_SEGMENT_HEAD_SIZE + 1);
	check_segment(0, "x");
	log_file_close(&file);
	open_log();
	assert_int_equal(log_file_drop_newest(&file), STATUS_OK);
	assert_int_equal(file.segments_count + file.size, 0);
}

/* The file is a pipe for a while: nothing can be written, cut or synced. */
static int break_file(void)
{
	int ends[2];
	int good = dup(file.fd);

	assert_true(good >= 0 && pipe(ends) == 0);
	assert_true(dup2(ends[1], file.fd) >= 0);
	close(ends[0]);
	close(ends[1]);
	return good;
}

static void mend_file(int good)
{
	assert_true(dup2(good, file.fd) >= 0);
	close(good);
}

static void what_cannot_be_cut_off_is_cut_off_later(void **state)
{
	(void)state;
	open_log();
	begin(1);
	append("one ");
	int good = break_file();

	errno = 0;
	assert_int_equal(log_file_append(&file, SLICE("lost")), STATUS_SYSTEM);
	assert_int_equal(errno, ESPIPE);
	assert_true(file.has_half);
	assert_int_equal(log_file_append(&file, SLICE("lost")), STATUS_SYSTEM);
	assert_int_equal(log_file_begin(&file, (struct event_id){2, 0}), STATUS_SYSTEM);
	assert_false(scratch_has(scratch_segment(2)));
	mend_file(good);
	assert_int_equal(pwrite(file.fd, "half", 4, LOG_SEGMENT_HEAD_SIZE + 4), 4);
	append("2");
	assert_false(file.has_half);
	log_file_close(&file);
	open_log();
	check_segment(0, "one 2");
}

static void after_a_failed_sync_nothing_goes(void **state)
{
	(void)state;
	open_log();
	begin(1);
	append("one");
	int good = break_file();

	assert_int_equal(log_file_sync(&file), STATUS_SYSTEM);
	mend_file(good);
	errno = 0;
	assert_int_equal(log_file_sync(&file), STATUS_SYSTEM);
	assert_int_equal(errno, EIO);
	assert_int_equal(log_file_append(&file, SLICE("two")), STATUS_SYSTEM);
	assert_int_equal(log_file_begin(&file, (struct event_id){2, 0}), STATUS_SYSTEM);
	check_segment(0, "one");
}

static void sync_asks_only_when_it_must(void **state)
{
	(void)state;
	open_log();
	begin(1);
	append("one");
	assert_int_equal(log_file_sync(&file), STATUS_OK);
	int good = break_file();

	assert_int_equal(log_file_sync(&file), STATUS_OK);
	mend_file(good);
}

static bool child_can_open(void)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct log_file own;

		_exit(log_file_open(&own, scratch_log, reason) == STATUS_OK);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 1;
}

/* The lock goes with its process, however that ends. */
static void the_lock_keeps_other_processes_out(void **state)
{
	int ends[2], status;
	char ready;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(child_can_open());
	pid_t child = fork();

	if (child == 0) {
		struct log_file own;

		if (log_file_open(&own, scratch_log, reason) == STATUS_OK &&
		    write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	close(ends[1]);
	assert_false(child_can_open());
	assert_int_equal(log_file_open(&file, scratch_log, reason), STATUS_UNAVAILABLE);
	assert_non_null(strstr(text, "another process"));
	log_file_close(&file);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(child_can_open());
	open_log();
}

static void every_error_has_advice(void **state)
{
	(void)state;
	assert_non_null(strstr(log_file_advice(ENOSPC), "free some"));
	assert_non_null(strstr(log_file_advice(EACCES), "permission"));
	assert_non_null(strstr(log_file_advice(EROFS), "read-only"));
	assert_non_null(strstr(log_file_advice(ENOENT), "make it"));
	for (int error = 0; error < 140; error++)
		assert_non_null(log_file_advice(error));
}

/* Beside it there would be segments of plain files all the same, where nobody looks for them. */
static void what_is_no_plain_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(scratch_log, 0600), 0);
	assert_int_equal(log_file_open(&file, scratch_log, reason), STATUS_INVALID);
	assert_non_null(strstr(reason.text, "a plain file"));
	assert_int_equal(file.lock_fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
	const struct CMUnitTest tests[] = {
		TEST(segments_are_written_and_read),
		TEST(numbers_have_six_digits_and_more),
		TEST(segments_are_dropped),
		TEST(what_cannot_be_cut_off_is_cut_off_later),
		TEST(after_a_failed_sync_nothing_goes),
		TEST(sync_asks_only_when_it_must),
		TEST(the_lock_keeps_other_processes_out),
		TEST(every_error_has_advice),
		TEST(what_is_no_plain_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
