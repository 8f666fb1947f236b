/* tests/unit/shard/poll_answer_test.c - what is in an answer, what is not, and the position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "shard/poll_answer.h"
#include "wire/sse.h"

/* An event with data {"n":<n>}; sequence 0: it has no id. */
static void add(struct outbox **outbox, uint64_t sequence, uint32_t n)
{
	uint8_t bytes[256], data[64];
	struct writer writer, text;

	writer_init(&text, data, sizeof(data));
	writer_format(&text, "{\"n\":%u}", n);
	struct sse_event event = {
		.id = {sequence ? 5 : 0, sequence},
		.type = SLICE("t"),
		.parts = {writer_written(&text)},
	};

	writer_init(&writer, bytes, sizeof(bytes));
	sse_write_event(&writer, &event);
	assert_int_equal(outbox_append(outbox, writer_written(&writer), SIZE_MAX), STATUS_OK);
}

static void check(struct outbox *outbox, const struct poll_answer *answer, const char *expected)
{
	static uint8_t bytes[1 << 20];
	size_t size = poll_answer_size_max(outbox);
	struct writer writer;

	assert_true(size <= sizeof(bytes));
	writer_init(&writer, bytes, size);
	poll_answer_write(&writer, answer, &outbox);
	assert_false(writer.overflow);
	assert_null(outbox);
	bytes[writer.size] = 0;
	assert_string_equal((char *)bytes, expected);
}

#define END ",\"recovered\":true,\"epoch\":\"000000000000000a\"}"

static struct poll_answer answer_at(uint64_t sequence, uint32_t limit)
{
	return (struct poll_answer){.limit = limit,
				    .position = {sequence ? 5 : 0, sequence},
				    .is_recovered = true,
				    .epoch = 10};
}

static void nothing(void **state)
{
	struct poll_answer answer = answer_at(9, 3);

	(void)state;
	check(NULL, &answer, "{\"events\":[],\"last_event_id\":\"5-9\"" END);
	answer.position = (struct event_id){0, 0};
	check(NULL, &answer, "{\"events\":[],\"last_event_id\":null" END);
	answer.has_unread = true;
	answer.unread = 7;
	answer.is_recovered = false;
	check(NULL, &answer,
	      "{\"events\":[],\"last_event_id\":null,\"recovered\":false,\"unread\":7,"
	      "\"epoch\":\"000000000000000a\"}");
}

/* Events 1..count, each with its number as sequence. */
static struct outbox *events(uint32_t count)
{
	struct outbox *outbox = NULL;

	for (uint32_t i = 1; i <= count; i++)
		add(&outbox, i, i);
	return outbox;
}

static void positions(void **state)
{
	struct poll_answer live = answer_at(9, 3), behind = answer_at(1, 3), none = answer_at(0, 3);

	(void)state;
	check(events(1), &live, "{\"events\":[{\"n\":1}],\"last_event_id\":\"5-9\"" END);
	check(events(2), &behind,
	      "{\"events\":[{\"n\":1},{\"n\":2}],\"last_event_id\":\"5-2\"" END);
	check(events(2), &none, "{\"events\":[{\"n\":1},{\"n\":2}],\"last_event_id\":\"5-2\"" END);
}

static void limits(void **state)
{
	struct poll_answer live = answer_at(9, 2);
	struct outbox *outbox = events(3);

	(void)state;
	check(events(2), &live, "{\"events\":[{\"n\":1},{\"n\":2}],\"last_event_id\":\"5-9\"" END);
	check(outbox, &live, "{\"events\":[{\"n\":1},{\"n\":2}],\"last_event_id\":\"5-2\"" END);
	/* Something that is in no log and over the limit is not there to come back to. */
	outbox = events(2);
	add(&outbox, 0, 8);
	check(outbox, &live, "{\"events\":[{\"n\":1},{\"n\":2}],\"last_event_id\":\"5-9\"" END);
	outbox = NULL;
	add(&outbox, 0, 7);
	add(&outbox, 0, 8);
	add(&outbox, 4, 4);
	add(&outbox, 5, 5);
	check(outbox, &live, "{\"events\":[{\"n\":7},{\"n\":8}],\"last_event_id\":\"5-3\"" END);
}

static void many_chunks(void **state)
{
	static char expected[1 << 20];
	struct poll_answer answer = answer_at(1, 100000);
	size_t size = (size_t)snprintf(expected, sizeof(expected), "{\"events\":[");

	(void)state;
	for (int i = 1; i <= 20000; i++)
		size += (size_t)snprintf(expected + size, sizeof(expected) - size, "%s{\"n\":%d}",
					 i > 1 ? "," : "", i);
	snprintf(expected + size, sizeof(expected) - size, "],\"last_event_id\":\"5-20000\"" END);
	check(events(20000), &answer, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(positions),
		cmocka_unit_test(limits),
		cmocka_unit_test(many_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
