/* wire/socket_io_event.c - events and the messages that they stand for. */
#include "wire/socket_io_event.h"

#include "belfry/limits.h"

/* An argument that is no object is the member `key`. With `keys` only the first of them that an
 * object has is handed on; without, all that it has. */
static const struct event_row {
	struct slice event;
	const char *type;
	const char *key;
	const char *keys[3];
} rows[] = {
	{SLICE("join"), "subscribe", "channel", {"channel", "room", "userId"}},
	{SLICE("subscribe"), "subscribe", "channel", {NULL}},
	{SLICE("leave"), "unsubscribe", "channel", {"channel", "room", "userId"}},
	{SLICE("unsubscribe"), "unsubscribe", "channel", {NULL}},
	{SLICE("mark:read"),
	 "mark_read",
	 "notification_id",
	 {"notificationId", "id", "notification_id"}},
	{SLICE("mark:all:read"), "mark_all_read", NULL, {NULL}},
	{SLICE("notification:delete"),
	 "delete",
	 "notification_id",
	 {"id", "notificationId", "notification_id"}},
	{SLICE("typing"), "typing", "to", {NULL}},
	{SLICE("publish"), "publish", "channel", {NULL}},
	{SLICE("ack"), "ack", "event_id", {NULL}},
	{SLICE("auth"), "auth", "token", {NULL}},
};

static const struct event_row *find_row(struct json_value event)
{
	if (event.type != JSON_STRING)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (json_string_equal(event.text, rows[i].event))
			return &rows[i];
	return NULL;
}

/* What the event is about: its argument, or the member of it that has one of the row's names. */
static bool find_subject(const struct event_row *row, struct json_value argument,
			 struct json_value *ret_value)
{
	if (argument.type != JSON_OBJECT) {
		*ret_value = argument;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(row->keys) && row->keys[i]; i++)
		if (json_find(argument, row->keys[i], ret_value))
			return true;
	return false;
}

static void write_member(struct writer *writer, const char *key, struct json_value value)
{
	writer_text(writer, ",\"");
	writer_text(writer, key);
	writer_text(writer, "\":");
	/* Programs that count their users and rows send numbers; names of channels are strings. */
	bool is_named = value.type == JSON_NUMBER;

	writer_text(writer, is_named ? "\"" : "");
	writer_slice(writer, value.text);
	writer_text(writer, is_named ? "\"" : "");
}

/* All members of the object, behind ours, which count because they come first. */
static void write_members(struct writer *writer, struct json_value object)
{
	struct slice inside = slice_of(object.text.bytes + 1, object.text.size - 2);
	struct json_walk walk;
	struct json_value value;
	struct slice key;

	json_walk_init(&walk, object);
	if (!json_walk_member(&walk, &key, &value))
		return;
	writer_text(writer, ",");
	writer_slice(writer, inside);
}

static void write_argument(struct writer *writer, const struct event_row *row,
			   struct json_value argument)
{
	struct json_value subject;

	if (argument.type == JSON_OBJECT && !row->keys[0])
		write_members(writer, argument);
	else if (find_subject(row, argument, &subject))
		write_member(writer, row->key, subject);
}

static bool means_user(struct json_value value, struct slice user)
{
	if (value.type == JSON_NUMBER)
		return slice_equal(value.text, user);
	return value.type == JSON_STRING && json_string_equal(value.text, user);
}

/* The room as the seed's servers name it, `42` or `user:42`; without an argument, one's own. */
static bool is_own_room(const struct event_row *row, const struct socket_io_packet *packet,
			struct slice user)
{
	struct json_value argument;
	struct json_value room;

	if (!slice_equal_text(row->event, "join"))
		return false;
	return !socket_io_argument(packet, 0, &argument) || argument.type == JSON_NULL ||
	       (find_subject(row, argument, &room) && means_user(room, user));
}

/* Always, so that a member of the argument is never taken for it. */
static void write_ref(struct writer *writer, const struct socket_io_packet *packet)
{
	writer_text(writer, ",\"ref\":");
	if (packet->has_ack_id)
		writer_u64(writer, packet->ack_id);
	else
		writer_text(writer, "null");
}

size_t socket_io_event_command_size(const struct socket_io_packet *packet)
{
	return packet->payload.size + 128;
}

enum socket_io_meaning socket_io_event_read(const struct socket_io_packet *packet,
					    struct slice user, struct writer *writer)
{
	const struct event_row *row = find_row(packet->event);
	struct json_value argument;

	if (!row)
		return SOCKET_IO_UNKNOWN;
	if (is_own_room(row, packet, user))
		return SOCKET_IO_OWN_ROOM;
	writer_text(writer, "{\"type\":\"");
	writer_text(writer, row->type);
	writer_text(writer, "\"");
	write_ref(writer, packet);
	if (row->key && socket_io_argument(packet, 0, &argument))
		write_argument(writer, row, argument);
	writer_text(writer, "}");
	return SOCKET_IO_COMMAND;
}
