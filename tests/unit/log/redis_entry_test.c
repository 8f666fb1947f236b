/* tests/unit/log/redis_entry_test.c - entries out of replies, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/writer.h"
#include "log/redis_entry.h"
#include "redis_feed.h"

static struct redis_entry_reader reader;

/* What a reply holds, as text: id{name=value,...} for each entry. */
struct told {
	struct redis_call call;
	uint32_t index;
	enum status status;
	struct writer writer;
	char text[512];
};

static void write_entry(struct writer *writer, const struct redis_entry *entry)
{
	writer_format(writer, "%lu-%lu{", entry->id.ms, entry->id.sequence);
	for (uint32_t i = 0; i < entry->fields_count; i++) {
		writer_slice(writer, entry->fields[i].name);
		writer_text(writer, "=");
		writer_slice(writer, entry->fields[i].value);
		writer_text(writer, ",");
	}
	writer_text(writer, "}");
}

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct told *told = CONTAINER_OF(call, struct told, call);
	struct redis_entry entry;

	assert_int_equal(status, STATUS_OK);
	told->status = redis_entry_begin(&reader, reply, told->index);
	if (told->status != STATUS_OK)
		return;
	while (redis_entry_next(&reader, &entry))
		write_entry(&told->writer, &entry);
	assert_false(redis_entry_next(&reader, &entry));
}

/* `expected` NULL: there is no list at that place. */
static void check_entries(const char *reply, uint32_t index, const char *expected)
{
	struct slice bytes = slice_of_text(reply);

	for (size_t way = 0; way <= bytes.size; way++) {
		struct told told = {.call = {on_reply}, .index = index, .status = STATUS_AGAIN};

		writer_init(&told.writer, told.text, sizeof(told.text));
		assert_int_equal(reply_in_way(bytes, way, &told.call), STATUS_OK);
		assert_int_equal(told.status, expected ? STATUS_OK : STATUS_INVALID);
		if (!slice_equal_text(writer_written(&told.writer), expected ? expected : ""))
			fail_msg("%s\ngives \"%.*s\"", reply, (int)told.writer.size, told.text);
	}
}

#define ID(ms) "$5\r\n" ms "-0\r\n"
#define TWO_FIELDS "*4\r\n$2\r\nto\r\n$3\r\nall\r\n$4\r\ndata\r\n$2\r\n{}\r\n"
#define ONE_FIELD "*2\r\n$1\r\na\r\n$0\r\n\r\n"

static void entries_of_xrange(void **state)
{
	(void)state;
	check_entries("*0\r\n", 0, "");
	check_entries("*-1\r\n", 0, "");
	check_entries("*1\r\n*2\r\n" ID("100") TWO_FIELDS, 0, "100-0{to=all,data={},}");
	check_entries("*2\r\n*2\r\n" ID("100") TWO_FIELDS "*2\r\n" ID("200") ONE_FIELD, 0,
		      "100-0{to=all,data={},}200-0{a=,}");
	check_entries("*1\r\n*2\r\n$41\r\n18446744073709551615-18446744073709551615\r\n" ONE_FIELD,
		      0, "18446744073709551615-18446744073709551615{a=,}");
}

static void entries_inside_of_other_replies(void **state)
{
	(void)state;
	/* XREAD: [[key, entries]] */
	check_entries("*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n" ID("100") ONE_FIELD, 3, "100-0{a=,}");
	/* XAUTOCLAIM: [cursor, entries, deleted ids] */
	check_entries("*3\r\n$3\r\n0-0\r\n*1\r\n*2\r\n" ID("100") ONE_FIELD "*1\r\n" ID("900"), 2,
		      "100-0{a=,}");
	/* two keys: the list of the first one ends where the second begins */
	check_entries("*2\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n" ID("100") ONE_FIELD
		      "*2\r\n$1\r\nl\r\n*1\r\n*2\r\n" ID("200") ONE_FIELD,
		      3, "100-0{a=,}");
}

static void what_is_no_entry_is_passed_over(void **state)
{
	(void)state;
	check_entries("*2\r\n*2\r\n" ID("100") "*-1\r\n*2\r\n" ID("200") ONE_FIELD, 0,
		      "200-0{a=,}");
	check_entries("*2\r\n*2\r\n$3\r\n1-x\r\n" ONE_FIELD "*2\r\n" ID("200") ONE_FIELD, 0,
		      "200-0{a=,}");
	check_entries("*4\r\n:1\r\n$-1\r\n*0\r\n*2\r\n" ID("200") ONE_FIELD, 0, "200-0{a=,}");
	check_entries("*2\r\n*1\r\n" ID("100") "*2\r\n" ID("200") "*0\r\n", 0, "200-0{}");
	check_entries("*2\r\n*2\r\n" ID("100") "*3\r\n+a\r\n+b\r\n+c\r\n*2\r\n" ID("200") "*0\r\n",
		      0, "100-0{a=b,}200-0{}");
	check_entries("*1\r\n*2\r\n" ID("100") "*4\r\n+a\r\n+b\r\n+c\r\n:4\r\n", 0, "100-0{a=b,}");
	check_entries("*1\r\n*2\r\n*2\r\n+1-0\r\n*0\r\n*0\r\n", 0, "");
}

