/* wire/connection_id.c - fifteen bytes and back. */
#include "wire/connection_id.h"

#include "wire/base64.h"
#include "wire/digest.h"

#define PLAIN_SIZE 7 /* shard, slot, generation */
#define ID_SIZE 15

static void write_plain(struct connection_id id, struct hash_key key, uint8_t bytes[ID_SIZE])
{
	uint64_t mac;

	bytes[0] = id.shard;
	bytes[1] = (uint8_t)(id.slot >> 8);
	bytes[2] = (uint8_t)id.slot;
	for (int i = 0; i < 4; i++)
		bytes[3 + i] = (uint8_t)(id.generation >> (24 - 8 * i));
	mac = hash_bytes(key, slice_of(bytes, PLAIN_SIZE));
	for (int i = 0; i < 8; i++)
		bytes[PLAIN_SIZE + i] = (uint8_t)(mac >> (56 - 8 * i));
}

void connection_id_write(struct connection_id id, struct hash_key key,
			 char ret_text[CONNECTION_ID_SIZE])
{
	uint8_t bytes[ID_SIZE];

	write_plain(id, key, bytes);
	base64url_write(slice_of(bytes, ID_SIZE), ret_text);
}

bool connection_id_parse(struct slice text, struct hash_key key, struct connection_id *ret_id)
{
	uint8_t bytes[ID_SIZE], expected[ID_SIZE];
	struct connection_id id;
	size_t size;

	if (!base64url_parse(text, bytes, sizeof(bytes), &size) || size != ID_SIZE)
		return false;
	id.shard = bytes[0];
	id.slot = (uint16_t)(bytes[1] << 8 | bytes[2]);
	id.generation = (uint32_t)bytes[3] << 24 | (uint32_t)bytes[4] << 16 |
			(uint32_t)bytes[5] << 8 | bytes[6];
	write_plain(id, key, expected);
	if (!digest_equal(slice_of(bytes, ID_SIZE), slice_of(expected, ID_SIZE)))
		return false;
	*ret_id = id;
	return true;
}
