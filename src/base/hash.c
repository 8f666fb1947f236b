/* base/hash.c - SipHash-1-3. */
#include "base/hash.h"

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* The last 0..7 bytes, little endian, with the size's low byte on top. */
static uint64_t last_word(struct slice bytes)
{
	uint64_t word = (uint64_t)bytes.size << 56;
	size_t whole = bytes.size & ~(size_t)7;

	for (size_t i = whole; i < bytes.size; i++)
		word |= (uint64_t)bytes.bytes[i] << (8 * (i - whole));
	return word;
}

uint64_t hash_bytes(struct hash_key key, struct slice bytes)
{
	uint64_t v[4] = {
		key.k0 ^ 0x736f6d6570736575u,
		key.k1 ^ 0x646f72616e646f6du,
		key.k0 ^ 0x6c7967656e657261u,
		key.k1 ^ 0x7465646279746573u,
	};
	uint64_t word;

	for (size_t i = 0; i + 8 <= bytes.size; i += 8) {
		memcpy(&word, bytes.bytes + i, 8);
		v[3] ^= word;
		round_once(v);
		v[0] ^= word;
	}
	word = last_word(bytes);
	v[3] ^= word;
	round_once(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
