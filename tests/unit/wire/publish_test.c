/* tests/unit/wire/publish_test.c - publish objects as fields of an entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/publish.h"

#define FIELDS_MAX 8

/* `expected`: name=value| for each field, or NULL for the error `error`. */
static void check_publish(const char *text, const char *expected, const char *error)
{
	struct entry_field fields[FIELDS_MAX];
	uint8_t scratch[256];
	struct publish publish = {.fields = fields,
				  .fields_max = FIELDS_MAX,
				  .scratch = scratch,
				  .scratch_capacity = strlen(text)};
	char found[512];
	struct writer writer;

	assert_true(json_is_valid(slice_of_text(text)));
	const char *answer = publish_parse(json_read(slice_of_text(text)), &publish);
	if (error) {
		assert_non_null(answer);
		assert_string_equal(answer, error);
		return;
	}
	if (answer)
		fail_msg("%s: %s", text, answer);
	writer_init(&writer, found, sizeof(found));
	for (uint32_t i = 0; i < publish.fields_count; i++) {
		writer_slice(&writer, fields[i].name);
		writer_text(&writer, "=");
		writer_slice(&writer, fields[i].value);
		writer_text(&writer, "|");
	}
	if (!slice_equal_text(writer_written(&writer), expected))
		fail_msg("%s gives %.*s", text, (int)writer.size, found);
}

static void objects_become_fields(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{"{\"to\":\"a\",\"data\":1}", "to=a|data=1|"},
		{"{\"to\":[\"a\"],\"data\":null}", "to=a|data=null|"},
		{"{\"to\":[\"a\",\"b\" , \"a\"],\"data\":{\"x\": [ 1 ]}}",
		 "to=a|to=b|to=a|data={\"x\": [ 1 ]}|"},
		{" { \"data\" : \"t\\u0065xt\" , \"to\" : \"a\" } ", "data=\"t\\u0065xt\"|to=a|"},
		{"{\"to\":\"a\",\"type\":\"t\",\"event\":\"e\",\"data\":0,\"id\":\"i\",\"ttl\":60,"
		 "\"key\":\"k\",\"ts\":\"now\"}",
		 "to=a|type=t|event=e|data=0|id=i|ttl=60|key=k|ts=now|"},
		{"{\"traceparent\":\"00-x\",\"ttl\":\"60\"}", "traceparent=00-x|ttl=60|"},
		{"{\"t\\u006f\":\"\\u0061\\\"\\n\",\"event\":\"\\ud83d\\ude00\",\"key\":\"\\\\\"}",
		 "to=a\"\n|event=\xF0\x9F\x98\x80|key=\\|"},
		{"{\"x\":1,\"to\":\"a\",\"TO\":\"b\",\"data\":[]}", "to=a|data=[]|"},
		{"{\"to\":\"a\",\"to\":[\"b\"]}", "to=a|to=b|"},
		/* left to entry_parse() */
		{"{}", ""},
		{"{\"to\":\"\"}", "to=|"},
		{"{\"to\":\"a b\"}", "to=a b|"},
		{"{\"ttl\":-1.5}", "ttl=-1.5|"},
		{"{\"ttl\":\"soon\"}", "ttl=soon|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_publish(rows[i].text, rows[i].expected, NULL);
}

static void errors_name_the_member(void **state)
{
	static const char to[] = "to must be a channel or an array of channels";
	static const char ttl[] = "ttl must be a whole number of seconds";
	static const char many[] = "the object has too many channels or members";
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{"[]", "what is published must be an object"},
		{"\"a\"", "what is published must be an object"},
		{"null", "what is published must be an object"},
		{"{\"to\":[]}", to},
		{"{\"to\":[ ]}", to},
		{"{\"to\":null}", to},
		{"{\"to\":5}", to},
		{"{\"to\":{\"a\":1}}", to},
		{"{\"to\":[\"a\",5]}", to},
		{"{\"to\":[[\"a\"]]}", to},
		{"{\"to\":\"\\ud800\"}", to},
		{"{\"type\":1}", "type must be a string"},
		{"{\"event\":null}", "event must be a string"},
		{"{\"id\":7}", "id must be a string"},
		{"{\"key\":[]}", "key must be a string"},
		{"{\"ts\":1769337000}", "ts must be a string"},
		{"{\"traceparent\":true}", "traceparent must be a string"},
		{"{\"event\":\"\\udc00\"}", "event must be a string"},
		{"{\"ttl\":null}", ttl},
		{"{\"ttl\":[60]}", ttl},
		{"{\"to\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", many},
		{"{\"to\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"],\"data\":1}", many},
		{"{\"to\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"],\"ttl\":1}", many},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_publish(rows[i].text, NULL, rows[i].error);
}

/* What needs no decoding is not copied. */
static void plain_strings_stay_in_the_text(void **state)
{
	const char *text = "{\"to\":\"user:42\",\"event\":\"a\\tb\",\"data\":[1]}";
	struct entry_field fields[3];
	uint8_t scratch[64];
	struct publish publish = {.fields = fields,
				  .fields_max = 3,
				  .scratch = scratch,
				  .scratch_capacity = sizeof(scratch)};

	(void)state;
	assert_null(publish_parse(json_read(slice_of_text(text)), &publish));
	assert_int_equal(publish.fields_count, 3);
	assert_true((const char *)fields[0].value.bytes == text + 7);
	assert_true(fields[1].value.bytes == scratch);
	assert_int_equal(publish.scratch_size, 3);
	assert_true(slice_equal_text(fields[2].value, "[1]"));
}

static void small_scratch_memory_is_an_error(void **state)
{
	const char *text = "{\"event\":\"a\\tb\"}";
	struct entry_field field;
	uint8_t scratch[2];
	struct publish publish = {
		.fields = &field, .fields_max = 1, .scratch = scratch, .scratch_capacity = 2};

	(void)state;
	assert_non_null(publish_parse(json_read(slice_of_text(text)), &publish));
	assert_int_equal(publish.fields_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_become_fields),
		cmocka_unit_test(errors_name_the_member),
		cmocka_unit_test(plain_strings_stay_in_the_text),
		cmocka_unit_test(small_scratch_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
