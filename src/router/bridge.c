/* router/bridge.c - names and checks of what comes over Pub/Sub. */
#include "router/bridge.h"

#include "base/assert.h"
#include "base/writer.h"
#include "wire/channel_name.h"
#include "wire/json.h"

/* The names with an id behind them, and what stands before that id in a channel of ours. */
static const struct {
	const char *prefix;
	const char *ours;
} forms[] = {
	{"ws:user:", "user:"},
	{"ws:connection:", "conn:"},
	{"ws:channel:", ""},
};

static void write_channel(struct slice channel, struct writer *writer)
{
	if (slice_equal_text(channel, "ws:broadcast")) {
		writer_text(writer, "all");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		struct slice prefix = slice_of_text(forms[i].prefix);

		if (!slice_starts_with(channel, prefix) || channel.size == prefix.size)
			continue;
		writer_text(writer, forms[i].ours);
		writer_slice(writer, slice_skip(channel, prefix.size));
	}
}

enum bridge_result bridge_read(struct slice channel, struct slice payload, size_t size_max,
			       struct bridge_message *ret_message)
{
	struct bridge_message message = {.payload = payload};
	struct writer writer;

	writer_init(&writer, message.channel, sizeof(message.channel));
	write_channel(channel, &writer);
	if (writer.overflow || !channel_name_is_valid(writer_written(&writer)))
		return BRIDGE_BAD_CHANNEL;
	message.channel_size = (uint8_t)writer.size;
	if (payload.size > size_max)
		return BRIDGE_TOO_LARGE;
	if (!json_is_valid(payload))
		return BRIDGE_NOT_JSON;
	if (json_read(payload).type != JSON_OBJECT)
		return BRIDGE_NOT_OBJECT;
	*ret_message = message;
	return BRIDGE_OK;
}

const char *bridge_result_text(enum bridge_result result)
{
	static const char *const texts[] = {
#define X(name, text) text,
		BRIDGE_RESULT_TABLE(X)
#undef X
	};

	ASSERT(result < BRIDGE_RESULT_COUNT);
	return texts[result];
}
