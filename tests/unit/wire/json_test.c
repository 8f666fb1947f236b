/* tests/unit/wire/json_test.c - what is JSON, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "belfry/limits.h"
#include "json_rows.h"
#include "wire/json.h"
#include "wire/utf8.h"

/* The text in memory of its exact size, where a sanitizer sees a byte read too many. */
static struct slice copy_of(struct slice text)
{
	uint8_t *bytes = malloc(text.size ? text.size : 1);

	assert_non_null(bytes);
	if (text.size > 0)
		memcpy(bytes, text.bytes, text.size);
	return slice_of(bytes, text.size);
}

static void check_valid(struct slice text, bool expected)
{
	struct slice copy = copy_of(text);

	if (json_is_valid(copy) != expected)
		fail_msg("%.*s is %s", (int)text.size, (const char *)text.bytes,
			 expected ? "refused" : "taken");
	free((void *)(uintptr_t)copy.bytes);
}

static void json_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		check_valid(accepted[i], true);
}

static void other_text_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		check_valid(refused[i], false);
	assert_false(json_is_valid((struct slice){NULL, 0}));
}

/* A text that ends with its closing byte is not JSON when it is cut anywhere before. */
static void cut_text_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		uint8_t first = accepted[i].bytes[0];

		if (first != '{' && first != '[' && first != '"')
			continue;
		for (size_t size = 0; size < accepted[i].size; size++)
			check_valid(slice_of(accepted[i].bytes, size), false);
	}
}

/* Each byte at each place of an eight byte word, against the rule said plainly. */
static void every_byte_in_a_string_has_its_answer(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t place = 1; place < 20; place++) {
			uint8_t text[21];

			memset(text, 'x', sizeof(text));
			text[0] = text[20] = '"';
			text[place] = (uint8_t)byte;
			check_valid(slice_of(text, sizeof(text)),
				    byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\');
		}
}

static struct slice nested(size_t depth, const char *open, const char *close)
{
	static char text[4096];
	struct writer writer;

	writer_init(&writer, text, sizeof(text));
	for (size_t i = 0; i < depth; i++)
		writer_text(&writer, open);
	writer_text(&writer, "1");
	for (size_t i = 0; i < depth; i++)
		writer_text(&writer, close);
	assert_false(writer.overflow);
	return writer_written(&writer);
}

static void check_depth(size_t depth, const char *open, const char *close, bool expected)
{
	check_valid(nested(depth, open, close), expected);
}

static void check_depth_around(unsigned levels)
{
	struct slice deepest = nested(JSON_DEPTH_MAX + levels, "[", "]");

	assert_true(json_is_valid_around(deepest, levels));
	assert_int_equal(json_is_valid(deepest), levels == 0);
	assert_false(json_is_valid_around(nested(JSON_DEPTH_MAX + levels + 1, "[", "]"), levels));
}

static void depth_is_bounded(void **state)
{
	(void)state;
	check_depth(JSON_DEPTH_MAX, "[", "]", true);
	check_depth(JSON_DEPTH_MAX + 1, "[", "]", false);
	check_depth(JSON_DEPTH_MAX, "{\"a\":", "}", true);
	check_depth(JSON_DEPTH_MAX + 1, "{\"a\":", "}", false);
	check_depth(JSON_DEPTH_MAX / 2, "[{\"a\":", "}]", true);
	check_depth(JSON_DEPTH_MAX / 2 + 1, "[{\"a\":", "}]", false);
	for (unsigned levels = 0; levels < 3; levels++)
		check_depth_around(levels);
}

static void deep_and_unclosed_is_refused(void **state)
{
	static uint8_t text[1 << 20];

	(void)state;
	memset(text, '[', sizeof(text));
	check_valid(slice_of(text, sizeof(text)), false);
}

/* ---- readers ---- */

static struct json_value read_text(const char *text)
{
	assert_true(json_is_valid(slice_of_text(text)));
	return json_read(slice_of_text(text));
}

