/* wire/digest.c - hashes and message authentication with BearSSL. */
#include "wire/digest.h"

#include <bearssl.h>

void digest_sha1(struct slice first, struct slice second, uint8_t ret_hash[SHA1_SIZE])
{
	br_sha1_context state;

	br_sha1_init(&state);
	br_sha1_update(&state, first.bytes, first.size);
	br_sha1_update(&state, second.bytes, second.size);
	br_sha1_out(&state, ret_hash);
}

void digest_sha256(struct slice bytes, uint8_t ret_hash[SHA256_SIZE])
{
	br_sha256_context state;

	br_sha256_init(&state);
	br_sha256_update(&state, bytes.bytes, bytes.size);
	br_sha256_out(&state, ret_hash);
}

/* 0..15, or 16 for a byte that is no hexadecimal digit. */
static unsigned hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return (unsigned)byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? (unsigned)byte - 'a' + 10 : 16;
}

bool digest_read_sha256(struct slice text, uint8_t ret_hash[SHA256_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	if (text.size != 2 * SHA256_SIZE)
		return false;
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		unsigned high = hex_value(text.bytes[2 * i]);
		unsigned low = hex_value(text.bytes[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_hash, hash, SHA256_SIZE);
	return true;
}

static const br_hash_class *hash_class(enum hmac_hash hash)
{
	switch (hash) {
	case HMAC_SHA384:
		return &br_sha384_vtable;
	case HMAC_SHA512:
		return &br_sha512_vtable;
	case HMAC_SHA256:
	default:
		return &br_sha256_vtable;
	}
}

size_t digest_hmac(enum hmac_hash hash, struct slice key, struct slice bytes,
		   uint8_t ret_mac[HMAC_SIZE_MAX])
{
	br_hmac_key_context prepared;
	br_hmac_context state;

	br_hmac_key_init(&prepared, hash_class(hash), key.bytes, key.size);
	br_hmac_init(&state, &prepared, 0);
	br_hmac_update(&state, bytes.bytes, bytes.size);
	return br_hmac_out(&state, ret_mac);
}

bool digest_equal(struct slice a, struct slice b)
{
	/* volatile: the compiler may not leave the loop at the first difference */
	volatile uint8_t difference = 0;

	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		difference = (uint8_t)(difference | (a.bytes[i] ^ b.bytes[i]));
	return difference == 0;
}
