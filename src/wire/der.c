/* wire/der.c - just as much DER as a public key has. */
#include "wire/der.h"

#define TAG_INTEGER 0x02
#define TAG_BIT_STRING 0x03
#define TAG_NULL 0x05
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30

static const uint8_t oid_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2B, 0x81, 0x04, 0x00, 0x22};

static const char not_der[] = "is no public key: its DER is damaged";

/* The length octets, in their shortest form, of at most two bytes. */
static bool read_length(struct slice *rest, size_t *ret_size)
{
	if (rest->size == 0)
		return false;
	size_t size = rest->bytes[0];
	size_t more = size >= 0x81 && size <= 0x82 ? size - 0x80 : 0;

	if ((size >= 0x80 && more == 0) || rest->size < 1 + more)
		return false;
	if (more > 0)
		size = 0;
	for (size_t i = 1; i <= more; i++)
		size = size << 8 | rest->bytes[i];
	if ((more == 1 && size < 0x80) || (more == 2 && size < 0x100))
		return false;
	*rest = slice_skip(*rest, 1 + more);
	*ret_size = size;
	return true;
}

/* Takes one element of this tag off the front. */
static bool take(struct slice *rest, uint8_t tag, struct slice *ret_contents)
{
	struct slice after = *rest;
	size_t size;

	if (after.size == 0 || after.bytes[0] != tag)
		return false;
	after = slice_skip(after, 1);
	if (!read_length(&after, &size) || size > after.size)
		return false;
	*ret_contents = slice_of(after.bytes, size);
	*rest = slice_skip(after, size);
	return true;
}

/* A positive number without the zero that says so. */
static bool take_number(struct slice *rest, struct slice *ret_number)
{
	struct slice number;

	if (!take(rest, TAG_INTEGER, &number) || number.size == 0 || number.bytes[0] & 0x80)
		return false;
	if (number.bytes[0] == 0) {
		number = slice_skip(number, 1);
		if (number.size == 0 || !(number.bytes[0] & 0x80))
			return false;
	}
	*ret_number = number;
	return true;
}

const char *der_read_rsa_key(struct slice bytes, struct jwt_key *ret_key)
{
	struct slice rest = bytes;
	struct slice inner;
	struct slice modulus;
	struct slice exponent;

	if (!take(&rest, TAG_SEQUENCE, &inner) || rest.size > 0 || !take_number(&inner, &modulus) ||
	    !take_number(&inner, &exponent) || inner.size > 0)
		return not_der;
	ret_key->type = JWT_KEY_RSA;
	ret_key->bytes = modulus;
	ret_key->exponent = exponent;
	return NULL;
}

static bool is_oid(struct slice oid, const uint8_t *known, size_t size)
{
	return slice_equal(oid, slice_of(known, size));
}

static const char *read_ec_key(struct slice parameters, struct slice point, struct jwt_key *ret_key)
{
	struct slice curve;

	if (!take(&parameters, TAG_OID, &curve) || parameters.size > 0)
		return not_der;
	if (is_oid(curve, oid_p256, sizeof(oid_p256)))
		ret_key->type = JWT_KEY_P256;
	else if (is_oid(curve, oid_p384, sizeof(oid_p384)))
		ret_key->type = JWT_KEY_P384;
	else
		return "is an EC key of another curve than P-256 and P-384";
	ret_key->bytes = point;
	ret_key->exponent = (struct slice){NULL, 0};
	return NULL;
}

const char *der_read_public_key(struct slice bytes, struct jwt_key *ret_key)
{
	struct slice rest = bytes;
	struct slice inner;
	struct slice algorithm;
	struct slice oid;
	struct slice key;

	if (!take(&rest, TAG_SEQUENCE, &inner) || rest.size > 0 ||
	    !take(&inner, TAG_SEQUENCE, &algorithm) || !take(&inner, TAG_BIT_STRING, &key) ||
	    inner.size > 0 || !take(&algorithm, TAG_OID, &oid))
		return not_der;
	if (key.size < 2 || key.bytes[0] != 0) /* bits that are not used */
		return not_der;
	key = slice_skip(key, 1);
	if (is_oid(oid, oid_ec, sizeof(oid_ec)))
		return read_ec_key(algorithm, key, ret_key);
	if (!is_oid(oid, oid_rsa, sizeof(oid_rsa)))
		return "is neither an RSA nor an EC key";
	if (algorithm.size > 0 && (!take(&algorithm, TAG_NULL, &oid) || oid.size + algorithm.size))
		return not_der;
	return der_read_rsa_key(key, ret_key);
}
