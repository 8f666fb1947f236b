/* router/inbox.c - folding state entries into marks. */
#include "router/inbox.h"

#include <stdio.h>

#include "router/fold.h"
#include "router/needs.h"
#include "router/router_state.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define ID_SIZE_MAX 255
#define COUNT_TEXT_MAX (128 + 2 * CHANNEL_SIZE_MAX)

enum inbox_type inbox_type_of(struct slice type)
{
	if (slice_equal(type, SLICE("notification_read")))
		return INBOX_READ;
	if (slice_equal(type, SLICE("notification_deleted")))
		return INBOX_DELETED;
	return slice_equal(type, SLICE("unread_count")) ? INBOX_COUNT : INBOX_MESSAGE;
}

static uint64_t hash_in(const struct router *router, uint64_t channel, char kind, struct slice text)
{
	uint8_t bytes[sizeof(channel) + 1 + ID_SIZE_MAX];

	ASSERT(text.size <= ID_SIZE_MAX);
	memcpy(bytes, &channel, sizeof(channel));
	bytes[sizeof(channel)] = (uint8_t)kind;
	if (text.size > 0)
		memcpy(bytes + sizeof(channel) + 1, text.bytes, text.size);
	uint64_t hash = router_hash(router, slice_of(bytes, sizeof(channel) + 1 + text.size));

	return hash ? hash : 1;
}

uint64_t inbox_id_hash(const struct router *router, uint64_t channel, struct slice id)
{
	return hash_in(router, channel, 'i', id);
}

uint64_t inbox_key_hash(const struct router *router, uint64_t channel, struct slice key)
{
	return hash_in(router, channel, 'k', key);
}

/* Record of the channel that a notification id means; 0: none that is kept. */
static uint64_t find(const struct router *router, const struct history *history, uint64_t channel,
		     struct slice id)
{
	struct event_id event;
	uint64_t number = 0;

	if (id.size > 0 && id.size <= ID_SIZE_MAX)
		number = history_find(history, channel, inbox_id_hash(router, channel, id));
	if (number == 0 && event_id_parse(id, &event))
		number = history_find_event(history, channel, event);
	return number;
}

bool inbox_may_have(const struct router *router, struct slice name, struct slice id)
{
	uint64_t channel = router_hash(router, name);

	return !router->is_loaded || !needs_has(router, name) || !fold_is_inbox(router, name) ||
	       history_has_base(router->history, channel) ||
	       find(router, router->history, channel, id) != 0;
}

/* The text of a string, or the digits of a number. */
static bool read_id(struct json_value object, const char *key, uint8_t room[ID_SIZE_MAX],
		    struct slice *ret_id)
{
	struct json_value value;
	size_t size;

	if (!json_find(object, key, &value))
		return false;
	if (value.type == JSON_NUMBER) {
		*ret_id = value.text;
		return value.text.size <= ID_SIZE_MAX;
	}
	if (value.type != JSON_STRING || !json_string_decode(value.text, room, ID_SIZE_MAX, &size))
		return false;
	*ret_id = slice_of(room, size);
	return true;
}

static bool mark_one(const struct inbox *inbox, struct json_value data, enum history_mark mark)
{
	uint32_t before = history_unread(inbox->history, inbox->channel, 0);
	uint8_t room[ID_SIZE_MAX];
	struct slice id;

	if (!read_id(data, "id", room, &id))
		return false;
	uint64_t number = find(inbox->router, inbox->history, inbox->channel, id);

	if (number != 0)
		history_set_mark(inbox->history, number, mark);
	return history_unread(inbox->history, inbox->channel, 0) != before;
}

static bool mark_read(const struct inbox *inbox, struct json_value data)
{
	struct event_id last = inbox->last;
	uint8_t room[ID_SIZE_MAX];
	struct json_value all;
	struct slice text;

	if (!json_find(data, "all", &all) || all.type != JSON_TRUE)
		return mark_one(inbox, data, HISTORY_READ);
	if (read_id(data, "last", room, &text) && !event_id_parse(text, &last))
		return false;
	return history_read_all(inbox->history, inbox->channel, last) > 0;
}

static bool set_count(const struct inbox *inbox, struct json_value data)
{
	struct json_value value;
	int64_t count;

	if (!json_find(data, "count", &value) || !json_number_to_i64(value, &count) || count < 0)
		return false;
	history_set_base(inbox->history, inbox->channel,
			 count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
	return false; /* the entry itself tells it */
}

bool inbox_apply(const struct inbox *inbox, const struct entry *entry)
{
	struct json_value data = json_read(entry->data);

	if (data.type != JSON_OBJECT)
		return false;
	switch (inbox_type_of(entry->type)) {
	case INBOX_READ:
		return mark_read(inbox, data);
	case INBOX_DELETED:
		return mark_one(inbox, data, HISTORY_DELETED);
	case INBOX_COUNT:
		return set_count(inbox, data);
	case INBOX_MESSAGE:
		return false;
	}
	return false;
}

void inbox_tell_count(struct router *router, struct slice name, uint32_t reserve)
{
	uint64_t channel = router_hash(router, name);
	uint8_t bytes[COUNT_TEXT_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	writer_text(&writer, "{\"type\":\"unread_count\",\"channel\":");
	json_write_string(&writer, name);
	writer_format(&writer, ",\"data\":{\"count\":%u}}",
		      history_unread(router->history, channel, router->unix_ms));
	ASSERT(!writer.overflow);
	/* On a full lane it stays unsaid: the next change says it, and so does `connected`. */
	if (!fanout_ephemeral(router, name, writer_written(&writer), reserve))
		counter_add(&router->counters->lane_full, 1);
}
