/* tests/unit/wire/sse_test.c - what is written, and what a plain reader makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_source.h"
#include "wire/sse.h"

static const struct event_id id = {1769337000000, 7};

static struct sse_event event_of(struct slice type, struct slice data)
{
	return (struct sse_event){.id = id, .type = type, .parts = {data}};
}

/* The reader's word on `stream`, cut after `cut` bytes. */
static void check_read(struct slice stream, size_t cut, const char *expected)
{
	static struct event_source source;
	uint8_t text[512];
	struct writer told;

	writer_init(&told, text, sizeof(text));
	event_source_init(&source, &told);
	event_source_feed(&source, slice_of(stream.bytes, cut));
	event_source_feed(&source, slice_skip(stream, cut));
	assert_false(told.overflow);
	assert_true(slice_equal_text(writer_written(&told), expected));
}

static void check_event(const struct sse_event *event, const char *bytes, const char *read)
{
	uint8_t room[512];
	struct writer writer;
	size_t size = sse_event_size(event);

	assert_int_equal(size, strlen(bytes));
	writer_init(&writer, room, size);
	sse_write_event(&writer, event);
	assert_false(writer.overflow);
	assert_true(slice_equal_text(writer_written(&writer), bytes));
	for (size_t cut = 0; cut <= size; cut++)
		check_read(writer_written(&writer), cut, read);
	writer_init(&writer, room, size - 1);
	sse_write_event(&writer, event);
	assert_true(writer.overflow);
}

/* What was written is cut off again, and only when all of it is there. */
static void check_cut(const struct sse_event *event, const char *data)
{
	uint8_t room[512], text[512];
	struct writer writer, told;
	struct sse_cut cut;

	writer_init(&writer, room, sizeof(room));
	sse_write_event(&writer, event);
	size_t size = writer.size;

	for (size_t part = 0; part < size; part++) {
		struct slice bytes = slice_of(room, part);

		assert_false(sse_cut_event(&bytes, &cut));
		assert_int_equal(bytes.size, part);
	}
	sse_write_event(&writer, event);
	struct slice rest = writer_written(&writer);

	for (int count = 0; count < 2; count++) {
		assert_true(sse_cut_event(&rest, &cut));
		assert_true(event_id_equal(cut.id, event->id));
		writer_init(&told, text, cut.data.size);
		sse_write_data(&told, &cut);
		assert_false(told.overflow);
		assert_true(slice_equal_text(writer_written(&told), data));
	}
	assert_int_equal(rest.size, 0);
}

static void check(struct slice type, struct slice data, const char *bytes, const char *read)
{
	struct sse_event event = event_of(type, data);

	check_event(&event, bytes, read);
}

static void one_line(void **state)
{
	(void)state;
	check(SLICE("notification"), SLICE("{\"id\":\"n1\"}"),
	      "id: 1769337000000-7\nevent: notification\ndata: {\"id\":\"n1\"}\n\n",
	      "[1769337000000-7|notification|{\"id\":\"n1\"}]");
	check((struct slice){NULL, 0}, SLICE("x"), "id: 1769337000000-7\ndata: x\n\n",
	      "[1769337000000-7|message|x]");
	check(SLICE(""), SLICE("x"), "id: 1769337000000-7\ndata: x\n\n",
	      "[1769337000000-7|message|x]");
	check(SLICE("a"), SLICE(" x "), "id: 1769337000000-7\nevent: a\ndata:  x \n\n",
	      "[1769337000000-7|a| x ]");
	check(SLICE(" a: b"), SLICE(": x"), "id: 1769337000000-7\nevent:  a: b\ndata: : x\n\n",
	      "[1769337000000-7| a: b|: x]");
}

/* CR, LF and CRLF each end one line; the reader puts an LF in their place. */
static void line_breaks(void **state)
{
	(void)state;
	check(SLICE("a"), SLICE("1\n2"), "id: 1769337000000-7\nevent: a\ndata: 1\ndata: 2\n\n",
	      "[1769337000000-7|a|1\n2]");
	check(SLICE("a"), SLICE("1\r2"), "id: 1769337000000-7\nevent: a\ndata: 1\ndata: 2\n\n",
	      "[1769337000000-7|a|1\n2]");
	check(SLICE("a"), SLICE("1\r\n2"), "id: 1769337000000-7\nevent: a\ndata: 1\ndata: 2\n\n",
	      "[1769337000000-7|a|1\n2]");
	check(SLICE("a"), SLICE("1\n\r2\n\n"),
	      "id: 1769337000000-7\nevent: a\ndata: 1\ndata: \ndata: 2\ndata: \ndata: \n\n",
	      "[1769337000000-7|a|1\n\n2\n\n]");
	check(SLICE("a"), SLICE("\r\n\r\r\nid: 9"),
	      "id: 1769337000000-7\nevent: a\ndata: \ndata: \ndata: \ndata: id: 9\n\n",
	      "[1769337000000-7|a|\n\n\nid: 9]");
}

