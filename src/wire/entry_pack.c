/* wire/entry_pack.c - a byte of flags, sizes in base 128, then the texts.
 *
 * Of what an entry may leave out nothing is written, and nothing for the usual type: an entry
 * with only data costs 2 or 3 bytes more than its data.
 */
#include "wire/entry_pack.h"

#define TYPE_USUAL SLICE("notification") /* what entry_parse puts where there is none */
#define NUMBER_SIZE_MAX 10               /* 64 bits, 7 a byte */

/* In the order of their texts; the flag of text i is 1 << i. */
enum text {
	TEXT_TYPE, /* absent: TYPE_USUAL */
	TEXT_EVENT,
	TEXT_ID,
	TEXT_TS,
	TEXT_KEY,
	TEXT_TRACEPARENT,
	TEXT_DATA, /* always there */
	TEXT_COUNT,
};

#define FLAG_DATA (1u << TEXT_DATA)
#define FLAG_TTL (1u << TEXT_COUNT)

static unsigned gather(const struct entry *entry, struct slice texts[TEXT_COUNT])
{
	unsigned flags = FLAG_DATA | (entry->ttl_s ? FLAG_TTL : 0);

	texts[TEXT_TYPE] = slice_equal(entry->type, TYPE_USUAL) ? slice_of(NULL, 0) : entry->type;
	texts[TEXT_EVENT] = entry->event;
	texts[TEXT_ID] = entry->id;
	texts[TEXT_TS] = entry->ts;
	texts[TEXT_KEY] = entry->key;
	texts[TEXT_TRACEPARENT] = entry->traceparent;
	texts[TEXT_DATA] = entry->data;
	for (int i = 0; i < TEXT_COUNT; i++)
		flags |= slice_is_absent(texts[i]) ? 0 : 1u << i;
	return flags;
}

static size_t number_size(uint64_t number)
{
	size_t size = 1;

	while (number >>= 7)
		size++;
	return size;
}

size_t entry_pack_size(const struct entry *entry)
{
	struct slice texts[TEXT_COUNT];
	unsigned flags = gather(entry, texts);
	size_t size = 1 + (entry->ttl_s ? number_size(entry->ttl_s) : 0);

	for (int i = 0; i < TEXT_COUNT; i++)
		if (flags & 1u << i)
			size += number_size(texts[i].size) + texts[i].size;
	return size;
}

static uint8_t *write_number(uint8_t *at, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*at++ = (uint8_t)(number | 0x80);
	*at++ = (uint8_t)number;
	return at;
}

void entry_pack_write(const struct entry *entry, uint8_t *bytes)
{
	struct slice texts[TEXT_COUNT];
	unsigned flags = gather(entry, texts);

	*bytes++ = (uint8_t)flags;
	if (flags & FLAG_TTL)
		bytes = write_number(bytes, entry->ttl_s);
	for (int i = 0; i < TEXT_COUNT; i++)
		if (flags & 1u << i)
			bytes = write_number(bytes, texts[i].size);
	for (int i = 0; i < TEXT_COUNT; i++) {
		if (texts[i].size > 0)
			memcpy(bytes, texts[i].bytes, texts[i].size);
		bytes += texts[i].size;
	}
}

/* Cuts a number off *rest. False: it does not end, or could be shorter. */
static bool read_number(struct slice *rest, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < rest->size && i < NUMBER_SIZE_MAX; i++) {
		uint8_t byte = rest->bytes[i];

		if (i == NUMBER_SIZE_MAX - 1 && byte > 1)
			return false;
		number |= (uint64_t)(byte & 0x7F) << (7 * i);
		if (byte & 0x80)
			continue;
		*rest = slice_skip(*rest, i + 1);
		*ret_number = number;
		return i == 0 || byte != 0;
	}
	return false;
}

static bool read_ttl(struct slice *rest, unsigned flags, uint32_t *ret_ttl_s)
{
	uint64_t ttl_s = 0;

	if (flags & FLAG_TTL && (!read_number(rest, &ttl_s) || ttl_s == 0 || ttl_s > UINT32_MAX))
		return false;
	*ret_ttl_s = (uint32_t)ttl_s;
	return true;
}

/* *rest has the sizes, then the texts, and nothing behind them. */
static bool read_texts(struct slice rest, unsigned flags, struct slice texts[TEXT_COUNT])
{
	uint64_t sizes[TEXT_COUNT] = {0};

	for (int i = 0; i < TEXT_COUNT; i++)
		if (flags & 1u << i && !read_number(&rest, &sizes[i]))
			return false;
	for (int i = 0; i < TEXT_COUNT; i++) {
		if (sizes[i] > rest.size)
			return false;
		texts[i] = slice_of(flags & 1u << i ? rest.bytes : NULL, sizes[i]);
		rest = slice_skip(rest, sizes[i]);
	}
	return rest.size == 0 && !slice_equal(texts[TEXT_TYPE], TYPE_USUAL);
}

bool entry_pack_read(struct slice bytes, struct entry *ret_entry)
{
	unsigned flags = bytes.size > 0 ? bytes.bytes[0] : 0;
	struct slice texts[TEXT_COUNT];
	uint32_t ttl_s;

	if (!(flags & FLAG_DATA))
		return false;
	bytes = slice_skip(bytes, 1);
	if (!read_ttl(&bytes, flags, &ttl_s) || !read_texts(bytes, flags, texts))
		return false;
	*ret_entry = (struct entry){
		.data = texts[TEXT_DATA],
		.type = slice_is_absent(texts[TEXT_TYPE]) ? TYPE_USUAL : texts[TEXT_TYPE],
		.event = texts[TEXT_EVENT],
		.id = texts[TEXT_ID],
		.ts = texts[TEXT_TS],
		.key = texts[TEXT_KEY],
		.traceparent = texts[TEXT_TRACEPARENT],
		.ttl_s = ttl_s,
	};
	return true;
}
