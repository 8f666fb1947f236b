/* tests/unit/log/embedded_log_test.c - what was appended is there after each kind of end. */
#include "told.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "log/log_record.h"

static void check_next_id(uint64_t now_ms, uint64_t ms, uint64_t sequence)
{
	struct event_id id;

	assert_int_equal(embedded_log_append(&opened, now_ms, NULL, 0, &id), STATUS_OK);
	assert_true(event_id_equal(id, (struct event_id){ms, sequence}));
	assert_true(event_id_equal(id, opened.last));
}

static void without_a_file_ids_grow(void **state)
{
	struct embedded_log_options options = {.now_ms = 1000};

	(void)state;
	assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)), STATUS_OK);
	assert_true(event_id_equal(opened.last, (struct event_id){1000, 0}));
	check_next_id(1000, 1000, 1);
	check_next_id(999, 1000, 2);
	check_next_id(1001, 1001, 0);
	check_next_id(1001, 1001, 1);
	mark("key", "value");
	assert_int_equal(embedded_log_sync(&opened), STATUS_OK);
	embedded_log_tick(&opened, 5000);
	embedded_log_trim(&opened, opened.last);
	assert_int_equal(embedded_log_file_size(&opened), 0);
	options.path = "";
	embedded_log_close(&opened);
	assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)), STATUS_OK);
	assert_null(opened.file);
}

static void restart_after_restart(void **state)
{
	unsigned number = 0;

	(void)state;
	open_with(NOW, 0);
	assert_string_equal(reason, "");
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < round; i++)
			append(number++);
		mark("round", round % 2 ? "odd" : "even");
		reopen();
		assert_string_equal(reason, "");
		check_told(0, number);
	}
	assert_string_equal(told_marks, "round=even round=odd round=even round=odd round=even "
					"round=odd ");
}

static void ids_never_go_back(void **state)
{
	(void)state;
	open_with(5000, 1);
	check_next_id(5000, 5000, 1);
	check_next_id(9000, 9000, 0);
	embedded_log_close(&opened);
	struct embedded_log_options options = options_of(100, 1);

	options.listener = (struct embedded_log_listener){0};
	assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)), STATUS_OK);
	check_next_id(100, 9000, 1);
	check_next_id(9000, 9000, 2);
	/* not even when no entry is left */
	mark("a", "begins a segment");
	embedded_log_trim(&opened, (struct event_id){9001, 0});
	embedded_log_close(&opened);
	open_with(100, 1);
	check_told(0, 0);
	check_next_id(100, 9000, 3);
}

static void segments_follow_each_other(void **state)
{
	(void)state;
	open_with(NOW, 300);
	for (unsigned i = 0; i < 20; i++)
		append(i);
	assert_true(scratch_has(scratch_segment(1)));
	assert_true(scratch_has(scratch_segment(5)));
	uint64_t size = embedded_log_file_size(&opened);

	reopen();
	check_told(0, 20);
	assert_true(embedded_log_file_size(&opened) == size);
}

static void a_large_entry_fits(void **state)
{
	uint32_t count = 10000;
	struct entry_field *fields = calloc(count + 1, sizeof(*fields));
	uint8_t *data = calloc(1, 1 << 20);
	struct event_id id;

	(void)state;
	assert_true(fields && data);
	for (uint32_t i = 0; i < count; i++)
		fields[i] = (struct entry_field){SLICE("to"), slice_of(data, 255)};
	fields[count] = (struct entry_field){SLICE("data"), slice_of(data, 1 << 20)};
	open_with(NOW, 0);
	assert_int_equal(embedded_log_append(&opened, NOW, fields, count + 1, &id), STATUS_OK);
	for (uint32_t i = 0; i < 20; i++)
		fields[i].value.size = LOG_RECORD_SIZE_MAX / 16;
	assert_int_equal(embedded_log_append(&opened, NOW, fields, count + 1, &id),
			 STATUS_TOO_LARGE);
	embedded_log_close(&opened);
	struct embedded_log_options options = options_of(NOW, 0);

	options.listener = (struct embedded_log_listener){0};
	assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)), STATUS_OK);
	assert_true(event_id_equal(opened.last, id));
	free(data);
	free(fields);
}

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The write that does not fit leaves nothing behind, and the log goes on when there is room. */
static void a_failed_write_leaves_the_log_usable(void **state)
{
	struct event_id id = {1, 2}, last;
	struct stat there;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_with(NOW, 0);
	append(0);
	last = append(1);
	uint64_t size = embedded_log_file_size(&opened);

	for (rlim_t room = 0; room < 1200; room += 100) {
		limit_file_size(size + room);
		assert_int_equal(try_append(99, 2000, &id), STATUS_SYSTEM);
		assert_int_equal(errno, EFBIG);
		assert_int_equal(
			embedded_log_mark(&opened, SLICE("mark"), slice_of(scratch_log, 8)),
			room < 100 ? STATUS_SYSTEM : STATUS_OK);
		limit_file_size(RLIM_INFINITY);
		assert_true(event_id_equal(id, (struct event_id){1, 2}));
		assert_true(event_id_equal(opened.last, last));
		size = embedded_log_file_size(&opened);
		assert_int_equal(stat(scratch_segment(1), &there), 0);
		assert_true((uint64_t)there.st_size == size);
	}
	append(2);
	reopen();
	assert_string_equal(reason, "");
	check_told(0, 3);
	assert_string_equal(told_marks, "mark=/tmp/bel ");
}