static void what_is_no_list(void **state)
{
	(void)state;
	check_entries("-WRONGTYPE no stream\r\n", 0, NULL);
	check_entries("+OK\r\n", 0, NULL);
	check_entries(":1\r\n", 0, NULL);
	check_entries("*0\r\n", 1, NULL);
	check_entries("*1\r\n:5\r\n", 3, NULL);
}

static void check_id(const char *text, bool expected, uint64_t ms, uint64_t sequence)
{
	struct event_id id = {7, 7};

	assert_int_equal(redis_entry_id(slice_of_text(text), &id), expected);
	assert_true(event_id_equal(id, (struct event_id){ms, sequence}));
}

static void ids(void **state)
{
	(void)state;
	check_id("0-0", true, 0, 0);
	check_id("1769337000000-12", true, 1769337000000, 12);
	check_id("18446744073709551615-18446744073709551615", true, UINT64_MAX, UINT64_MAX);
	check_id("18446744073709551616-0", false, 7, 7);
	check_id("1769337000000", false, 7, 7);
	check_id("1-", false, 7, 7);
	check_id("-1", false, 7, 7);
	check_id("1-0-0", false, 7, 7);
	check_id("1-0 ", false, 7, 7);
	check_id("", false, 7, 7);
}

/* ---- as many fields as there may be, and more ---- */

struct count {
	struct redis_call call;
	uint32_t expected;
};

static void on_large_reply(struct redis_call *call, enum status status,
			   const struct redis_reply *reply)
{
	uint32_t expected = CONTAINER_OF(call, struct count, call)->expected;
	uint32_t there = expected < ENTRY_FIELDS_MAX ? expected : ENTRY_FIELDS_MAX;
	struct redis_entry entry;

	assert_int_equal(status, STATUS_OK);
	assert_int_equal(redis_entry_begin(&reader, reply, 0), STATUS_OK);
	assert_true(redis_entry_next(&reader, &entry));
	assert_int_equal(entry.fields_count, expected);
	assert_true(slice_equal_text(entry.fields[there - 1].value, "v"));
	assert_true(redis_entry_next(&reader, &entry));
	assert_int_equal(entry.id.ms, 200);
	assert_int_equal(entry.fields_count, 1);
	assert_false(redis_entry_next(&reader, &entry));
}

static void check_count(uint32_t fields, uint32_t expected)
{
	size_t capacity = 100 + fields * 8u;
	struct count count = {{on_large_reply}, expected};
	struct writer writer;

	writer_init(&writer, malloc(capacity), capacity);
	writer_format(&writer, "*2\r\n*2\r\n+100-0\r\n*%u\r\n", 2 * fields);
	for (uint32_t i = 0; i < fields; i++)
		writer_text(&writer, "+n\r\n+v\r\n");
	writer_text(&writer, "*2\r\n" ID("200") ONE_FIELD);
	assert_false(writer.overflow);
	assert_int_equal(reply_in_way(writer_written(&writer), writer.size, &count.call),
			 STATUS_OK);
	free(writer.bytes);
}

static void too_many_fields_are_counted_as_one_too_many(void **state)
{
	(void)state;
	check_count(ENTRY_FIELDS_MAX - 1, ENTRY_FIELDS_MAX - 1);
	check_count(ENTRY_FIELDS_MAX, ENTRY_FIELDS_MAX);
	check_count(ENTRY_FIELDS_MAX + 1, ENTRY_FIELDS_MAX + 1);
	check_count(ENTRY_FIELDS_MAX + 500, ENTRY_FIELDS_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_xrange),
		cmocka_unit_test(entries_inside_of_other_replies),
		cmocka_unit_test(what_is_no_entry_is_passed_over),
		cmocka_unit_test(what_is_no_list),
		cmocka_unit_test(ids),
		cmocka_unit_test(too_many_fields_are_counted_as_one_too_many),
	};

	if (redis_entry_init(&reader) != STATUS_OK)
		return 1;
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	redis_entry_deinit(&reader);
	return failures;
}
