/* wire/entry.c - the rules of an entry. */
#include "wire/entry.h"

#include "wire/channel_name.h"
#include "wire/event_id.h"
#include "wire/json.h"
#include "wire/utf8.h"

#define WORD_SIZE_MAX 128 /* bytes of type and event */
#define ID_SIZE_MAX 255   /* bytes of id and key */
#define TRACE_SIZE 55     /* bytes of a traceparent of version 00 */
#define TRACE_SIZE_MAX 128

enum field {
	FIELD_DATA,
	FIELD_TYPE,
	FIELD_EVENT,
	FIELD_ID,
	FIELD_TTL,
	FIELD_KEY,
	FIELD_TS,
	FIELD_TRACEPARENT,
	FIELD_COUNT,
};

static const struct slice field_names[FIELD_COUNT] = {
	[FIELD_DATA] = SLICE("data"),   [FIELD_TYPE] = SLICE("type"),
	[FIELD_EVENT] = SLICE("event"), [FIELD_ID] = SLICE("id"),
	[FIELD_TTL] = SLICE("ttl"),     [FIELD_KEY] = SLICE("key"),
	[FIELD_TS] = SLICE("ts"),       [FIELD_TRACEPARENT] = SLICE("traceparent"),
};

static const char *const reason_texts[] = {
#define X(name, text) [ENTRY_##name] = text,
	ENTRY_REASON_TABLE(X)
#undef X
};

const char *entry_reason_text(enum entry_reason reason)
{
	unsigned index = (unsigned)reason;

	return index < ARRAY_SIZE(reason_texts) ? reason_texts[index] : "unknown reason";
}

static bool is_channel(const struct entry_field *field)
{
	return slice_equal(field->name, SLICE("to"));
}

static enum entry_reason check_channels(struct entry *entry)
{
	bool all_valid = true;

	for (uint32_t i = 0; i < entry->fields_count; i++) {
		if (!is_channel(&entry->fields[i]))
			continue;
		entry->channels_count++;
		all_valid = all_valid && channel_name_is_valid(entry->fields[i].value);
	}
	if (entry->channels_count == 0)
		return ENTRY_NO_CHANNEL;
	if (!all_valid)
		return ENTRY_BAD_CHANNEL;
	return entry->channels_count > ENTRY_CHANNELS_MAX ? ENTRY_MANY_CHANNELS : ENTRY_OK;
}

/* Puts the first field of each name into `named`, absent where there is none. */
static void collect(const struct entry *entry, struct slice named[FIELD_COUNT])
{
	memset(named, 0, sizeof(*named) * FIELD_COUNT);
	for (uint32_t i = 0; i < entry->fields_count; i++) {
		struct slice value = entry->fields[i].value;
		int field = 0;

		if (is_channel(&entry->fields[i]))
			continue;
		while (field < FIELD_COUNT &&
		       !slice_equal(entry->fields[i].name, field_names[field]))
			field++;
		if (field < FIELD_COUNT && slice_is_absent(named[field]))
			named[field] = slice_is_absent(value) ? SLICE("") : value;
	}
}

bool entry_word_is_valid(struct slice word)
{
	if (word.size == 0 || word.size > WORD_SIZE_MAX || !utf8_is_valid(word))
		return false;
	for (size_t i = 0; i < word.size; i++) {
		if (word.bytes[i] < 0x20 || word.bytes[i] == 0x7F)
			return false;
		/* C1; in valid UTF-8 something follows a lead byte. */
		if (word.bytes[i] == 0xC2 && word.bytes[i + 1] < 0xA0)
			return false;
	}
	return true;
}

static bool is_id(struct slice id)
{
	return id.size > 0 && id.size <= ID_SIZE_MAX && utf8_is_valid(id);
}

/* Lower-case hexadecimal digits, not all of them `refused`. */
static bool is_hex(struct slice digits, char refused)
{
	bool all_refused = true;

	for (size_t i = 0; i < digits.size; i++) {
		char digit = (char)digits.bytes[i];

		if (!(digit >= '0' && digit <= '9') && !(digit >= 'a' && digit <= 'f'))
			return false;
		all_refused = all_refused && digit == refused;
	}
	return !all_refused;
}

/* W3C Trace Context section 3.2.2: version-trace-parent-flags. A version after 00 may have more
 * behind another dash (section 3.2.4). */
