/* tests/unit/wire/event_id_test.c - event ids and times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "wire/event_id.h"

#define LAST_S 253402300799 /* 9999-12-31T23:59:59Z */

static void check_parse(const char *text, bool expected, struct event_id id)
{
	struct event_id parsed = {77, 78};
	bool ok = event_id_parse(slice_of_text(text), &parsed);

	if (ok != expected)
		fail_msg("\"%s\" is %s", text, ok ? "taken" : "refused");
	assert_true(event_id_equal(parsed, expected ? id : (struct event_id){77, 78}));
}

static void ids_are_parsed(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		struct event_id id;
	} rows[] = {
		{"1769337000000-0", true, {1769337000000, 0}},
		{"1769337000000-17", true, {1769337000000, 17}},
		{"1769337000000", true, {1769337000000, 0}},
		{"0-0", true, {0, 0}},
		{"0", true, {0, 0}},
		{"18446744073709551615-18446744073709551615", true, {UINT64_MAX, UINT64_MAX}},
		{"18446744073709551616-0", false, {0, 0}},
		{"1-18446744073709551616", false, {0, 0}},
		{"", false, {0, 0}},
		{"-", false, {0, 0}},
		{"1-", false, {0, 0}},
		{"-1", false, {0, 0}},
		{"1-2-3", false, {0, 0}},
		{"1--2", false, {0, 0}},
		{" 1-2", false, {0, 0}},
		{"1-2 ", false, {0, 0}},
		{"+1-2", false, {0, 0}},
		{"1-+2", false, {0, 0}},
		{"$", false, {0, 0}},
		{"1-*", false, {0, 0}},
		{"0x1-0", false, {0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_parse(rows[i].text, rows[i].valid, rows[i].id);
}

static void check_write(struct event_id id, const char *expected)
{
	uint8_t bytes[EVENT_ID_TEXT_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	event_id_write(&writer, id);
	assert_false(writer.overflow);
	assert_true(slice_equal_text(writer_written(&writer), expected));
	check_parse(expected, true, id);
}

static void ids_are_written_and_read_back(void **state)
{
	(void)state;
	check_write((struct event_id){0, 0}, "0-0");
	check_write((struct event_id){1769337000000, 12}, "1769337000000-12");
	check_write((struct event_id){UINT64_MAX, UINT64_MAX},
		    "18446744073709551615-18446744073709551615");
}

static void check_time(uint64_t unix_ms, const char *expected)
{
	uint8_t bytes[24];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	event_id_write_time(&writer, unix_ms);
	if (writer.overflow || !slice_equal_text(writer_written(&writer), expected))
		fail_msg("%llu is %.*s, not %s", (unsigned long long)unix_ms, (int)writer.size,
			 (const char *)bytes, expected);
	assert_true(event_id_time_is_valid(writer_written(&writer)));
}

/* Against the C library. */
static void check_time_like_libc(uint64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000);
	char date[32], expected[48];
	struct tm parts;

	assert_non_null(gmtime_r(&seconds, &parts));
	assert_true(strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 19);
	snprintf(expected, sizeof(expected), "%s.%03uZ", date, (unsigned)(unix_ms % 1000));
	check_time(unix_ms, expected);
}

static void times_are_written(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00.000Z");
	check_time(1769337000000, "2026-01-25T10:30:00.000Z");
	check_time(951782399999, "2000-02-28T23:59:59.999Z");
	check_time(951782400000, "2000-02-29T00:00:00.000Z");
	check_time(4107542400000, "2100-03-01T00:00:00.000Z");
	check_time(LAST_S * 1000ull + 999, "9999-12-31T23:59:59.999Z");
	check_time(LAST_S * 1000ull + 1000, "9999-12-31T23:59:59.999Z");
	check_time(UINT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void every_day_is_like_libc(void **state)
{
	(void)state;
	for (uint64_t second = 0; second <= LAST_S; second += 86400) {
		uint64_t spread = (second / 86400 * 7919) % 86400;

		check_time_like_libc((second + spread) * 1000 + spread % 1000);
	}
}

static void first_and_last_moments_of_days_are_like_libc(void **state)
{
	(void)state;
	for (uint64_t day = 1; day < 60000; day++) {
		check_time_like_libc(day * 86400000 - 1);
		check_time_like_libc(day * 86400000);
	}
}

static void check_time_valid(const char *text, bool expected)
{
	if (event_id_time_is_valid(slice_of_text(text)) != expected)
		fail_msg("\"%s\" is %s", text, expected ? "refused" : "taken");
}

static void rfc3339_times_are_taken(void **state)
{
	static const char *const rows[] = {
		"2026-01-25T10:30:00.000Z",
		"2026-01-25T10:30:00Z",
		"2026-01-25t10:30:00z",
		"1985-04-12T23:20:50.52Z",
		"1996-12-19T16:39:57-08:00",
		"1990-12-31T23:59:60Z",
		"1990-12-31T15:59:60-08:00",
		"1991-01-01T05:29:60+05:30",
		"1937-01-01T12:00:27.87+00:20",
		"2024-02-29T00:00:00Z",
		"2000-02-29T00:00:00Z",
		"0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999999999Z",
		"2026-01-25T10:30:00-00:00",
		"2026-01-25T10:30:00.123456+23:59",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_time_valid(rows[i], true);
}

static void other_times_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"2026-01-25",
		"10:30:00Z",
		"2026-01-25T10:30:00",
		"2026-01-25 10:30:00Z",
		"2026-01-25T10:30Z",
		"2026-01-25T10:30:00.Z",
		"2026-01-25T10:30:00,5Z",
		"2026-01-25T24:00:00Z",
		"2026-01-25T10:60:00Z",
		"2026-01-25T10:30:61Z",
		"2026-01-25T10:30:60Z",
		"2026-01-25T23:59:60+01:00",
		"2026-00-25T10:30:00Z",
		"2026-13-25T10:30:00Z",
		"2026-01-00T10:30:00Z",
		"2026-01-32T10:30:00Z",
		"2026-04-31T10:30:00Z",
		"2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2024-02-30T00:00:00Z",
		"26-01-25T10:30:00Z",
		"2026-1-25T10:30:00Z",
		"2026-01-25T1:30:00Z",
		"+026-01-25T10:30:00Z",
		"2026-01-25T10:30:00+0100",
		"2026-01-25T10:30:00+01",
		"2026-01-25T10:30:00+24:00",
		"2026-01-25T10:30:00+01:60",
		"2026-01-25T10:30:00ZZ",
		"2026-01-25T10:30:00Z ",
		" 2026-01-25T10:30:00Z",
		"2026/01/25T10:30:00Z",
		"1769337000000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_time_valid(rows[i], false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_parsed),
		cmocka_unit_test(ids_are_written_and_read_back),
		cmocka_unit_test(times_are_written),
		cmocka_unit_test(every_day_is_like_libc),
		cmocka_unit_test(first_and_last_moments_of_days_are_like_libc),
		cmocka_unit_test(rfc3339_times_are_taken),
		cmocka_unit_test(other_times_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
