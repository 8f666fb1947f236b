/* tests/unit/wire/entry_test.c - which entries live, and why the others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/entry.h"

#define SIZE_MAX_DEFAULT 65536
#define FIELDS_ROW_MAX 8

static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/* "name", "value", "name", "value", ..., NULL */
typedef const char *const row_text[2 * FIELDS_ROW_MAX + 1];

static uint32_t make_fields(row_text text, struct entry_field fields[FIELDS_ROW_MAX])
{
	uint32_t count = 0;

	for (; text[2 * count]; count++) {
		fields[count].name = slice_of_text(text[2 * count]);
		fields[count].value = slice_of_text(text[2 * count + 1]);
	}
	return count;
}

static void check_reason(row_text text, enum entry_reason expected)
{
	struct entry_field fields[FIELDS_ROW_MAX];
	uint32_t count = make_fields(text, fields);
	struct entry entry = {.ttl_s = 77};
	enum entry_reason reason = entry_parse(fields, count, SIZE_MAX_DEFAULT, &entry);

	if (reason != expected)
		fail_msg("%s %s %s %s: %s, not %s", text[0], text[1], text[2], text[3],
			 entry_reason_text(reason), entry_reason_text(expected));
	if (reason != ENTRY_OK)
		assert_int_equal(entry.ttl_s, 77);
}

static void entries_get_their_reason(void **state)
{
	static const struct {
		row_text text;
		enum entry_reason reason;
	} rows[] = {
		{{"to", "a", "data", "1"}, ENTRY_OK},
		{{"data", "{}", "to", "user:42", "to", "b"}, ENTRY_OK},
		{{"to", "a", "data", " [1] "}, ENTRY_OK},
		{{"to", "a", "data", "1", "color", "red", "", ""}, ENTRY_OK},
		{{"data", "1"}, ENTRY_NO_CHANNEL},
		{{"To", "a", "data", "1"}, ENTRY_NO_CHANNEL},
		{{"x", "y"}, ENTRY_NO_CHANNEL},
		{{"to", "", "data", "1"}, ENTRY_BAD_CHANNEL},
		{{"to", "a b", "data", "1"}, ENTRY_BAD_CHANNEL},
		{{"to", "a", "data", "1", "to", "a,b"}, ENTRY_BAD_CHANNEL},
		{{"to", "a\xFF", "data", "1"}, ENTRY_BAD_CHANNEL},
		{{"to", "a"}, ENTRY_NO_DATA},
		{{"to", "a", "Data", "1"}, ENTRY_NO_DATA},
		{{"to", "a", "data", ""}, ENTRY_BAD_DATA},
		{{"to", "a", "data", "hello"}, ENTRY_BAD_DATA},
		{{"to", "a", "data", "{'a':1}"}, ENTRY_BAD_DATA},
		{{"to", "a", "data", "{}", "data", "x"}, ENTRY_OK}, /* the first counts */
		{{"to", "a", "data", "x", "data", "{}"}, ENTRY_BAD_DATA},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_reason(rows[i].text, rows[i].reason);
	assert_int_equal(entry_parse(NULL, 0, SIZE_MAX_DEFAULT, &(struct entry){0}),
			 ENTRY_NO_CHANNEL);
}

/* One optional field beside a channel and data. */
static void check_field(const char *name, const char *value, enum entry_reason expected)
{
	row_text text = {"to", "a", "data", "1", name, value};

	check_reason(text, expected);
}

static void words_are_printable(void **state)
{
	static const char *const names[] = {"type", "event"};
	char text[130];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_field(names[i], "sms.received", ENTRY_OK);
		check_field(names[i], "notification:new", ENTRY_OK);
		check_field(names[i], " with space ", ENTRY_OK);
		check_field(names[i], "\xE6\xB0\xB4\xC2\xA0", ENTRY_OK);
		check_field(names[i], "", ENTRY_BAD_TYPE);
		check_field(names[i], "a\nb", ENTRY_BAD_TYPE);
		check_field(names[i], "a\x7F", ENTRY_BAD_TYPE);
		check_field(names[i], "a\xC2\x85", ENTRY_BAD_TYPE);
		check_field(names[i], "a\xC2", ENTRY_BAD_TYPE);
		check_field(names[i], "\xFF", ENTRY_BAD_TYPE);
		memset(text, 'x', sizeof(text));
		text[128] = 0;
		check_field(names[i], text, ENTRY_OK);
		text[128] = 'x';
		text[129] = 0;
		check_field(names[i], text, ENTRY_BAD_TYPE);
	}
}

static void ids_are_short_utf8(void **state)
{
	static const char *const names[] = {"id", "key"};
	char text[257];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_field(names[i], "notif_123", ENTRY_OK);
		check_field(names[i], "any \t byte \x01 of text", ENTRY_OK);
		check_field(names[i], "", ENTRY_BAD_ID);
		check_field(names[i], "\xC3", ENTRY_BAD_ID);
		memset(text, 'x', sizeof(text));
		text[255] = 0;
		check_field(names[i], text, ENTRY_OK);
		text[255] = 'x';
		text[256] = 0;
		check_field(names[i], text, ENTRY_BAD_ID);
	}
}

