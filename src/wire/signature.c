/* wire/signature.c - HMAC, RSA and ECDSA with BearSSL. */
#include "wire/signature.h"

#include <bearssl.h>

#include "belfry/limits.h"
#include "wire/digest.h"

#define HASH_SIZE_MAX 64
#define POINT_SIZE_MAX 97 /* 04 and two numbers of 48 bytes */

/* A hash, as BearSSL's functions want it. */
struct hash {
	const br_hash_class *class;
	const unsigned char *oid; /* as PKCS#1 v1.5 writes it */
	size_t size;
	enum hmac_hash hmac;
};

static struct hash hash_of(unsigned algorithm)
{
	if (algorithm & (JWT_HS384 | JWT_RS384 | JWT_ES384))
		return (struct hash){&br_sha384_vtable, BR_HASH_OID_SHA384, 48, HMAC_SHA384};
	if (algorithm & (JWT_HS512 | JWT_RS512))
		return (struct hash){&br_sha512_vtable, BR_HASH_OID_SHA512, 64, HMAC_SHA512};
	return (struct hash){&br_sha256_vtable, BR_HASH_OID_SHA256, 32, HMAC_SHA256};
}

static void hash_text(const struct hash *hash, struct slice text, uint8_t ret_hash[HASH_SIZE_MAX])
{
	br_hash_compat_context state;

	hash->class->init(&state.vtable);
	hash->class->update(&state.vtable, text.bytes, text.size);
	hash->class->out(&state.vtable, ret_hash);
}

unsigned signature_algorithms(enum jwt_key_type type)
{
	switch (type) {
	case JWT_KEY_SECRET:
		return JWT_ALGORITHMS_HS;
	case JWT_KEY_RSA:
		return JWT_ALGORITHMS_RS;
	case JWT_KEY_P256:
		return JWT_ES256;
	case JWT_KEY_P384:
		return JWT_ES384;
	}
	return 0;
}

/* ---- keys ---- */