static bool is_trace(struct slice trace)
{
	const uint8_t *at = trace.bytes;

	if (trace.size < TRACE_SIZE || trace.size > TRACE_SIZE_MAX)
		return false;
	if (at[2] != '-' || at[35] != '-' || at[52] != '-' || !is_hex(slice_of(at, 2), 'f') ||
	    !is_hex(slice_of(at + 3, 32), '0') || !is_hex(slice_of(at + 36, 16), '0') ||
	    !is_hex(slice_of(at + 53, 2), ' '))
		return false;
	if (trace.size == TRACE_SIZE)
		return true;
	for (size_t i = TRACE_SIZE; i < trace.size; i++)
		if (at[i] <= ' ' || at[i] >= 0x7F)
			return false;
	return at[TRACE_SIZE] == '-' && !slice_starts_with(trace, SLICE("00"));
}

static bool take_ttl(struct slice text, uint32_t *ret_ttl_s)
{
	uint64_t ttl_s = 0;

	if (!slice_is_absent(text) && !slice_to_u64(text, &ttl_s))
		return false;
	*ret_ttl_s = ttl_s < UINT32_MAX ? (uint32_t)ttl_s : UINT32_MAX;
	return true;
}

/* What is absent is no offence. */
static bool passes(struct slice value, bool (*is_valid)(struct slice))
{
	return slice_is_absent(value) || is_valid(value);
}

/* Sizes come first: they bound the work of all that follows. */
static enum entry_reason check_named(const struct entry *entry, size_t size_max)
{
	size_t size = 0;
	const struct slice counted[] = {entry->data, entry->type, entry->event,
					entry->id,   entry->key,  entry->ts};

	if (slice_is_absent(entry->data))
		return ENTRY_NO_DATA;
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		size += counted[i].size;
	if (size > size_max)
		return ENTRY_TOO_LARGE;
	if (!json_is_valid(entry->data))
		return ENTRY_BAD_DATA;
	if (!entry_word_is_valid(entry->type) || !passes(entry->event, entry_word_is_valid))
		return ENTRY_BAD_TYPE;
	if (!passes(entry->id, is_id) || !passes(entry->key, is_id))
		return ENTRY_BAD_ID;
	if (!passes(entry->ts, event_id_time_is_valid))
		return ENTRY_BAD_TIME;
	return passes(entry->traceparent, is_trace) ? ENTRY_OK : ENTRY_BAD_TRACE;
}

enum entry_reason entry_parse(const struct entry_field *fields, uint32_t fields_count,
			      size_t size_max, struct entry *ret_entry)
{
	struct entry entry = {.fields = fields, .fields_count = fields_count};
	struct slice named[FIELD_COUNT];

	if (fields_count > ENTRY_FIELDS_MAX)
		return ENTRY_MANY_FIELDS;
	enum entry_reason reason = check_channels(&entry);
	if (reason != ENTRY_OK)
		return reason;
	collect(&entry, named);
	bool typed = !slice_is_absent(named[FIELD_TYPE]);
	entry.data = named[FIELD_DATA];
	entry.type = typed ? named[FIELD_TYPE] : SLICE("notification");
	entry.event = named[FIELD_EVENT];
	entry.id = named[FIELD_ID];
	entry.ts = named[FIELD_TS];
	entry.key = named[FIELD_KEY];
	entry.traceparent = named[FIELD_TRACEPARENT];
	reason = check_named(&entry, size_max);
	if (reason != ENTRY_OK)
		return reason;
	if (!take_ttl(named[FIELD_TTL], &entry.ttl_s))
		return ENTRY_BAD_TTL;
	*ret_entry = entry;
	return ENTRY_OK;
}

struct slice entry_trace(const struct entry_field *fields, uint32_t fields_count)
{
	const struct slice absent = {NULL, 0};

	for (uint32_t i = 0; i < fields_count; i++)
		if (slice_equal(fields[i].name, field_names[FIELD_TRACEPARENT]))
			return is_trace(fields[i].value) ? fields[i].value : absent;
	return absent;
}

bool entry_next_channel(const struct entry *entry, uint32_t *cursor, struct slice *ret_channel)
{
	while (*cursor < entry->fields_count) {
		const struct entry_field *field = &entry->fields[(*cursor)++];

		if (!is_channel(field))
			continue;
		*ret_channel = field->value;
		return true;
	}
	return false;
}