static void check_ttl(const char *text, bool valid, uint32_t ttl_s)
{
	struct entry_field fields[] = {{SLICE("to"), SLICE("a")},
				       {SLICE("data"), SLICE("1")},
				       {SLICE("ttl"), slice_of_text(text)}};
	struct entry entry = {.ttl_s = 77};
	enum entry_reason reason = entry_parse(fields, 3, SIZE_MAX_DEFAULT, &entry);

	assert_int_equal(reason, valid ? ENTRY_OK : ENTRY_BAD_TTL);
	assert_int_equal(entry.ttl_s, valid ? ttl_s : 77);
}

static void ttl_is_a_whole_number(void **state)
{
	(void)state;
	check_ttl("60", true, 60);
	check_ttl("060", true, 60);
	check_ttl("0", true, 0);
	check_ttl("4294967295", true, UINT32_MAX);
	check_ttl("4294967296", true, UINT32_MAX);
	check_ttl("18446744073709551616", false, 0);
	check_ttl("", false, 0);
	check_ttl("-1", false, 0);
	check_ttl("+1", false, 0);
	check_ttl("1.5", false, 0);
	check_ttl("1e3", false, 0);
	check_ttl(" 1", false, 0);
	check_ttl("60s", false, 0);
	check_ttl("null", false, 0);
}

static void the_trace_is_found_in_any_entry(void **state)
{
	const struct entry_field fields[] = {
		{SLICE("data"), SLICE("{")},
		{SLICE("traceparent"), slice_of_text(trace)},
		{SLICE("traceparent"), SLICE("x")},
	};

	(void)state;
	assert_true(slice_equal_text(entry_trace(fields, 3), trace));
	assert_true(slice_is_absent(entry_trace(fields, 1)));
	assert_true(slice_is_absent(entry_trace(fields + 2, 1)));
	assert_true(slice_is_absent(entry_trace(NULL, 0)));
}

static void times_and_traces_are_checked(void **state)
{
	char longer[160];

	(void)state;
	check_field("ts", "2026-01-25T10:30:00.000Z", ENTRY_OK);
	check_field("ts", "2026-01-25T10:30:00+01:00", ENTRY_OK);
	check_field("ts", "2026-01-25 10:30:00", ENTRY_BAD_TIME);
	check_field("ts", "1769337000", ENTRY_BAD_TIME);
	check_field("ts", "", ENTRY_BAD_TIME);
	check_field("traceparent", trace, ENTRY_OK);
	check_field("traceparent", "", ENTRY_BAD_TRACE);
	for (size_t i = 0; i < sizeof(trace) - 1; i++) {
		memcpy(longer, trace, sizeof(trace));
		longer[i] = 'G';
		check_field("traceparent", longer, ENTRY_BAD_TRACE);
		longer[i] = 0;
		check_field("traceparent", longer, ENTRY_BAD_TRACE);
	}
	check_field("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
		    ENTRY_OK);
	check_field("traceparent", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
		    ENTRY_BAD_TRACE);
	check_field("traceparent", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\n",
		    ENTRY_BAD_TRACE);
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", 56);
	longer[129] = 0;
	check_field("traceparent", longer, ENTRY_BAD_TRACE);
}

static void everything_is_kept(void **state)
{
	struct entry_field fields[] = {
		{SLICE("key"), SLICE("k")},
		{SLICE("to"), SLICE("b")},
		{SLICE("ts"), SLICE("2026-01-25T10:30:00Z")},
		{SLICE("data"), SLICE(" {\"a\": 1}\n")},
		{SLICE("event"), SLICE("e")},
		{SLICE("to"), SLICE("a")},
		{SLICE("type"), SLICE("t")},
		{SLICE("id"), SLICE("i")},
		{SLICE("unknown"), SLICE("\xFF")},
		{SLICE("ttl"), SLICE("5")},
		{SLICE("to"), SLICE("b")},
		{SLICE("traceparent"), slice_of_text(trace)},
		{SLICE("event"), SLICE("\n")},
	};
	static const char *const channels[] = {"b", "a", "b"};
	struct entry entry;
	struct slice channel;
	uint32_t cursor = 0;

	(void)state;
	assert_int_equal(entry_parse(fields, ARRAY_SIZE(fields), SIZE_MAX_DEFAULT, &entry),
			 ENTRY_OK);
	assert_true(entry.fields == fields);
	assert_int_equal(entry.fields_count, ARRAY_SIZE(fields));
	assert_int_equal(entry.channels_count, 3);
	assert_true(slice_equal_text(entry.data, " {\"a\": 1}\n"));
	assert_true(slice_equal_text(entry.type, "t"));
	assert_true(slice_equal_text(entry.event, "e"));
	assert_true(slice_equal_text(entry.id, "i"));
	assert_true(slice_equal_text(entry.key, "k"));
	assert_true(slice_equal_text(entry.ts, "2026-01-25T10:30:00Z"));
	assert_true(slice_equal_text(entry.traceparent, trace));
	assert_int_equal(entry.ttl_s, 5);
	for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
		assert_true(entry_next_channel(&entry, &cursor, &channel));
		assert_true(slice_equal_text(channel, channels[i]));
	}
	assert_false(entry_next_channel(&entry, &cursor, &channel));
	assert_false(entry_next_channel(&entry, &cursor, &channel));
}