/* Of a number without leading zeros. */
static size_t bits_of(struct slice number)
{
	size_t bits = number.size * 8;

	for (unsigned top = number.size ? number.bytes[0] : 0x80; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

static bool is_odd(struct slice number)
{
	return number.size > 0 && number.bytes[number.size - 1] & 1;
}

static bool is_minimal(struct slice number)
{
	return number.size > 0 && number.bytes[0] != 0;
}

static const char *check_rsa(const struct jwt_key *key)
{
	struct slice e = key->exponent;

	if (!is_minimal(key->bytes) || bits_of(key->bytes) < RSA_BITS_MIN)
		return "is an RSA key of fewer than 2048 bits";
	if (bits_of(key->bytes) > RSA_BITS_MAX)
		return "is an RSA key of more than 4096 bits";
	if (!is_odd(key->bytes))
		return "is no RSA key: its modulus is even";
	/* With the exponent 1 everybody could sign. */
	if (!is_minimal(e) || !is_odd(e) || e.size > RSA_EXPONENT_SIZE_MAX ||
	    (e.size == 1 && e.bytes[0] == 1))
		return "is an RSA key with an exponent that is not taken";
	return NULL;
}

static int curve_of(enum jwt_key_type type)
{
	return type == JWT_KEY_P384 ? BR_EC_secp384r1 : BR_EC_secp256r1;
}

/* Bytes of a number modulo the curve's order. */
static size_t order_size(enum jwt_key_type type)
{
	return type == JWT_KEY_P384 ? 48 : 32;
}

static const char *check_point(const struct jwt_key *key)
{
	static const uint8_t one[] = {1};
	uint8_t point[POINT_SIZE_MAX];

	if (key->bytes.size != 1 + 2 * order_size(key->type) || key->bytes.bytes[0] != 4)
		return "is an EC key of another form than an uncompressed point";
	memcpy(point, key->bytes.bytes, key->bytes.size);
	return br_ec_get_default()->mul(point, key->bytes.size, one, sizeof(one),
					curve_of(key->type))
		       ? NULL
		       : "is no EC key: the point is not on its curve";
}

const char *signature_check_key(const struct jwt_key *key)
{
	if (key->algorithms == 0 || key->algorithms & ~signature_algorithms(key->type))
		return "is for an algorithm of another type";
	switch (key->type) {
	case JWT_KEY_SECRET:
		return key->bytes.size > 0 ? NULL : "is an empty secret";
	case JWT_KEY_RSA:
		return check_rsa(key);
	case JWT_KEY_P256:
	case JWT_KEY_P384:
		return check_point(key);
	}
	return "is of a type that is not known";
}

uint32_t signature_cost(const struct jwt_key *key)
{
	switch (key->type) {
	case JWT_KEY_SECRET:
		return 0;
	case JWT_KEY_RSA: /* grows with the square of its size */
		return (uint32_t)((key->bytes.size * key->bytes.size + 65535) / 65536);
	case JWT_KEY_P256:
		return VERIFY_UNITS_P256;
	case JWT_KEY_P384:
		return VERIFY_UNITS_P384;
	}
	return 0;
}

/* ---- verifying ---- */

static bool verify_hmac(const struct jwt_key *key, const struct hash *hash, struct slice text,
			struct slice signature)
{
	uint8_t mac[HMAC_SIZE_MAX];
	size_t size = digest_hmac(hash->hmac, key->bytes, text, mac);

	return digest_equal(signature, slice_of(mac, size));
}

static bool verify_rsa(const struct jwt_key *key, const struct hash *hash, struct slice text,
		       struct slice signature)
{
	br_rsa_public_key rsa = {
		.n = (unsigned char *)(uintptr_t)key->bytes.bytes,
		.nlen = key->bytes.size,
		.e = (unsigned char *)(uintptr_t)key->exponent.bytes,
		.elen = key->exponent.size,
	};
	uint8_t signed_hash[HASH_SIZE_MAX];
	uint8_t wanted[HASH_SIZE_MAX];

	if (signature.size != key->bytes.size ||
	    !br_rsa_pkcs1_vrfy_get_default()(signature.bytes, signature.size, hash->oid, hash->size,
					     &rsa, signed_hash))
		return false;
	hash_text(hash, text, wanted);
	return digest_equal(slice_of(signed_hash, hash->size), slice_of(wanted, hash->size));
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	uint8_t all = 0;

	for (size_t i = 0; i < size; i++)
		all |= bytes[i];
	return all == 0;
}

static bool verify_ecdsa(const struct jwt_key *key, const struct hash *hash, struct slice text,
			 struct slice signature)
{
	br_ec_public_key ec = {
		.curve = curve_of(key->type),
		.q = (unsigned char *)(uintptr_t)key->bytes.bytes,
		.qlen = key->bytes.size,
	};
	size_t half = order_size(key->type);
	uint8_t wanted[HASH_SIZE_MAX];

	if (signature.size != 2 * half || is_zero(signature.bytes, half) ||
	    is_zero(signature.bytes + half, half))
		return false;
	hash_text(hash, text, wanted);
	return br_ecdsa_vrfy_raw_get_default()(br_ec_get_default(), wanted, hash->size, &ec,
					       signature.bytes, signature.size) == 1;
}

bool signature_verify(const struct jwt_key *key, unsigned algorithm, struct slice text,
		      struct slice signature)
{
	struct hash hash = hash_of(algorithm);

	if ((key->algorithms & signature_algorithms(key->type) & algorithm) == 0)
		return false;
	switch (key->type) {
	case JWT_KEY_SECRET:
		return verify_hmac(key, &hash, text, signature);
	case JWT_KEY_RSA:
		return verify_rsa(key, &hash, text, signature);
	case JWT_KEY_P256:
	case JWT_KEY_P384:
		return verify_ecdsa(key, &hash, text, signature);
	}
	return false;
}
