/* tests/unit/router/bridge_test.c - where messages of Pub/Sub go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/bridge.h"

#define SIZE_MAX_HERE 32

static enum bridge_result read_into(const char *channel, const char *payload,
				    struct bridge_message *message)
{
	memset(message, 7, sizeof(*message));
	return bridge_read(slice_of_text(channel), slice_of_text(payload), SIZE_MAX_HERE, message);
}

/* `expected` NULL: no channel. */
static void check_channel(const char *channel, const char *expected)
{
	struct bridge_message message;
	enum bridge_result result = read_into(channel, "{}", &message);

	assert_int_equal(result, expected ? BRIDGE_OK : BRIDGE_BAD_CHANNEL);
	if (!expected) {
		assert_int_equal(message.channel_size, 7);
		return;
	}
	if (!slice_equal_text(slice_of(message.channel, message.channel_size), expected))
		fail_msg("%s goes to \"%.*s\"", channel, message.channel_size, message.channel);
}

static void channels(void **state)
{
	(void)state;
	check_channel("ws:broadcast", "all");
	check_channel("ws:user:42", "user:42");
	check_channel("ws:user:a:b", "user:a:b");
	check_channel("ws:user:\xC3\xA4", "user:\xC3\xA4");
	check_channel("ws:connection:AAECAwQFBgcICQoLDA0OSJRJ", "conn:AAECAwQFBgcICQoLDA0OSJRJ");
	check_channel("ws:channel:trending", "trending");
	check_channel("ws:channel:feed:42", "feed:42");
	check_channel("ws:channel:all", "all");
	check_channel("ws:channel:ws:user:1", "ws:user:1");
}

static void no_channels(void **state)
{
	(void)state;
	check_channel("", NULL);
	check_channel("ws", NULL);
	check_channel("ws:", NULL);
	check_channel("ws:broadcast:", NULL);
	check_channel("ws:Broadcast", NULL);
	check_channel("ws:user", NULL);
	check_channel("ws:user:", NULL);
	check_channel("ws:connection:", NULL);
	check_channel("ws:channel:", NULL);
	check_channel("user:42", NULL);
	check_channel(" ws:user:42", NULL);
	check_channel("ws:user:4 2", NULL);
	check_channel("ws:user:4,2", NULL);
	check_channel("ws:channel:a\nb", NULL);
	check_channel("ws:channel:\x7f", NULL);
	check_channel("ws:channel:\xC3", NULL);
	check_channel("ws:channel:\xC2\x85", NULL);
	check_channel("ws:other:1", NULL);
}

/* Ours has at most 255 bytes, and has another prefix than the one that was published to. */
static void long_channels(void **state)
{
	static const struct {
		const char *prefix;
		size_t id_size_max;
	} rows[] = {{"ws:user:", 250}, {"ws:connection:", 250}, {"ws:channel:", 255}};
	char channel[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t more = 0; more < 300; more += more ? 40 : 1) {
			size_t prefix_size = strlen(rows[i].prefix);
			size_t size = prefix_size + rows[i].id_size_max + more;
			struct bridge_message message;

			memset(channel, 'i', sizeof(channel));
			memcpy(channel, rows[i].prefix, prefix_size);
			enum bridge_result result =
				bridge_read(slice_of(channel, size), SLICE("{}"), 2, &message);
			assert_int_equal(result, more ? BRIDGE_BAD_CHANNEL : BRIDGE_OK);
			if (!more)
				assert_int_equal(message.channel_size, 255);
		}
	}
}

static void check_payload(const char *payload, enum bridge_result expected)
{
	struct bridge_message message;
	enum bridge_result result = read_into("ws:broadcast", payload, &message);

	if (result != expected)
		fail_msg("%s is dropped: %s", payload, bridge_result_text(result));
	if (result == BRIDGE_OK) {
		assert_ptr_equal(message.payload.bytes, payload);
		assert_int_equal(message.payload.size, strlen(payload));
	}
}

static void payloads(void **state)
{
	(void)state;
	check_payload("{}", BRIDGE_OK);
	check_payload(" {\"type\" : \"x\"}\r\n", BRIDGE_OK);
	check_payload("{\"a\":\"012345678901234567890123\"}", BRIDGE_OK);
	check_payload("{\"a\":\"0123456789012345678901234\"}", BRIDGE_TOO_LARGE);
	check_payload("not JSON, and too large, too: size first", BRIDGE_TOO_LARGE);
	check_payload("", BRIDGE_NOT_JSON);
	check_payload("hello", BRIDGE_NOT_JSON);
	check_payload("{\"a\":1", BRIDGE_NOT_JSON);
	check_payload("{\"a\":1}{}", BRIDGE_NOT_JSON);
	check_payload("{\"a\":\"\xFF\"}", BRIDGE_NOT_JSON);
	check_payload("[{}]", BRIDGE_NOT_OBJECT);
	check_payload("\"{}\"", BRIDGE_NOT_OBJECT);
	check_payload("1", BRIDGE_NOT_OBJECT);
	check_payload("null", BRIDGE_NOT_OBJECT);
}

static void results_have_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BRIDGE_RESULT_COUNT; i++)
		assert_true(strlen(bridge_result_text((enum bridge_result)i)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels),           cmocka_unit_test(no_channels),
		cmocka_unit_test(long_channels),      cmocka_unit_test(payloads),
		cmocka_unit_test(results_have_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