static void what_is_left_out_is_absent(void **state)
{
	struct entry_field fields[] = {{SLICE("to"), SLICE("a")}, {SLICE("data"), SLICE("1")}};
	struct entry entry;

	(void)state;
	assert_int_equal(entry_parse(fields, 2, SIZE_MAX_DEFAULT, &entry), ENTRY_OK);
	assert_true(slice_equal_text(entry.type, "notification"));
	assert_true(slice_is_absent(entry.event));
	assert_true(slice_is_absent(entry.id));
	assert_true(slice_is_absent(entry.ts));
	assert_true(slice_is_absent(entry.key));
	assert_true(slice_is_absent(entry.traceparent));
	assert_int_equal(entry.ttl_s, 0);
	/* a value without bytes is empty, not absent */
	fields[1].value = (struct slice){NULL, 0};
	assert_int_equal(entry_parse(fields, 2, SIZE_MAX_DEFAULT, &entry), ENTRY_BAD_DATA);
}

static void check_size(size_t size_max, enum entry_reason expected)
{
	struct entry_field fields[] = {
		{SLICE("to"), SLICE("a:channel:does:not:count")},
		{SLICE("data"), SLICE("\"1234567890\"")},     /* 12 */
		{SLICE("type"), SLICE("tttt")},               /* 16 */
		{SLICE("event"), SLICE("eeee")},              /* 20 */
		{SLICE("id"), SLICE("iiii")},                 /* 24 */
		{SLICE("key"), SLICE("kkkk")},                /* 28 */
		{SLICE("ts"), SLICE("2026-01-25T10:30:00Z")}, /* 48 */
		{SLICE("ttl"), SLICE("000000000000000001")},
		{SLICE("other"), SLICE("ooooooooooooooooooooooooo")},
	};
	struct entry entry;

	assert_int_equal(entry_parse(fields, ARRAY_SIZE(fields), size_max, &entry), expected);
}

static void size_is_bounded(void **state)
{
	(void)state;
	check_size(48, ENTRY_OK);
	check_size(47, ENTRY_TOO_LARGE);
	check_size(0, ENTRY_TOO_LARGE);
}

static void check_counts(uint32_t channels, uint32_t others, enum entry_reason expected)
{
	static struct entry_field fields[2 * ENTRY_FIELDS_MAX];
	struct entry entry;

	fields[0] = (struct entry_field){SLICE("data"), SLICE("1")};
	for (uint32_t i = 0; i < channels; i++)
		fields[1 + i] = (struct entry_field){SLICE("to"), SLICE("a")};
	for (uint32_t i = 0; i < others; i++)
		fields[1 + channels + i] = (struct entry_field){SLICE("x"), SLICE("")};
	assert_int_equal(entry_parse(fields, 1 + channels + others, SIZE_MAX_DEFAULT, &entry),
			 expected);
	if (expected == ENTRY_OK)
		assert_int_equal(entry.channels_count, channels);
}

static void counts_are_bounded(void **state)
{
	(void)state;
	check_counts(ENTRY_CHANNELS_MAX, 0, ENTRY_OK);
	check_counts(ENTRY_CHANNELS_MAX, 63, ENTRY_OK);
	check_counts(ENTRY_CHANNELS_MAX, 64, ENTRY_MANY_FIELDS);
	check_counts(ENTRY_CHANNELS_MAX + 1, 0, ENTRY_MANY_CHANNELS);
	check_counts(ENTRY_FIELDS_MAX, 0, ENTRY_MANY_FIELDS);
	check_counts(1, ENTRY_FIELDS_MAX, ENTRY_MANY_FIELDS);
	check_counts(0, 5, ENTRY_NO_CHANNEL);
}

static void reasons_have_texts(void **state)
{
	(void)state;
	assert_string_equal(entry_reason_text(ENTRY_NO_CHANNEL), "no field to");
	assert_string_equal(entry_reason_text(ENTRY_MANY_FIELDS), "too many fields");
	assert_non_null(entry_reason_text((enum entry_reason)99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_get_their_reason),
		cmocka_unit_test(words_are_printable),
		cmocka_unit_test(ids_are_short_utf8),
		cmocka_unit_test(ttl_is_a_whole_number),
		cmocka_unit_test(the_trace_is_found_in_any_entry),
		cmocka_unit_test(times_and_traces_are_checked),
		cmocka_unit_test(everything_is_kept),
		cmocka_unit_test(what_is_left_out_is_absent),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(counts_are_bounded),
		cmocka_unit_test(reasons_have_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
