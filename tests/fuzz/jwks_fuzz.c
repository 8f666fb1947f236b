/* tests/fuzz/jwks_fuzz.c - files with keys: a JWK set, or a PEM file, as the first byte says.
 *
 * Whatever the file is, a key that comes out of it can be used, lies in its room, and is only for
 * algorithms of its own type; and every mistake has a text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "belfry/limits.h"
#include "wire/der.h"
#include "wire/jwks.h"
#include "wire/pem_key.h"
#include "wire/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define KEYS_MAX 100 /* of one file: checking a point takes half a millisecond */

static void check_slice(struct slice slice, const uint8_t *room, size_t size)
{
	if (slice_is_absent(slice))
		return;
	ASSERT(slice.bytes >= room && slice.bytes + slice.size <= room + size);
}

static void check_key(const struct jwt_key *key, const uint8_t *room, size_t size)
{
	ASSERT(key->algorithms != 0);
	ASSERT((key->algorithms & ~signature_algorithms(key->type)) == 0);
	ASSERT(key->bytes.size > 0 && key->kid.size <= KID_SIZE_MAX);
	check_slice(key->kid, room, size);
	check_slice(key->bytes, room, size);
	check_slice(key->exponent, room, size);
	ASSERT(!signature_verify(key, key->algorithms & -key->algorithms, SLICE("text"),
				 SLICE("no signature")));
}

static void read_set(struct slice text)
{
	uint8_t *room = malloc(JWKS_KEY_ROOM);
	struct jwks jwks;

	ASSERT(room != NULL);
	const char *wrong = jwks_open(text, &jwks);

	ASSERT(!wrong || wrong[0] != 0);
	for (int i = 0; !wrong && i < KEYS_MAX; i++) {
		struct jwt_key key;
		const char *reason = NULL;
		enum jwks_answer answer = jwks_next(&jwks, room, &key, &reason);

		if (answer == JWKS_END)
			break;
		if (answer == JWKS_KEY)
			check_key(&key, room, JWKS_KEY_ROOM);
		else
			ASSERT(reason && reason[0] != 0);
	}
	free(room);
}

static void read_pem(struct slice text)
{
	uint8_t *room = malloc(PEM_KEY_ROOM);
	struct jwt_key key;

	ASSERT(room != NULL);
	const char *wrong = pem_key_read(text, room, &key);

	if (wrong)
		ASSERT(wrong[0] != 0);
	else
		check_key(&key, room, PEM_KEY_ROOM);
	free(room);
}

static void read_der(struct slice bytes)
{
	struct jwt_key key = {.algorithms = 0};
	const char *wrong = der_read_public_key(bytes, &key);

	ASSERT(!wrong || wrong[0] != 0);
	if (wrong)
		return;
	check_slice(key.bytes, bytes.bytes, bytes.size);
	check_slice(key.exponent, bytes.bytes, bytes.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	struct slice input = slice_of(bytes + 1, size - 1);

	switch (bytes[0] & 3) {
	case 0:
		read_set(input);
		break;
	case 1:
		read_pem(input);
		break;
	default:
		read_der(input);
	}
	return 0;
}
