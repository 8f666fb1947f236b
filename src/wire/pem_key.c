/* wire/pem_key.c - BearSSL reads the armour and the certificate, wire/der.c the key. */
#include "wire/pem_key.h"

#include <bearssl.h>

#include "wire/der.h"
#include "wire/signature.h"

enum object { OBJECT_NONE, OBJECT_KEY, OBJECT_RSA_KEY, OBJECT_CERTIFICATE };

/* A file on its way through the decoder. */
struct reading {
	uint8_t *room;
	size_t size; /* bytes of the object so far; more than PEM_KEY_ROOM: too large */
	enum object object;
	bool is_whole; /* its END has come */
};

static void on_bytes(void *owner, const void *bytes, size_t size)
{
	struct reading *reading = owner;

	if (reading->size + size <= PEM_KEY_ROOM)
		memcpy(reading->room + reading->size, bytes, size);
	reading->size += size;
}

static enum object object_named(const char *name)
{
	if (strcmp(name, "PUBLIC KEY") == 0)
		return OBJECT_KEY;
	if (strcmp(name, "RSA PUBLIC KEY") == 0)
		return OBJECT_RSA_KEY;
	return strcmp(name, "CERTIFICATE") == 0 ? OBJECT_CERTIFICATE : OBJECT_NONE;
}

static const char *begin(struct reading *reading, br_pem_decoder_context *decoder)
{
	const char *name = br_pem_decoder_name(decoder);

	if (strstr(name, "PRIVATE KEY"))
		return "holds a private key; give the public one, and keep the other away from "
		       "here";
	if (reading->object != OBJECT_NONE)
		return "holds more than one key; give each a file of its own";
	reading->object = object_named(name);
	if (reading->object == OBJECT_NONE)
		return "holds neither a PUBLIC KEY nor a CERTIFICATE";
	br_pem_decoder_setdest(decoder, on_bytes, reading);
	return NULL;
}

static const char *on_event(struct reading *reading, br_pem_decoder_context *decoder)
{
	switch (br_pem_decoder_event(decoder)) {
	case BR_PEM_BEGIN_OBJ:
		return begin(reading, decoder);
	case BR_PEM_END_OBJ:
		reading->is_whole = true;
		return NULL;
	case BR_PEM_ERROR:
		return "is damaged: what follows BEGIN is not base64";
	default:
		return NULL;
	}
}

static const char *feed(struct slice text, struct reading *reading, br_pem_decoder_context *decoder)
{
	const char *wrong = NULL;

	/* The decoder takes the first half of a CR LF for a part of the line. */
	while (!wrong && text.size > 0) {
		const uint8_t *end = memchr(text.bytes, '\r', text.size);
		size_t size = end ? (size_t)(end - text.bytes) : text.size;
		size_t taken = br_pem_decoder_push(decoder, text.bytes, size);

		wrong = on_event(reading, decoder);
		text = slice_skip(text, taken + (taken == size && end ? 1 : 0));
	}
	return wrong;
}

static const char *read_armour(struct slice text, struct reading *reading)
{
	br_pem_decoder_context decoder;

	br_pem_decoder_init(&decoder);
	const char *wrong = feed(text, reading, &decoder);

	if (!wrong) /* the last line may have no end */
		wrong = feed(SLICE("\n"), reading, &decoder);
	if (wrong)
		return wrong;
	if (reading->object == OBJECT_NONE)
		return "holds no key: there is no line with BEGIN PUBLIC KEY";
	if (!reading->is_whole)
		return "is damaged: there is no line with END";
	return reading->size > PEM_KEY_ROOM ? "is too large for a key" : NULL;
}

static struct slice keep(uint8_t **room, const unsigned char *bytes, size_t size)
{
	while (size > 0 && bytes[0] == 0) { /* of a modulus; a point begins with 4 */
		bytes++;
		size--;
	}
	memcpy(*room, bytes, size);
	*room += size;
	return slice_of(*room - size, size);
}

/* The certificate in `room` gives way to its key. */
static const char *read_certificate(size_t size, uint8_t *room, struct jwt_key *ret_key)
{
	br_x509_decoder_context decoder;

	br_x509_decoder_init(&decoder, NULL, NULL);
	br_x509_decoder_push(&decoder, room, size);
	const br_x509_pkey *key = br_x509_decoder_get_pkey(&decoder);

	if (!key)
		return "is a certificate that cannot be read, or for a key that is neither RSA nor "
		       "EC";
	if (key->key_type == BR_KEYTYPE_RSA) {
		ret_key->type = JWT_KEY_RSA;
		ret_key->bytes = keep(&room, key->key.rsa.n, key->key.rsa.nlen);
		ret_key->exponent = keep(&room, key->key.rsa.e, key->key.rsa.elen);
		return NULL;
	}
	if (key->key.ec.curve != BR_EC_secp256r1 && key->key.ec.curve != BR_EC_secp384r1)
		return "is for an EC key of another curve than P-256 and P-384";
	ret_key->type = key->key.ec.curve == BR_EC_secp384r1 ? JWT_KEY_P384 : JWT_KEY_P256;
	ret_key->bytes = keep(&room, key->key.ec.q, key->key.ec.qlen);
	return NULL;
}

static const char *read_object(const struct reading *reading, struct jwt_key *key)
{
	struct slice bytes = slice_of(reading->room, reading->size);

	switch (reading->object) {
	case OBJECT_KEY:
		return der_read_public_key(bytes, key);
	case OBJECT_RSA_KEY:
		return der_read_rsa_key(bytes, key);
	default:
		return read_certificate(reading->size, reading->room, key);
	}
}

const char *pem_key_read(struct slice text, uint8_t room[PEM_KEY_ROOM], struct jwt_key *ret_key)
{
	struct reading reading = {.room = room};
	struct jwt_key key = {.type = JWT_KEY_SECRET};
	const char *wrong = read_armour(text, &reading);

	if (!wrong)
		wrong = read_object(&reading, &key);
	if (wrong)
		return wrong;
	key.algorithms = signature_algorithms(key.type);
	wrong = signature_check_key(&key);
	if (!wrong)
		*ret_key = key;
	return wrong;
}