/* No room for the next segment: the old one stays, and so does the log. */
static void a_segment_that_cannot_begin_is_no_end(void **state)
{
	struct event_id id;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_with(NOW, 1);
	append(0);
	limit_file_size(10);
	assert_int_equal(try_append(99, 0, &id), STATUS_SYSTEM);
	assert_false(scratch_has(scratch_segment(2)));
	limit_file_size(RLIM_INFINITY);
	append(1);
	reopen();
	check_told(0, 2);
}

static void marks_survive_trimming(void **state)
{
	struct event_id ids[10];

	(void)state;
	open_with(NOW, 1); /* each record has a segment */
	mark("old", "kept");
	mark("changed", "1");
	mark("removed", "1");
	for (unsigned i = 0; i < 10; i++) {
		ids[i] = append(i);
		if (i == 2)
			mark("changed", "2");
		if (i == 4)
			mark("removed", "");
	}
	mark("never there", "");
	embedded_log_trim(&opened, ids[0]);
	assert_true(scratch_has(scratch_segment(4)));
	embedded_log_trim(&opened, ids[7]);
	assert_false(scratch_has(scratch_segment(4)));
	uint64_t size = embedded_log_file_size(&opened);

	reopen();
	check_told(7, 3);
	assert_true(embedded_log_file_size(&opened) == size);
	assert_string_equal(told_marks, "old=kept changed=2 ");
	mark("old", "kept"); /* no news */
	assert_true(embedded_log_file_size(&opened) == size);
	embedded_log_trim(&opened, (struct event_id){UINT64_MAX, 0});
	embedded_log_trim(&opened, (struct event_id){0, 0});
	append(10);
	reopen();
	assert_int_equal(told_numbers[told_count - 1], 10);
	assert_non_null(strstr(told_marks, "old=kept"));
	assert_non_null(strstr(told_marks, "changed=2"));
	assert_null(strstr(told_marks, "removed"));
}

static void trimming_keeps_what_cannot_be_written_again(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_with(NOW, 1);
	mark("old", "kept");
	append(0);
	append(1);
	limit_file_size(10);
	embedded_log_trim(&opened, opened.last);
	assert_true(scratch_has(scratch_segment(1)));
	limit_file_size(RLIM_INFINITY);
	embedded_log_trim(&opened, opened.last);
	assert_false(scratch_has(scratch_segment(1)));
	reopen();
	check_told(1, 1);
	assert_string_equal(told_marks, "old=kept ");
}

#define MANY_MARKS 300

/* Each key has 1024 bytes, and its value is as long but for the round. */
static void mark_many(struct embedded_log *log, unsigned round)
{
	uint8_t key[1024];

	memset(key, 'k', sizeof(key));
	for (unsigned i = 0; i < MANY_MARKS; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(embedded_log_mark(log, slice_of(key, sizeof(key)),
						   slice_of(key, sizeof(key) - round)),
				 STATUS_OK);
	}
}

