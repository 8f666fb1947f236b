/* tests/unit/base/log_line_test.c - what reaches standard error, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log_line.h"

static char captured[4096];

/* Logs with standard error in a pipe; what came is in `captured`. */
static void capture(enum log_level level, const char *message)
{
	int ends[2];
	int saved = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	log_line(level, "shard", "%s", message);
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t size = read(ends[0], captured, sizeof(captured) - 1);

	close(ends[0]);
	assert_true(size >= 0);
	captured[size] = '\0';
}

/* 2026-01-25T10:11:12.123Z: digits where there are zeros in the picture. */
static void check_time(const char *time)
{
	const char *picture = "0000-00-00T00:00:00.000Z";

	for (; *picture; picture++, time++)
		if (*picture == '0')
			assert_in_range(*time, '0', '9');
		else
			assert_int_equal(*time, *picture);
}

static void check_text(enum log_level level, const char *message, const char *expected)
{
	capture(level, message);
	check_time(captured);
	assert_string_equal(captured + 24, expected);
}

static void text_lines(void **state)
{
	(void)state;
	log_line_init(LOG_DEBUG, false);
	check_text(LOG_DEBUG, "hello", " debug shard: hello\n");
	check_text(LOG_INFO, "hello", " info  shard: hello\n");
	check_text(LOG_WARN, "", " warn  shard: \n");
	check_text(LOG_ERROR, "\"quoted\" 100%s", " error shard: \"quoted\" 100%s\n");
}

/* Whoever gets his own words into a message cannot make a second line of them. */
static void text_stays_one_line(void **state)
{
	(void)state;
	log_line_init(LOG_DEBUG, false);
	check_text(LOG_INFO, "a\nb\r\tc\x1B[31m", " info  shard: a b  c [31m\n");
}

static void check_json(enum log_level level, const char *message, const char *expected)
{
	capture(level, message);
	assert_memory_equal(captured, "{\"time\":\"", 9);
	check_time(captured + 9);
	assert_string_equal(captured + 9 + 24, expected);
}

static void json_lines(void **state)
{
	(void)state;
	log_line_init(LOG_DEBUG, true);
	check_json(LOG_WARN, "hello",
		   "\",\"level\":\"warn\",\"source\":\"shard\",\"message\":\"hello\"}\n");
	check_json(LOG_ERROR, "a\"b\\c\nd\x01" "e\xC3\xA9",
		   "\",\"level\":\"error\",\"source\":\"shard\",\"message\":"
		   "\"a\\\"b\\\\c\\u000ad\\u0001e\xC3\xA9\"}\n");
}

static void lower_levels_are_dropped(void **state)
{
	(void)state;
	log_line_init(LOG_WARN, false);
	capture(LOG_INFO, "hello");
	assert_string_equal(captured, "");
	capture(LOG_WARN, "hello");
	assert_string_not_equal(captured, "");
}

/* A cut line still ends as a line. */
static void long_lines_are_cut(void **state)
{
	static const char fillers[] = {'x', '"', '\n'};
	char message[5000];

	(void)state;
	for (int i = 0; i < 6; i++) {
		memset(message, fillers[i % 3], sizeof(message) - 1);
		message[sizeof(message) - 1] = '\0';
		log_line_init(LOG_DEBUG, i >= 3);
		capture(LOG_INFO, message);
		size_t size = strlen(captured);

		assert_in_range(size, 1000, 2047);
		assert_true(strchr(captured, '\n') == captured + size - 1);
		assert_true(i < 3 || memcmp(captured + size - 3, "\"}\n", 3) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines),
		cmocka_unit_test(text_stays_one_line),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(lower_levels_are_dropped),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
