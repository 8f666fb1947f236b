/* tests/unit/perf/token_test.c - wsbench/token: known tokens, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the above first */
#include <cmocka.h>

#include "wsbench/token.h"

struct row {
	const char *user;
	uint64_t expires_s;
	const char *secret;
	const char *token;
};

/* The signatures were made by another implementation of HMAC. */
static const struct row rows[] = {
	{"u0", 2000000000, "secret",
	 "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1MCIsImV4cCI6MjAwMDAwMDAwMH0."
	 "OtUvJUCwoAdx0A4FvMarZ3D8C_OskfhLLawxAsK05UQ"},
	{"u49999", 1769337000,
	 "a-much-longer-secret-than-a-block-of-sha256-has-bytes-0123456789abcdef",
	 "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1NDk5OTkiLCJleHAiOjE3NjkzMzcwMDB9."
	 "sW5B9OwWzkgmkY_TLXWunzB_uTgg2pUjzomtVURmyxY"},
	{"", 0, "k",
	 "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIiLCJleHAiOjB9."
	 "JwPdFDc3X2CDOAyjUaOXzRnIg5GZJ6qMshmGxr-nvM0"},
};

static void check_token(const struct row *row, size_t capacity, bool expected)
{
	char bytes[512] = {0};
	struct writer writer;

	writer_init(&writer, bytes, capacity);
	token_write(&writer, slice_of_text(row->user), row->expires_s, slice_of_text(row->secret));
	assert_int_equal(!writer.overflow, expected);
	if (expected) {
		assert_int_equal(writer.size, strlen(row->token));
		assert_memory_equal(bytes, row->token, writer.size);
	}
}

static void test_known_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_token(&rows[i], 512, true);
}

static void test_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size = strlen(rows[i].token);

		for (size_t capacity = 0; capacity < size; capacity++)
			check_token(&rows[i], capacity, false);
		check_token(&rows[i], size, true);
	}
}

static void test_behind_other_text(void **state)
{
	char bytes[512];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "?token=");
	token_write(&writer, slice_of_text(rows[0].user), rows[0].expires_s,
		    slice_of_text(rows[0].secret));
	assert_int_equal(writer.size, 7 + strlen(rows[0].token));
	assert_memory_equal(bytes + 7, rows[0].token, strlen(rows[0].token));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_tokens),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_behind_other_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