static void parts(void **state)
{
	struct sse_event event = {.type = SLICE("t"), .parts = {SLICE("{\r"), SLICE("\n1"), {0}}};

	(void)state;
	check_event(&event, "event: t\ndata: {\ndata: 1\n\n", "[|t|{\n1]");
	event.parts[2] = SLICE("\r\n}");
	check_event(&event, "event: t\ndata: {\ndata: 1\ndata: }\n\n", "[|t|{\n1\n}]");
	event.parts[1] = (struct slice){NULL, 0};
	event.parts[2] = SLICE("\n}");
	check_event(&event, "event: t\ndata: {\ndata: }\n\n", "[|t|{\n}]");
}

static void flat(void **state)
{
	struct sse_event event = event_of(SLICE("a"), SLICE("[\r\n1,\n\r2]"));
	size_t size = sse_event_size(&event);

	(void)state;
	assert_int_equal(sse_event_fit(&event, size), size);
	assert_false(event.is_flat);
	assert_int_equal(sse_event_fit(&event, size - 1), size - 3 * 6);
	assert_true(event.is_flat);
	check_event(&event, "id: 1769337000000-7\nevent: a\ndata: [ 1,  2]\n\n",
		    "[1769337000000-7|a|[ 1,  2]]");
}

static void odd_types(void **state)
{
	(void)state;
	check(SLICE("a\nid: 9\r\n\ndata: b"), SLICE("x"),
	      "id: 1769337000000-7\nevent: a_id: 9___data: b\ndata: x\n\n",
	      "[1769337000000-7|a_id: 9___data: b|x]");
	check(SLICE("\x01\x7F\xC3\xBC"), SLICE("x"),
	      "id: 1769337000000-7\nevent: __\xC3\xBC\ndata: x\n\n",
	      "[1769337000000-7|__\xC3\xBC|x]");
}

static void ids(void **state)
{
	struct sse_event event = {.id = {UINT64_MAX, UINT64_MAX}, .parts = {SLICE("1")}};

	(void)state;
	check_event(&event, "id: 18446744073709551615-18446744073709551615\ndata: 1\n\n",
		    "[18446744073709551615-18446744073709551615|message|1]");
	event.id = (struct event_id){0, 1};
	check_event(&event, "id: 0-1\ndata: 1\n\n", "[0-1|message|1]");
	event.id = (struct event_id){0, 0};
	check_event(&event, "data: 1\n\n", "[|message|1]");
}

static void retry_and_comments(void **state)
{
	uint8_t room[128];
	struct writer writer;

	(void)state;
	writer_init(&writer, room, sizeof(room));
	sse_write_retry(&writer, 3000);
	sse_write_comment(&writer, "hb\ndata: 1");
	sse_write_retry(&writer, UINT32_MAX);
	assert_true(slice_equal_text(writer_written(&writer), "retry: 3000\n\n: hb_data: 1\n\n"
							      "retry: 4294967295\n\n"));
	for (size_t cut = 0; cut <= writer.size; cut++)
		check_read(writer_written(&writer), cut, "(3000)(4294967295)");
}

static void cuts(void **state)
{
	struct sse_event event = {.id = id, .type = SLICE("t"), .parts = {SLICE("{}")}};

	(void)state;
	check_cut(&event, "{}");
	event.parts[0] = SLICE("");
	check_cut(&event, "");
	event.id = (struct event_id){0, 0};
	event.type = (struct slice){NULL, 0};
	event.parts[0] = SLICE("id: 9\r\n\ndata: 1\r");
	check_cut(&event, "id: 9\n\ndata: 1\n");
	event.type = SLICE("data: \nid: 1");
	check_cut(&event, "id: 9\n\ndata: 1\n");
	event.parts[0] = SLICE("\n\n");
	event.parts[2] = SLICE("\n: x");
	check_cut(&event, "\n\n\n: x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(line_breaks),
		cmocka_unit_test(parts),
		cmocka_unit_test(odd_types),
		cmocka_unit_test(flat),
		cmocka_unit_test(ids),
		cmocka_unit_test(retry_and_comments),
		cmocka_unit_test(cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
