/* tests/unit/wire/envelope_test.c - what clients receive, letter by letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/envelope.h"
#include "wire/json.h"

static uint8_t bytes[8192];

static const struct event_id id = {1769337000000, 0};

static struct writer begin(void)
{
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	return writer;
}

static void check_written(const struct writer *writer, const char *expected)
{
	assert_false(writer->overflow);
	if (!slice_equal_text(writer_written(writer), expected))
		fail_msg("%.*s is not %s", (int)writer->size, (const char *)writer->bytes,
			 expected);
	assert_true(json_is_valid(writer_written(writer)));
}

/* head + channel + tail */
static void check_notification(const struct entry *entry, const char *channel, const char *expected)
{
	struct writer writer = begin();

	envelope_write_head(&writer, entry, id);
	json_write_string(&writer, slice_of_text(channel));
	envelope_write_tail(&writer, entry, id);
	check_written(&writer, expected);
	assert_true(writer.size <= envelope_size_max(entry) + strlen(channel) + 2);
}

static void notification_is_written(void **state)
{
	struct entry entry = {.type = SLICE("notification"),
			      .data = SLICE("{\"code\":\"123456\"}")};

	(void)state;
	check_notification(&entry, "user:42",
			   "{\"type\":\"notification\",\"event_id\":\"1769337000000-0\","
			   "\"channel\":\"user:42\",\"timestamp\":\"2026-01-25T10:30:00.000Z\","
			   "\"data\":{\"code\":\"123456\"}}");
	entry.event = SLICE("sms.received");
	entry.id = SLICE("notif_123");
	check_notification(&entry, "user:42",
			   "{\"type\":\"notification\",\"event\":\"sms.received\","
			   "\"event_id\":\"1769337000000-0\",\"channel\":\"user:42\","
			   "\"timestamp\":\"2026-01-25T10:30:00.000Z\",\"id\":\"notif_123\","
			   "\"data\":{\"code\":\"123456\"}}");
	entry.ts = SLICE("2026-01-25T11:29:59+01:00");
	entry.key = SLICE("k\"\x01");
	entry.traceparent = SLICE("00-aa-bb-01");
	entry.data = SLICE(" [ 1.0 , \"\\u0061\" ]\n");
	check_notification(&entry, "a\"b",
			   "{\"type\":\"notification\",\"event\":\"sms.received\","
			   "\"event_id\":\"1769337000000-0\",\"channel\":\"a\\\"b\","
			   "\"timestamp\":\"2026-01-25T11:29:59+01:00\",\"id\":\"notif_123\","
			   "\"key\":\"k\\\"\\u0001\",\"trace\":\"00-aa-bb-01\","
			   "\"data\": [ 1.0 , \"\\u0061\" ]\n}");
}

/* The longest that each part can be; the memory is of exactly the size foretold. */
static void size_max_is_enough(void **state)
{
	static const uint8_t control[255];
	const struct slice worst = {control, sizeof(control)};
	const struct entry entry = {
		.type = worst, .event = worst, .id = worst, .key = worst, .data = SLICE("1")};
	struct writer writer;

	(void)state;
	assert_true(envelope_size_max(&entry) <= sizeof(bytes));
	writer_init(&writer, bytes, envelope_size_max(&entry));
	envelope_write_head(&writer, &entry, (struct event_id){UINT64_MAX, UINT64_MAX});
	envelope_write_tail(&writer, &entry, (struct event_id){UINT64_MAX, UINT64_MAX});
	assert_false(writer.overflow);
	assert_true(writer.size + 256 > envelope_size_max(&entry));
}

static void connected_is_written(void **state)
{
	struct envelope_connected connected = {.user = SLICE("4\"2"),
					       .connection_id = SLICE("abc"),
					       .last_event_id = {1769337000000, 3},
					       .now_ms = 1769337000123,
					       .heartbeat_interval_s = 30,
					       .recovered = true,
					       .replayed = 3,
					       .has_unread = true,
					       .unread = 5,
					       .epoch = 0x1f0};
	struct writer writer = begin();

	(void)state;
	envelope_write_connected(&writer, &connected);
	check_written(&writer,
		      "{\"type\":\"connected\",\"message\":\"WebSocket connected successfully\","
		      "\"user_id\":\"4\\\"2\",\"connection_id\":\"abc\","
		      "\"timestamp\":\"2026-01-25T10:30:00.123Z\","
		      "\"last_event_id\":\"1769337000000-3\",\"recovered\":true,\"replayed\":3,"
		      "\"unread\":5,\"epoch\":\"00000000000001f0\",\"heartbeat_interval\":30}");
	writer = begin();
	connected = (struct envelope_connected){.user = SLICE(""), .connection_id = SLICE("")};
	envelope_write_connected(&writer, &connected);
	check_written(&writer,
		      "{\"type\":\"connected\",\"message\":\"WebSocket connected successfully\","
		      "\"user_id\":\"\",\"connection_id\":\"\","
		      "\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"last_event_id\":\"0-0\","
		      "\"recovered\":false,\"replayed\":0,\"epoch\":\"0000000000000000\","
		      "\"heartbeat_interval\":0}");
}

static void check_answers(struct slice ref, const char *ref_member)
{
	char expected[256];
	struct writer writer = begin();

	envelope_write_pong(&writer, 0, ref);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"pong\",\"timestamp\":\"1970-01-01T00:00:00.000Z\"%s}", ref_member);
	check_written(&writer, expected);
	writer = begin();
	envelope_write_ack(&writer, ref);
	snprintf(expected, sizeof(expected), "{\"type\":\"ack\"%s}", ref_member);
	check_written(&writer, expected);
	writer = begin();
	envelope_write_channel(&writer, "unsubscribed", SLICE("f\\1"), ref);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"unsubscribed\",\"channel\":\"f\\\\1\"%s}", ref_member);
	check_written(&writer, expected);
	writer = begin();
	envelope_write_subscribed(&writer, SLICE("f\\1"), NULL, ref);
	snprintf(expected, sizeof(expected), "{\"type\":\"subscribed\",\"channel\":\"f\\\\1\"%s}",
		 ref_member);
	check_written(&writer, expected);
	writer = begin();
	envelope_write_subscribed(&writer, SLICE("f"), &(struct envelope_replay){true, 17}, ref);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"subscribed\",\"channel\":\"f\",\"recovered\":true,\"replayed\":17%s}",
		 ref_member);
	check_written(&writer, expected);
	writer = begin();
	envelope_write_error(&writer, "bad_field", "say \"this\"", ref);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"error\",\"code\":\"bad_field\",\"message\":\"say \\\"this\\\"\"%s}",
		 ref_member);
	check_written(&writer, expected);
}

static void answers_carry_the_ref(void **state)
{
	(void)state;
	check_answers((struct slice){NULL, 0}, "");
	check_answers(SLICE("7"), ",\"ref\":7");
	check_answers(SLICE("\"r\\u0031\""), ",\"ref\":\"r\\u0031\"");
}

static void going_away_is_written(void **state)
{
	struct writer writer = begin();

	(void)state;
	envelope_write_going_away(&writer, 1500);
	check_written(&writer, "{\"type\":\"going_away\",\"reconnect_in_ms\":1500}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notification_is_written), cmocka_unit_test(size_max_is_enough),
		cmocka_unit_test(connected_is_written),    cmocka_unit_test(answers_carry_the_ref),
		cmocka_unit_test(going_away_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
