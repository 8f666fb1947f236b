/* wire/connection_id.c - fifteen bytes and back, and the letters that choose the partition. */
#include "wire/connection_id.h"

#include "wire/base64.h"
#include "wire/digest.h"
#include "wire/partition.h"

#define PLAIN_SIZE 7 /* shard, slot, generation */
#define ID_SIZE 15
#define DIGITS_SIZE BASE64URL_SIZE(ID_SIZE)
#define LETTERS_SIZE 4

_Static_assert(DIGITS_SIZE + LETTERS_SIZE == CONNECTION_ID_SIZE, "digits, then letters");

/* ---- letters ---- */

/* A letter is 'H' + four bits: that is 'H' with some bits flipped, 1, 2, 4 and, for the highest of
 * the four, which leads from H..O to P..W, 0x18. A CRC is linear, so each of the 16 bits of four
 * letters always flips the same bits in the CRC of the name. These are independent: for any CRC
 * there is one choice of letters, the sum (XOR) of what each bit of the digits' CRC asks for. */
#define LETTERS_OF_ZERO 0x4A40u /* for digits whose CRC is 0: what `conn:` and `all` ask for */
static const uint16_t letters_of_bit[16] = {
	0x0100, 0x0200, 0x0400, 0xB4E5, 0xBCE5, 0xE04E, 0x4978, 0x9380,
	0x1000, 0x2000, 0x4000, 0x710F, 0xF10F, 0x88F5, 0x348B, 0xC4D2,
};

static void write_letters(struct slice digits, char ret_letters[LETTERS_SIZE])
{
	uint32_t crc = partition_crc16(digits);
	uint32_t letters = LETTERS_OF_ZERO;

	for (uint32_t bit = 0; bit < 16; bit++)
		if (crc >> bit & 1)
			letters ^= letters_of_bit[bit];
	for (uint32_t i = 0; i < LETTERS_SIZE; i++)
		ret_letters[i] = (char)('H' + (letters >> (12 - 4 * i) & 15));
}

/* The letters must be right, the bytes may be anybody's. */
static bool read_bytes(struct slice text, uint8_t bytes[ID_SIZE])
{
	struct slice digits = slice_of(text.bytes, DIGITS_SIZE);
	char letters[LETTERS_SIZE];
	size_t size;

	if (text.size != CONNECTION_ID_SIZE)
		return false;
	write_letters(digits, letters);
	return slice_equal(slice_skip(text, DIGITS_SIZE), slice_of(letters, LETTERS_SIZE)) &&
	       base64url_parse(digits, bytes, ID_SIZE, &size);
}

bool connection_id_is_well_formed(struct slice text)
{
	uint8_t bytes[ID_SIZE];

	return read_bytes(text, bytes);
}

/* ---- bytes ---- */

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
	write_letters(slice_of(ret_text, DIGITS_SIZE), ret_text + DIGITS_SIZE);
}

bool connection_id_parse(struct slice text, struct hash_key key, struct connection_id *ret_id)
{
	uint8_t bytes[ID_SIZE], expected[ID_SIZE];
	struct connection_id id;

	if (!read_bytes(text, bytes))
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
