/* tests/unit/base/writer_test.c - bounded writing: what fits, what does not, and after that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/writer.h"

static void check_written(const struct writer *writer, const char *expected, bool overflow)
{
	struct slice written = writer_written(writer);

	if (!slice_equal_text(written, expected))
		fail_msg("got \"%.*s\", expected \"%s\"", (int)written.size,
			 (const char *)written.bytes, expected);
	assert_int_equal(writer->overflow, overflow);
}

static void write_pieces(void **state)
{
	char bytes[64];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	check_written(&writer, "", false);
	writer_text(&writer, "a");
	writer_bytes(&writer, "bcd", 2);
	writer_slice(&writer, SLICE("-"));
	writer_slice(&writer, (struct slice){NULL, 0});
	writer_u64(&writer, 0);
	writer_text(&writer, " ");
	writer_u64(&writer, UINT64_MAX);
	writer_format(&writer, " %s=%d", "x", -5);
	check_written(&writer, "abc-0 18446744073709551615 x=-5", false);
}

static void fill_to_the_last_byte(void **state)
{
	char bytes[4];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "abcd");
	check_written(&writer, "abcd", false);
	writer_text(&writer, "");
	check_written(&writer, "abcd", false);
	writer_text(&writer, "e");
	check_written(&writer, "abcd", true);
}

static void add_text(struct writer *writer)
{
	writer_text(writer, "xyz");
}

static void add_bytes(struct writer *writer)
{
	writer_bytes(writer, "xyz", 3);
}

static void add_u64(struct writer *writer)
{
	writer_u64(writer, 123);
}

static void add_format(struct writer *writer)
{
	writer_format(writer, "%s", "xyz");
}

/* A piece that does not fit leaves nothing, and nothing comes after it, not even what would fit.
 * The byte behind the capacity stays as it was. */
static void check_overflow(void (*add)(struct writer *writer))
{
	char bytes[5] = "____";
	struct writer writer;

	writer_init(&writer, bytes, 4);
	writer_text(&writer, "ab");
	add(&writer);
	check_written(&writer, "ab", true);
	writer_text(&writer, "c");
	writer_u64(&writer, 1);
	writer_format(&writer, "%d", 1);
	check_written(&writer, "ab", true);
	assert_int_equal(bytes[4], 0);
}

static void overflow_is_sticky(void **state)
{
	(void)state;
	check_overflow(add_text);
	check_overflow(add_bytes);
	check_overflow(add_u64);
	check_overflow(add_format);
}

static void no_room_at_all(void **state)
{
	char bytes[1] = {'_'};
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, 0);
	writer_text(&writer, "");
	check_written(&writer, "", false);
	writer_format(&writer, "%d", 1);
	check_written(&writer, "", true);
	assert_int_equal(bytes[0], '_');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_pieces),
		cmocka_unit_test(fill_to_the_last_byte),
		cmocka_unit_test(overflow_is_sticky),
		cmocka_unit_test(no_room_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
