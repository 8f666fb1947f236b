/* log/redis_entry.c - walks over the flat list of a reply. */
#include "log/redis_entry.h"

#include <stdlib.h>

#include "base/assert.h"

bool redis_entry_id(struct slice text, struct event_id *ret_id)
{
	struct slice ms = slice_cut(&text, '-');
	struct event_id id;

	if (!slice_to_u64(ms, &id.ms) || !slice_to_u64(text, &id.sequence))
		return false;
	*ret_id = id;
	return true;
}

enum status redis_entry_init(struct redis_entry_reader *reader)
{
	*reader = (struct redis_entry_reader){.reply = NULL};
	reader->fields = malloc(ENTRY_FIELDS_MAX * sizeof(*reader->fields));
	return reader->fields ? STATUS_OK : STATUS_NO_MEMORY;
}

void redis_entry_deinit(struct redis_entry_reader *reader)
{
	free(reader->fields);
}

enum status redis_entry_begin(struct redis_entry_reader *reader, const struct redis_reply *reply,
			      uint32_t index)
{
	const struct redis_value *list = &reply->values[index];

	if (index >= reply->count || (list->type != REPLY_ARRAY && list->type != REPLY_NIL))
		return STATUS_INVALID;
	reader->reply = reply;
	reader->next = index + 1;
	reader->depth = list->depth + 1;
	return STATUS_OK;
}

/* The value at `index`, if it is of this type and a part of the entry. */
static const struct redis_value *part(const struct redis_entry_reader *reader, uint32_t index,
				      enum reply_type type, uint32_t depth)
{
	const struct redis_value *value = &reader->reply->values[index];

	return index < reader->reply->count && value->type == type && value->depth == depth ? value
											    : NULL;
}

/* Names and values from `index` on. The last one of an odd number finds no partner. */
static uint32_t read_fields(struct redis_entry_reader *reader, uint32_t index)
{
	uint32_t depth = reader->depth + 2;
	uint32_t count = 0;

	for (; count <= ENTRY_FIELDS_MAX; count++, index += 2) {
		const struct redis_value *name = part(reader, index, REPLY_TEXT, depth);
		const struct redis_value *value = part(reader, index + 1, REPLY_TEXT, depth);

		if (!name || !value)
			break;
		if (count < ENTRY_FIELDS_MAX)
			reader->fields[count] = (struct entry_field){name->text, value->text};
	}
	return count;
}

/* The entry whose own value, an array of id and fields, is at `index`. */
static bool read_entry(struct redis_entry_reader *reader, uint32_t index,
		       struct redis_entry *ret_entry)
{
	const struct redis_value *id = part(reader, index + 1, REPLY_TEXT, reader->depth + 1);
	const struct redis_value *fields = part(reader, index + 2, REPLY_ARRAY, reader->depth + 1);

	if (!id || !fields || !redis_entry_id(id->text, &ret_entry->id))
		return false;
	ret_entry->fields = reader->fields;
	ret_entry->fields_count = read_fields(reader, index + 3);
	return true;
}

bool redis_entry_next(struct redis_entry_reader *reader, struct redis_entry *ret_entry)
{
	const struct redis_reply *reply = reader->reply;
	struct redis_entry entry;

	ASSERT(reply != NULL);
	while (reader->next < reply->count && reply->values[reader->next].depth >= reader->depth) {
		uint32_t index = reader->next++;

		while (reader->next < reply->count &&
		       reply->values[reader->next].depth > reader->depth)
			reader->next++;
		if (part(reader, index, REPLY_ARRAY, reader->depth) &&
		    read_entry(reader, index, &entry)) {
			*ret_entry = entry;
			return true;
		}
	}
	return false;
}
