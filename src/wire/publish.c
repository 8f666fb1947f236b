/* wire/publish.c - publish objects as fields. */
#include "wire/publish.h"

#define TEXT_MANY "the object has too many channels or members"
#define TEXT_TO "to must be a channel or an array of channels"

/* Members that are strings, and what to say when they are not. */
static const struct {
	struct slice name;
	const char *error;
} members[] = {
	{SLICE("type"), "type must be a string"},
	{SLICE("event"), "event must be a string"},
	{SLICE("id"), "id must be a string"},
	{SLICE("key"), "key must be a string"},
	{SLICE("ts"), "ts must be a string"},
	{SLICE("traceparent"), "traceparent must be a string"},
	{SLICE("ttl"), "ttl must be a whole number of seconds"},
};

static bool add_field(struct publish *publish, struct slice name, struct slice value)
{
	if (publish->fields_count >= publish->fields_max)
		return false;
	publish->fields[publish->fields_count++] = (struct entry_field){name, value};
	return true;
}

/* A string without escapes is taken from where it stands, another one is decoded. */
static bool read_string(struct publish *publish, struct slice text, struct slice *ret_plain)
{
	uint8_t *room = publish->scratch + publish->scratch_size;
	size_t size;

	if (!memchr(text.bytes, '\\', text.size)) {
		*ret_plain = slice_of(text.bytes + 1, text.size - 2);
		return true;
	}
	if (!json_string_decode(text, room, publish->scratch_capacity - publish->scratch_size,
				&size))
		return false;
	publish->scratch_size += size;
	*ret_plain = slice_of(room, size);
	return true;
}

static const char *add_string(struct publish *publish, struct slice name, struct json_value value,
			      const char *error)
{
	struct slice plain;

	if (value.type != JSON_STRING || !read_string(publish, value.text, &plain))
		return error;
	return add_field(publish, name, plain) ? NULL : TEXT_MANY;
}

static const char *add_channels(struct publish *publish, struct json_value value)
{
	struct json_walk walk;
	struct json_value element;
	uint32_t before = publish->fields_count;

	if (value.type != JSON_ARRAY)
		return add_string(publish, SLICE("to"), value, TEXT_TO);
	json_walk_init(&walk, value);
	while (json_walk_element(&walk, &element)) {
		const char *error = add_string(publish, SLICE("to"), element, TEXT_TO);

		if (error)
			return error;
	}
	return publish->fields_count > before ? NULL : TEXT_TO;
}

static const char *add_member(struct publish *publish, struct slice key, struct json_value value)
{
	if (json_string_equal(key, SLICE("to")))
		return add_channels(publish, value);
	if (json_string_equal(key, SLICE("data")))
		return add_field(publish, SLICE("data"), value.text) ? NULL : TEXT_MANY;
	/* Its text is what the log would hold; whether it is whole is for entry_parse() to say. */
	if (json_string_equal(key, SLICE("ttl")) && value.type == JSON_NUMBER)
		return add_field(publish, SLICE("ttl"), value.text) ? NULL : TEXT_MANY;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_string_equal(key, members[i].name))
			return add_string(publish, members[i].name, value, members[i].error);
	return NULL;
}

const char *publish_parse(struct json_value object, struct publish *publish)
{
	struct json_walk walk;
	struct json_value value;
	struct slice key;

	if (object.type != JSON_OBJECT)
		return "what is published must be an object";
	json_walk_init(&walk, object);
	while (json_walk_member(&walk, &key, &value)) {
		const char *error = add_member(publish, key, value);

		if (error)
			return error;
	}
	return NULL;
}