/* More marks than are written at once; and they are not written without end. */
static void many_marks_survive_trimming(void **state)
{
	const uint64_t all = MANY_MARKS * 2048;
	struct event_id end = {UINT64_MAX, 0};

	(void)state;
	open_with(NOW, 32768);
	for (unsigned round = 0; round < 4; round++)
		mark_many(&opened, round);
	assert_in_range(embedded_log_file_size(&opened), 4 * all, 5 * all);
	embedded_log_trim(&opened, end);
	assert_in_range(embedded_log_file_size(&opened), all, all * 5 / 4);
	uint64_t size = embedded_log_file_size(&opened);

	embedded_log_trim(&opened, end);
	assert_true(embedded_log_file_size(&opened) == size);
	embedded_log_close(&opened);
	struct embedded_log_options options = options_of(NOW, 32768);

	options.listener = (struct embedded_log_listener){0};
	assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)), STATUS_OK);
	mark_many(&opened, 3); /* no news */
	assert_true(embedded_log_file_size(&opened) == size);
}

static void only_one_has_it_open(void **state)
{
	struct embedded_log second;

	(void)state;
	open_with(NOW, 0);
	append(0);
	assert_int_equal(try_open(&second, NOW, 0), STATUS_UNAVAILABLE);
	assert_null(second.file);
	assert_non_null(strstr(reason, "another process"));
	assert_non_null(strstr(reason, scratch_log));
	append(1);
	reopen();
	check_told(0, 2);
}

static void check_cannot_open(const char *path, enum status expected, const char *text)
{
	struct embedded_log_options options = {.path = path};
	struct embedded_log log;

	assert_int_equal(embedded_log_open(&log, &options, reason, sizeof(reason)), expected);
	assert_null(log.file);
	assert_non_null(strstr(reason, text));
	assert_non_null(strstr(reason, path));
	embedded_log_close(&log);
}

static void the_text_says_what_to_do(void **state)
{
	char path[400], folder[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/none/log", scratch_folder);
	check_cannot_open(path, STATUS_SYSTEM, "its folder does not exist");
	snprintf(path, sizeof(path), "%s/", scratch_folder);
	check_cannot_open(path, STATUS_INVALID, "is a folder");
	check_cannot_open(scratch_folder, STATUS_INVALID, "is a folder");
	snprintf(path, sizeof(path), "%s/%0300d", scratch_folder, 1);
	check_cannot_open(path, STATUS_SYSTEM, "name too long");
	snprintf(folder, sizeof(folder), "%s/.closed", scratch_folder);
	assert_int_equal(mkdir(folder, 0500), 0);
	snprintf(path, sizeof(path), "%s/log", folder);
	if (geteuid() != 0) /* root may write anywhere */
		check_cannot_open(path, STATUS_SYSTEM, "permission denied");
	assert_int_equal(rmdir(folder), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(10);
	check_cannot_open(scratch_log, STATUS_SYSTEM, "ulimit -f");
	limit_file_size(RLIM_INFINITY);
}

static void syncs_by_policy(void **state)
{
	(void)state;
	for (int policy = EMBEDDED_LOG_ALWAYS; policy <= EMBEDDED_LOG_NEVER; policy++) {
		struct embedded_log_options options = options_of(NOW, 0);

		options.fsync = (enum embedded_log_fsync)policy;
		assert_int_equal(embedded_log_open(&opened, &options, reason, sizeof(reason)),
				 STATUS_OK);
		append((unsigned)policy);
		assert_int_equal(embedded_log_sync(&opened), STATUS_OK);
		embedded_log_tick(&opened, NOW + 1);
		embedded_log_tick(&opened, NOW + 1000);
		embedded_log_tick(&opened, NOW - 1000);
		embedded_log_close(&opened);
	}
	open_with(NOW, 0);
	check_told(0, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)
	const struct CMUnitTest tests[] = {
		TEST(without_a_file_ids_grow),
		TEST(restart_after_restart),
		TEST(ids_never_go_back),
		TEST(segments_follow_each_other),
		TEST(a_large_entry_fits),
		TEST(a_failed_write_leaves_the_log_usable),
		TEST(a_segment_that_cannot_begin_is_no_end),
		TEST(marks_survive_trimming),
		TEST(trimming_keeps_what_cannot_be_written_again),
		TEST(many_marks_survive_trimming),
		TEST(only_one_has_it_open),
		TEST(the_text_says_what_to_do),
		TEST(syncs_by_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
