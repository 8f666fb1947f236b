/* tests/unit/wire/base64_test.c - RFC 4648 vectors, and every way to spell a value twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/base64.h"

struct row {
	const char *bytes;
	const char *text;
	const char *url;
};

/* RFC 4648 section 10, and the digits in which the alphabets differ. */
static const struct row rows[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xFB\xEF\xBE\xFF\xFF\xFF", "++++////", "----____"},
	{"\xFF", "/w==", "_w"},
	{"{\"alg\":\"HS256\"}", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9"},
};

static void write_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice bytes = slice_of_text(rows[i].bytes);
		char text[64];

		assert_int_equal(base64_write(bytes, text), strlen(rows[i].text));
		assert_int_equal(BASE64_SIZE(bytes.size), strlen(rows[i].text));
		assert_memory_equal(text, rows[i].text, strlen(rows[i].text));
		assert_int_equal(base64url_write(bytes, text), strlen(rows[i].url));
		assert_int_equal(BASE64URL_SIZE(bytes.size), strlen(rows[i].url));
		assert_memory_equal(text, rows[i].url, strlen(rows[i].url));
	}
}

typedef bool parse_function(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size);

/* Expects just enough capacity to do, and one byte less to be refused. */
static void check_parse(parse_function *parse, const char *text, const char *expected)
{
	struct slice bytes = slice_of_text(expected);
	uint8_t parsed[64];
	size_t size = 77;

	if (bytes.size > 0)
		assert_false(parse(slice_of_text(text), parsed, bytes.size - 1, &size));
	assert_int_equal(size, 77);
	assert_true(parse(slice_of_text(text), parsed, bytes.size, &size));
	assert_int_equal(size, bytes.size);
	assert_memory_equal(parsed, expected, size);
}

static void parse_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_parse(base64_parse, rows[i].text, rows[i].bytes);
		check_parse(base64url_parse, rows[i].url, rows[i].bytes);
	}
}

static void check_refused(parse_function *parse, const char *text)
{
	uint8_t parsed[64];
	size_t size = 77;

	if (parse(slice_of_text(text), parsed, sizeof(parsed), &size))
		fail_msg("\"%s\" was taken", text);
	assert_int_equal(size, 77);
}

static void refuse_plain(void **state)
{
	static const char *const bad[] = {
		"Zg",     "Zg=",    "Zm8",       "Z",        "=",     "==",        "===",
		"====",   "Z===",   "Zh==",      "Zm9=",     "Zm9v=", "Zm9v====",  "Zg==Zg==",
		"Z=g=",   "=Zg=",   "Zm 9v",     "Zm9v\n",   "Zm9-",  "Zm9_",      "Zm9*",
		"Zm\xC3v", "Zm9vYg", "Zm9vYmE==", "Zm9v\r\n==", "    ",  "Zm9vYh==", "/x==",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(base64_parse, bad[i]);
}

static void refuse_url(void **state)
{
	static const char *const bad[] = {
		"Z",    "A",    "AAAAA", "Zg==", "Zm8=", "Zm9vY", "Zh",
		"Zm9",  "Zm9+", "Zm9/",  "Zm9.", "Zm 9", "_x",    "=",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(base64url_parse, bad[i]);
}

/* Each size there and back with each byte value. */
static void round_trip(void **state)
{
	uint8_t bytes[256];
	uint8_t parsed[256];
	char text[BASE64_SIZE(sizeof(bytes))];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		size_t back = 0;
		size_t written = base64_write(slice_of(bytes, size), text);

		assert_true(base64_parse(slice_of(text, written), parsed, size, &back));
		assert_int_equal(back, size);
		assert_memory_equal(bytes, parsed, size);
		written = base64url_write(slice_of(bytes, size), text);
		assert_true(base64url_parse(slice_of(text, written), parsed, size, &back));
		assert_int_equal(back, size);
		assert_memory_equal(bytes, parsed, size);
	}
}

/* Of the 256 last digits "A?" exactly the 4 without unused bits are taken: one spelling each. */
static void one_spelling(void **state)
{
	int taken = 0;

	(void)state;
	for (unsigned last = 1; last < 256; last++) {
		const uint8_t text[2] = {'A', (uint8_t)last};
		uint8_t parsed[1];
		size_t size;

		if (base64url_parse(slice_of(text, 2), parsed, 1, &size))
			taken++;
	}
	assert_int_equal(taken, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_rows),   cmocka_unit_test(parse_rows),
		cmocka_unit_test(refuse_plain), cmocka_unit_test(refuse_url),
		cmocka_unit_test(round_trip),   cmocka_unit_test(one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
