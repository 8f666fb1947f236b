/* log/redis_facts.c - XINFO STREAM and INFO, as far as they matter to the log. */
#include "log/redis_facts.h"

#include <stdio.h>

#include "log/redis_entry.h"

/* ---- XINFO STREAM: [name, value, ...], some values are arrays ---- */

static void read_number(const struct redis_value *value, uint64_t *number)
{
	if (value->type == REPLY_INTEGER)
		*number = value->number;
}

static bool read_id(const struct redis_value *value, struct event_id *id)
{
	return value->type == REPLY_TEXT && redis_entry_id(value->text, id);
}

/* first-entry is [id, [...]], or nil; `value` is that array, with its elements behind it. */
static void read_first_entry(const struct redis_value *value, const struct redis_value *end,
			     struct redis_facts *facts)
{
	if (!facts->has_recorded_first && value->type == REPLY_ARRAY && value + 1 < end &&
	    value[1].depth > value->depth)
		read_id(value + 1, &facts->first_id);
}

static void read_stream_fact(struct slice name, const struct redis_value *value,
			     const struct redis_value *end, struct redis_facts *facts)
{
	if (slice_equal_text(name, "length"))
		read_number(value, &facts->length);
	else if (slice_equal_text(name, "last-generated-id"))
		read_id(value, &facts->last_id);
	else if (slice_equal_text(name, "max-deleted-entry-id"))
		read_id(value, &facts->max_deleted_id);
	else if (slice_equal_text(name, "recorded-first-entry-id"))
		facts->has_recorded_first = read_id(value, &facts->first_id);
	else if (slice_equal_text(name, "first-entry"))
		read_first_entry(value, end, facts);
	else if (slice_equal_text(name, "entries-added") && value->type == REPLY_INTEGER) {
		facts->has_entries_added = true;
		facts->entries_added = value->number;
	}
}

static void keep_stream(struct redis_facts *facts, const struct redis_facts *read)
{
	facts->stream_exists = read->stream_exists;
	facts->length = read->length;
	facts->has_entries_added = read->has_entries_added;
	facts->entries_added = read->entries_added;
	facts->first_id = read->first_id;
	facts->has_recorded_first = read->has_recorded_first;
	facts->last_id = read->last_id;
	facts->max_deleted_id = read->max_deleted_id;
}

enum status redis_facts_read_stream(struct redis_facts *facts, const struct redis_reply *reply)
{
	const struct redis_value *value = reply->values;
	const struct redis_value *end = value + reply->count;
	struct redis_facts read = {.stream_exists = true};
	struct slice name = {NULL, 0};

	if (value->type == REPLY_ERROR &&
	    slice_starts_with(value->text, SLICE("ERR no such key"))) {
		read.stream_exists = false;
		keep_stream(facts, &read);
		return STATUS_OK;
	}
	if (value->type != REPLY_ARRAY || value->number == 0)
		return STATUS_INVALID;
	for (value++; value < end; value++) {
		if (value->depth != 1)
			continue;
		if (slice_is_absent(name)) {
			name = value->type == REPLY_TEXT ? value->text : SLICE("");
			continue;
		}
		read_stream_fact(name, value, end, &read);
		name = slice_of(NULL, 0);
	}
	keep_stream(facts, &read);
	return STATUS_OK;
}

/* ---- INFO: name:value lines and # titles ---- */

/* "7.0.15", as three bytes. What goes over a byte (7.9.1000) stays at 255. */
static uint32_t read_version(struct slice text)
{
	uint32_t version = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t part = 0;

		if (!slice_to_u64(slice_cut(&text, '.'), &part))
			part = 0; /* "8.0" has no third, "7.0.0-rc1" has more than a number */
		version = version << 8 | (part < 255 ? (uint32_t)part : 255);
	}
	return version;
}

static void write_product(struct redis_facts *facts, const char *name, struct slice version)
{
	snprintf(facts->product, sizeof(facts->product), "%s %.*s", name,
		 version.size > 20 ? 20 : (int)version.size, (const char *)version.bytes);
}

static void read_server_fact(struct slice name, struct slice value, struct redis_facts *facts)
{
	if (slice_equal_text(name, "redis_version")) {
		facts->version = read_version(value);
		write_product(facts, "Redis", value);
	} else if (slice_equal_text(name, "valkey_version")) {
		write_product(facts, "Valkey", value); /* comes after redis_version */
	} else if (slice_equal_text(name, "role")) {
		facts->is_master = slice_equal_text(value, "master");
	} else if (slice_equal_text(name, "master_replid") && value.size < sizeof(facts->replid)) {
		memcpy(facts->replid, value.bytes, value.size);
		facts->replid[value.size] = '\0';
	} else if (slice_equal_text(name, "maxmemory")) {
		slice_to_u64(value, &facts->maxmemory);
	} else if (slice_equal_text(name, "maxmemory_policy")) {
		facts->evicts = !slice_equal_text(value, "noeviction");
	} else if (slice_equal_text(name, "loading")) {
		facts->is_loading = slice_equal_text(value, "1");
	}
}

enum status redis_facts_read_server(struct redis_facts *facts, const struct redis_reply *reply)
{
	struct slice text = reply->values->text;

	if (reply->values->type != REPLY_TEXT)
		return STATUS_INVALID;
	while (!slice_is_absent(text)) {
		struct slice value = slice_cut(&text, '\n');

		if (value.size && value.bytes[value.size - 1] == '\r')
			value.size--;
		struct slice name = slice_cut(&value, ':');

		if (!slice_is_absent(value))
			read_server_fact(name, value, facts);
	}
	return STATUS_OK;
}
