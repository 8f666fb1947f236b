/* wire/command.c - the client's side of the native protocol. */
#include "wire/command.h"

#include "wire/channel_name.h"
#include "wire/entry.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define TYPING_USER_MAX (CHANNEL_SIZE_MAX - (sizeof("typing:") - 1)) /* it makes a channel */
#define NOTIFICATION_ID_SIZE_MAX 255 /* bytes, as of the field id of an entry */

static bool refuse(struct command *command, const char *code, const char *text)
{
	command->type = COMMAND_BAD;
	command->code = code;
	command->text = text;
	return false;
}

static bool refuse_field(struct command *command, const char *text)
{
	return refuse(command, "bad_field", text);
}

/* A string without escapes is taken from where it stands, another one is decoded. */
static bool read_string(struct command *command, struct json_value value, struct slice *ret_plain)
{
	uint8_t *room = command->decoded + command->decoded_size;
	size_t size;

	if (value.type != JSON_STRING)
		return false;
	if (!memchr(value.text.bytes, '\\', value.text.size)) {
		*ret_plain = slice_of(value.text.bytes + 1, value.text.size - 2);
		return true;
	}
	if (!json_string_decode(value.text, room, sizeof(command->decoded) - command->decoded_size,
				&size))
		return false;
	command->decoded_size += size;
	*ret_plain = slice_of(room, size);
	return true;
}

static bool find_string(struct command *command, struct json_value object, const char *key,
			struct slice *ret_plain)
{
	struct json_value value;

	return json_find(object, key, &value) && read_string(command, value, ret_plain);
}

/* Ids are strings, but a program that counts its rows may send a number: its text is the id. */
static bool find_id(struct command *command, struct json_value object, const char *key,
		    struct slice *ret_plain)
{
	struct json_value value;

	if (!json_find(object, key, &value))
		return false;
	if (value.type != JSON_NUMBER)
		return read_string(command, value, ret_plain);
	*ret_plain = value.text;
	return true;
}

/* The member is there and says something: null is how many programs write "none". */
static bool find_some(struct json_value object, const char *key, struct json_value *ret_value)
{
	return json_find(object, key, ret_value) && ret_value->type != JSON_NULL;
}

static bool read_ack(struct json_value object, struct command *command)
{
	struct slice text;

	if (!find_string(command, object, "event_id", &text) ||
	    !event_id_parse(text, &command->last_event_id))
		return refuse_field(command, "event_id must be an id such as 1769337000000-0");
	return true;
}

static bool read_channel(struct json_value object, struct command *command)
{
	struct slice name;

	if (!find_string(command, object, "channel", &name) || !channel_name_is_valid(name))
		return refuse(command, "bad_channel",
			      "channel must be 1 to 255 bytes without space, comma and control "
			      "characters");
	command->channel = name;
	return true;
}

static bool read_subscribe(struct json_value object, struct command *command)
{
	struct json_value value;
	struct slice text;

	if (!read_channel(object, command))
		return false;
	if (!find_some(object, "last_event_id", &value))
		return true;
	if (!read_string(command, value, &text) || !event_id_parse(text, &command->last_event_id))
		return refuse_field(command, "last_event_id must be an id such as 1769337000000-0");
	command->has_last_event_id = true;
	return true;
}

static bool read_notification_id(struct json_value object, struct command *command)
{
	struct slice id;

	if (!find_id(command, object, "notification_id", &id) || id.size == 0 ||
	    id.size > NOTIFICATION_ID_SIZE_MAX)
		return refuse_field(command, "notification_id must be a string of 1 to 255 bytes");
	command->notification_id = id;
	return true;
}

/* Any JSON, null as well: it is handed on as it is. */
static void read_payload(struct json_value object, struct command *command)
{
	struct json_value value;

	if (json_find(object, "data", &value))
		command->payload = value.text;
}

static bool read_typing(struct json_value object, struct command *command)
{
	struct slice user;

	if (!find_id(command, object, "to", &user) || user.size > TYPING_USER_MAX ||
	    !channel_name_is_valid(user))
		return refuse_field(command, "to must be a user id of 1 to 248 bytes");
	command->to = user;
	read_payload(object, command);
	return true;
}

static bool read_publish(struct json_value object, struct command *command)
{
	struct json_value value;
	struct slice event;

	if (!read_channel(object, command))
		return false;
	read_payload(object, command);
	if (!find_some(object, "event", &value))
		return true;
	if (!read_string(command, value, &event) || !entry_word_is_valid(event))
		return refuse_field(command, "event must be a string of 1 to 128 printable bytes");
	command->event = event;
	return true;
}

static bool read_auth(struct json_value object, struct command *command)
{
	struct slice token;

	if (!find_string(command, object, "token", &token) || token.size == 0)
		return refuse_field(command, "token must be a string");
	command->token = token;
	return true;
}

static const struct {
	struct slice name;
	enum command_type type;
	bool (*read)(struct json_value object, struct command *command); /* NULL: no members */
} kinds[] = {
	{SLICE("ping"), COMMAND_PING, NULL},
	{SLICE("pong"), COMMAND_PONG, NULL},
	{SLICE("ack"), COMMAND_ACK, read_ack},
	{SLICE("subscribe"), COMMAND_SUBSCRIBE, read_subscribe},
	{SLICE("unsubscribe"), COMMAND_UNSUBSCRIBE, read_channel},
	{SLICE("mark_read"), COMMAND_MARK_READ, read_notification_id},
	{SLICE("mark_all_read"), COMMAND_MARK_ALL_READ, NULL},
	{SLICE("delete"), COMMAND_DELETE, read_notification_id},
	{SLICE("typing"), COMMAND_TYPING, read_typing},
	{SLICE("publish"), COMMAND_PUBLISH, read_publish},
	{SLICE("auth"), COMMAND_AUTH, read_auth},
};

static void read_ref(struct json_value object, struct command *command)
{
	struct json_value ref;

	if (json_find(object, "ref", &ref) && ref.text.size <= REF_SIZE_MAX &&
	    (ref.type == JSON_STRING || ref.type == JSON_NUMBER))
		command->ref = ref.text;
}

static void read_object(struct json_value object, struct command *command)
{
	struct json_value type;

	read_ref(object, command);
	if (!json_find(object, "type", &type) || type.type != JSON_STRING) {
		refuse(command, "bad_message", "type must be a string");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!json_string_equal(type.text, kinds[i].name))
			continue;
		if (!kinds[i].read || kinds[i].read(object, command))
			command->type = kinds[i].type;
		return;
	}
	refuse(command, "unknown_type",
	       "type must be ping, pong, ack, subscribe, unsubscribe, mark_read, mark_all_read, "
	       "delete, typing, publish or auth");
}

void command_parse(struct slice message, struct command *ret_command)
{
	memset(ret_command, 0, offsetof(struct command, decoded));
	if (slice_equal(message, SLICE("ping"))) {
		ret_command->type = COMMAND_PING_TEXT;
		return;
	}
	if (slice_equal(message, SLICE("pong"))) {
		ret_command->type = COMMAND_PONG_TEXT;
		return;
	}
	if (!json_is_valid(message)) {
		refuse(ret_command, "bad_json", "a message must be ping, pong or a JSON object");
		return;
	}
	struct json_value object = json_read(message);
	if (object.type != JSON_OBJECT) {
		refuse(ret_command, "bad_message", "a message must be a JSON object");
		return;
	}
	read_object(object, ret_command);
}