static void check_read(const char *text, enum json_type type, const char *expected)
{
	struct json_value value = read_text(text);

	assert_int_equal(value.type, type);
	assert_true(slice_equal_text(value.text, expected));
}

static void values_are_read_without_space(void **state)
{
	(void)state;
	check_read(" null\n", JSON_NULL, "null");
	check_read("\t true ", JSON_TRUE, "true");
	check_read("false", JSON_FALSE, "false");
	check_read(" -1e3 ", JSON_NUMBER, "-1e3");
	check_read("7", JSON_NUMBER, "7");
	check_read("\r\n\" a \"", JSON_STRING, "\" a \"");
	check_read(" [ 1 ] ", JSON_ARRAY, "[ 1 ]");
	check_read("{ }", JSON_OBJECT, "{ }");
}

/* `expected`: the elements' texts with a bar after each. */
static void check_elements(const char *text, const char *expected)
{
	char found[256];
	struct writer writer;
	struct json_walk walk;
	struct json_value value;

	writer_init(&writer, found, sizeof(found));
	json_walk_init(&walk, read_text(text));
	while (json_walk_element(&walk, &value)) {
		assert_int_equal(value.type, json_read(value.text).type);
		writer_slice(&writer, value.text);
		writer_text(&writer, "|");
	}
	assert_false(json_walk_element(&walk, &value));
	if (!slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s gives %.*s", text, (int)writer.size, found);
}

static void arrays_are_walked(void **state)
{
	(void)state;
	check_elements("[]", "");
	check_elements("[ \n ]", "");
	check_elements("[1]", "1|");
	check_elements("[1,2]", "1|2|");
	check_elements(" [ 1 , \"a,]b\" ,[2,[3]] , {\"a\":[4]}, null,true ,false ] ",
		       "1|\"a,]b\"|[2,[3]]|{\"a\":[4]}|null|true|false|");
	check_elements("[\"\\\"\",\"\\\\\",\"\\\\\\\"]\"]", "\"\\\"\"|\"\\\\\"|\"\\\\\\\"]\"|");
	check_elements("[[\"]\"],{\"}\":\"{\"}]", "[\"]\"]|{\"}\":\"{\"}|");
	check_elements("1", "");
	check_elements("\"ab\"", "");
}

static void check_members(const char *text, const char *expected)
{
	char found[256];
	struct writer writer;
	struct json_walk walk;
	struct json_value value;
	struct slice key;

	writer_init(&writer, found, sizeof(found));
	json_walk_init(&walk, read_text(text));
	while (json_walk_member(&walk, &key, &value)) {
		writer_slice(&writer, key);
		writer_text(&writer, "=");
		writer_slice(&writer, value.text);
		writer_text(&writer, "|");
	}
	if (!slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s gives %.*s", text, (int)writer.size, found);
}

static void objects_are_walked(void **state)
{
	(void)state;
	check_members("{}", "");
	check_members("{ }", "");
	check_members("{\"a\":1}", "\"a\"=1|");
	check_members("{ \"a\" : 1 , \"b\":\n{\"c\":[1,{}]} ,\"\":\"x:y,z\" }",
		      "\"a\"=1|\"b\"={\"c\":[1,{}]}|\"\"=\"x:y,z\"|");
	check_members("{\"a\\\":\":\"\\\\\",\"b\":null}", "\"a\\\":\"=\"\\\\\"|\"b\"=null|");
	check_members("null", "");
}

static void check_find(const char *text, const char *key, const char *expected, uint32_t count)
{
	struct json_value value = {JSON_NULL, {NULL, 0}};
	bool found = json_find(read_text(text), key, &value);

	assert_int_equal(found, expected != NULL);
	if (found)
		assert_true(slice_equal_text(value.text, expected));
	assert_int_equal(json_count(read_text(text), key), count);
}

static void members_are_found(void **state)
{
	(void)state;
	check_find("{\"a\":1,\"b\":2}", "b", "2", 1);
	check_find("{\"a\":1,\"a\":2,\"\\u0061\":3}", "a", "1", 3);
	check_find("{\"\\u0061\":3}", "a", "3", 1);
	check_find("{\"b\":{\"a\":1}}", "a", NULL, 0);
	check_find("{\"aa\":1}", "a", NULL, 0);
	check_find("{\"\":1}", "", "1", 1);
	check_find("{}", "a", NULL, 0);
	check_find("[\"a\",1]", "a", NULL, 0);
	check_find("\"a\"", "a", NULL, 0);
}

/* `expected` absent: the text has no meaning in UTF-8. */
static void check_decode(const char *text, struct slice expected)
{
	size_t text_size = strlen(text);
	uint8_t *bytes = malloc(text_size);
	size_t size = 99;

	assert_non_null(bytes);
	if (slice_is_absent(expected)) {
		assert_false(json_string_decode(slice_of_text(text), bytes, text_size, &size));
		assert_int_equal(size, 99);
		free(bytes);
		return;
	}
	assert_true(json_string_decode(slice_of_text(text), bytes, expected.size, &size));
	assert_true(slice_equal(slice_of(bytes, size), expected));
	assert_true(json_string_equal(slice_of_text(text), expected));
	assert_false(json_string_equal(slice_of_text(text), SLICE("something else")));
	if (expected.size > 0) {
		struct slice shorter = slice_of(expected.bytes, expected.size - 1);

		assert_false(json_string_equal(slice_of_text(text), shorter));
		size = 99;
		assert_false(json_string_decode(slice_of_text(text), bytes, shorter.size, &size));
		assert_int_equal(size, 99);
	}
	free(bytes);
}

static void strings_are_decoded(void **state)
{
	const struct slice none = {NULL, 0};

	(void)state;
	check_decode("\"\"", SLICE(""));
	check_decode("\"abc\"", SLICE("abc"));
	check_decode("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SLICE("\"\\/\b\f\n\r\t"));
	check_decode("\"a\\u0000b\"", SLICE("a\0b"));
	check_decode("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		     SLICE("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"));
	check_decode("\"\\uD83D\\ude00!\"", SLICE("\xF0\x9F\x98\x80!"));
	check_decode("\"\\ud800\\udc00\\udbff\\udfff\"", SLICE("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
	check_decode("\"x\xC3\xA9\\u00e9\"", SLICE("x\xC3\xA9\xC3\xA9"));
	check_decode("\"\\\\u0041\"", SLICE("\\u0041"));
	check_decode("\"\\ud800\"", none);
	check_decode("\"\\udc00\"", none);
	check_decode("\"a\\ud800b\"", none);
	check_decode("\"\\ud800\\n\"", none);
	check_decode("\"\\ud800\\u0041\"", none);
	check_decode("\"\\ud800\\ud800\\udc00\"", none);
	check_decode("\"\\udc00\\ud800\"", none);
	assert_false(json_string_equal(SLICE("\"a\\ud800\""), SLICE("a")));
}

static void check_number(const char *text, bool expected, int64_t number)
{
	int64_t found = 99;
	bool ok = json_number_to_i64(read_text(text), &found);

	if (ok != expected || found != (expected ? number : 99))
		fail_msg("%s gives %d %lld", text, ok, (long long)found);
}

static void numbers_are_rounded_down(void **state)
{
	(void)state;
	check_number("0", true, 0);
	check_number("-0", true, 0);
	check_number("-0.0e5", true, 0);
	check_number("1769337000", true, 1769337000);
	check_number("1e3", true, 1000);
	check_number("12.7", true, 12);
	check_number("12.999999999999999999", true, 12);
	check_number("-12.0", true, -12);
	check_number("-12.1", true, -13);
	check_number("-0.1", true, -1);
	check_number("1.5e1", true, 15);
	check_number("1.55e1", true, 15);
	check_number("-1.55e1", true, -16);
	check_number("1.769337E9", true, 1769337000);
	check_number("12345e-2", true, 123);
	check_number("12345e-5", true, 0);
	check_number("-12345e-99", true, -1);
	check_number("1e-999999999999999999999999", true, 0);
	check_number("0e999999999999999999999999", true, 0);
	check_number("0.000001e6", true, 1);
	check_number("9223372036854775807", true, INT64_MAX);
	check_number("9223372036854775807.9", true, INT64_MAX);
	check_number("-9223372036854775808", true, INT64_MIN);
	check_number("-9223372036854775808.0", true, INT64_MIN);
	check_number("-9223372036854775807.5", true, INT64_MIN);
	check_number("9223372036854775808", false, 0);
	check_number("-9223372036854775808.5", false, 0);
	check_number("-9223372036854775809", false, 0);
	check_number("1e19", false, 0);
	check_number("1e999999999999999999999999", false, 0);
	check_number("-1e400", false, 0);
	check_number("99999999999999999999", false, 0);
	check_number("\"1\"", false, 0);
	check_number("null", false, 0);
	check_number("true", false, 0);
	check_number("[1]", false, 0);
}

static void check_write(struct slice plain, const char *expected)
{
	uint8_t bytes[256];
	struct writer writer;
	struct slice copy = copy_of(plain);

	writer_init(&writer, bytes, sizeof(bytes));
	json_write_string(&writer, copy);
	free((void *)(uintptr_t)copy.bytes);
	if (!slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s is not %.*s", expected, (int)writer.size, (const char *)bytes);
	assert_true(json_is_valid(writer_written(&writer)));
	if (utf8_is_valid(plain))
		assert_true(json_string_equal(writer_written(&writer), plain));
}

static void strings_are_written(void **state)
{
	(void)state;
	check_write(SLICE(""), "\"\"");
	check_write(SLICE("abc"), "\"abc\"");
	check_write(SLICE("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	check_write(SLICE("\b\f\n\r\t\x01\x1f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\"");
	check_write(SLICE("a\0b"), "\"a\\u0000b\"");
	check_write(SLICE("\x7F"), "\"\x7F\"");
	check_write(SLICE("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
	check_write(SLICE("x\xFFy"), "\"x\xEF\xBF\xBDy\"");
	check_write(SLICE("\xC3"), "\"\xEF\xBF\xBD\"");
	check_write(SLICE("\xC3(\xC3\xA9\x80"), "\"\xEF\xBF\xBD(\xC3\xA9\xEF\xBF\xBD\"");
	check_write(SLICE("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
	check_write(SLICE("\xE6\xB0\xB4\xF0\x9F"), "\"\xE6\xB0\xB4\xEF\xBF\xBD\xEF\xBF\xBD\"");
	check_write((struct slice){NULL, 0}, "\"\"");
}

static void writing_stops_at_the_end_of_memory(void **state)
{
	(void)state;
	for (size_t capacity = 0; capacity < 12; capacity++) {
		uint8_t bytes[12];
		struct writer writer;

		writer_init(&writer, bytes, capacity);
		json_write_string(&writer, SLICE("ab\n\xC3\xA9\x01")); /* 14 bytes */
		assert_true(writer.overflow);
		assert_true(writer.size <= capacity);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_accepted),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(cut_text_is_refused),
		cmocka_unit_test(every_byte_in_a_string_has_its_answer),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(deep_and_unclosed_is_refused),
		cmocka_unit_test(values_are_read_without_space),
		cmocka_unit_test(arrays_are_walked),
		cmocka_unit_test(objects_are_walked),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(numbers_are_rounded_down),
		cmocka_unit_test(strings_are_written),
		cmocka_unit_test(writing_stops_at_the_end_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
