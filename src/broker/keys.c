/* broker/keys.c - secret, PEM files, JWKS file: one keyring. */
#include "broker/keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "belfry/limits.h"
#include "broker/config_file.h"
#include "broker/config_text.h"
#include "broker/config_value.h"
#include "lane/keyring.h"
#include "wire/jwks.h"
#include "wire/jwt.h"
#include "wire/pem_key.h"
#include "wire/signature.h"

#define SECRET_SIZE_ADVISED 32 /* the size of an HS256 digest (RFC 7518 section 3.2) */

/* The keys so far. */
struct gathering {
	const struct config *config;
	keys_tell *tell;
	void *owner;
	bool is_wrong;
	uint32_t count;
	struct jwt_key keys[JWT_KEYS_MAX]; /* what they point to is on the heap */
};

static void PRINTF_LIKE(4, 5) complain(struct gathering *gathering, enum config_key key,
				       bool is_wrong, const char *format, ...)
{
	char text[512];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	gathering->is_wrong |= is_wrong;
	gathering->tell(gathering->owner, key, is_wrong, text);
}

/* Never of size 0: the caller's bytes are. */
static struct slice keep(struct slice bytes)
{
	if (slice_is_absent(bytes))
		return bytes;
	uint8_t *copy = malloc(bytes.size + 1);

	ASSERT(copy != NULL);
	memcpy(copy, bytes.bytes, bytes.size);
	return slice_of(copy, bytes.size);
}

static void release(struct slice bytes)
{
	uint8_t *copy = (uint8_t *)(uintptr_t)bytes.bytes;

	if (copy)
		explicit_bzero(copy, bytes.size);
	free(copy);
}

/* False: there are too many. */
static bool add(struct gathering *gathering, enum config_key from, const struct jwt_key *key)
{
	if (gathering->count == JWT_KEYS_MAX) {
		complain(gathering, from, true, "more than %d keys", JWT_KEYS_MAX);
		return false;
	}
	struct jwt_key *kept = &gathering->keys[gathering->count++];

	*kept = *key;
	kept->kid = keep(key->kid);
	kept->bytes = keep(key->bytes);
	kept->exponent = keep(key->exponent);
	return true;
}

/* Those of the key's algorithms that the configuration allows. */
static unsigned allowed_of(const struct config *config, unsigned algorithms)
{
	return config->algorithms ? algorithms & config->algorithms : algorithms;
}

/* HS256 unless `algorithm` names others: a secret is a secret for all of them. */
static void read_secret(struct gathering *gathering)
{
	const struct config *config = gathering->config;
	struct jwt_key key = {.type = JWT_KEY_SECRET, .bytes = slice_of_text(config->secret_key)};

	if (key.bytes.size == 0)
		return;
	key.algorithms =
		config->algorithms ? config->algorithms & JWT_ALGORITHMS_HS : (unsigned)JWT_HS256;
	if (key.algorithms)
		(void)add(gathering, CONFIG_KEY_secret_key, &key);
	else
		complain(gathering, CONFIG_KEY_secret_key,
			 config->public_key.count == 0 && !config->jwks_file[0],
			 "is not used: it is for HS256, HS384 and HS512, and algorithm names none "
			 "of them");
}

static const char *type_text(enum jwt_key_type type)
{
	switch (type) {
	case JWT_KEY_RSA:
		return "RS256, RS384 and RS512";
	case JWT_KEY_P256:
		return "ES256";
	case JWT_KEY_P384:
		return "ES384";
	default:
		return "HS256, HS384 and HS512";
	}
}

static void read_pem(struct gathering *gathering, const char *item)
{
	uint8_t room[PEM_KEY_ROOM];
	struct jwt_key key;
	struct slice kid;
	struct slice path;
	size_t size = 0;

	config_value_key_file(slice_of_text(item), &kid, &path);
	const char *name = (const char *)path.bytes; /* the end of an item */
	char *text = config_file_slurp(name, &size);

	if (!text) {
		complain(gathering, CONFIG_KEY_public_key, true, "%s: cannot be read: %s", name,
			 strerror(errno));
		return;
	}
	const char *wrong = pem_key_read(slice_of(text, size), room, &key);

	config_file_release(text, size);
	if (wrong) {
		complain(gathering, CONFIG_KEY_public_key, true, "%s: %s", name, wrong);
		return;
	}
	key.kid = kid;
	key.algorithms = allowed_of(gathering->config, key.algorithms);
	if (key.algorithms)
		(void)add(gathering, CONFIG_KEY_public_key, &key);
	else
		complain(gathering, CONFIG_KEY_public_key, true,
			 "%s: is a key for %s, which algorithm does not name", name,
			 type_text(key.type));
}

static void doubt_secret(struct gathering *gathering, const struct jwt_key *key, uint32_t index)
{
	if (key->type == JWT_KEY_SECRET && key->bytes.size < SECRET_SIZE_ADVISED)
		complain(gathering, CONFIG_KEY_jwks_file, false,
			 "%s: key %u has %zu bytes; %d random ones or more cannot be guessed",
			 gathering->config->jwks_file, index, key->bytes.size, SECRET_SIZE_ADVISED);
}

/* Keys are counted from 1. */
static void read_set(struct gathering *gathering, struct jwks *jwks)
{
	const char *path = gathering->config->jwks_file;
	const char *passed = "it is empty";
	uint32_t before = gathering->count;
	uint8_t room[JWKS_KEY_ROOM];
	enum jwks_answer answer;
	struct jwt_key key;
	const char *reason;

	for (uint32_t index = 1; (answer = jwks_next(jwks, room, &key, &reason)) != JWKS_END;
	     index++) {
		if (answer == JWKS_WRONG)
			complain(gathering, CONFIG_KEY_jwks_file, true, "%s: key %u %s", path,
				 index, reason);
		if (answer == JWKS_PASSED)
			passed = reason;
		if (answer != JWKS_KEY)
			continue;
		doubt_secret(gathering, &key, index);
		key.algorithms = allowed_of(gathering->config, key.algorithms);
		if (!key.algorithms)
			passed = "is for an algorithm that algorithm does not name";
		else if (!add(gathering, CONFIG_KEY_jwks_file, &key))
			break;
	}
	explicit_bzero(room, sizeof(room));
	if (gathering->count == before && !gathering->is_wrong)
		complain(gathering, CONFIG_KEY_jwks_file, true, "%s: no key in it can be used: %s",
			 path, passed);
}

static void read_jwks(struct gathering *gathering)
{
	const char *path = gathering->config->jwks_file;
	struct jwks jwks;
	size_t size = 0;

	if (!path[0])
		return;
	char *text = config_file_slurp(path, &size);

	if (!text) {
		complain(gathering, CONFIG_KEY_jwks_file, true, "%s: cannot be read: %s", path,
			 strerror(errno));
		return;
	}
	const char *wrong = jwks_open(slice_of(text, size), &jwks);

	if (wrong)
		complain(gathering, CONFIG_KEY_jwks_file, true, "%s: %s", path, wrong);
	else
		read_set(gathering, &jwks);
	config_file_release(text, size);
}

static struct jwt_names names_of(const struct config_list *list)
{
	return (struct jwt_names){(const char *const *)list->items, list->count};
}

static struct keyring *make(const struct gathering *gathering, uint32_t serial)
{
	const struct config *config = gathering->config;
	struct jwt_rules rules = {
		.keys = gathering->keys,
		.keys_count = gathering->count,
		.issuers = names_of(&config->issuer),
		.audiences = names_of(&config->audience),
		.leeway_s = config->token_leeway_ms / 1000,
		.claim_user = config->claim_user,
		.claim_channels = config->claim_channels,
		.claim_admin = config->claim_admin,
	};
	struct keyring *keyring = keyring_create(&rules, serial);

	ASSERT(keyring != NULL);
	return keyring;
}

struct keyring *keys_read(const struct config *config, uint32_t serial, keys_tell *tell,
			  void *owner)
{
	struct gathering gathering = {.config = config, .tell = tell, .owner = owner};
	struct keyring *keyring = NULL;

	_Static_assert(CONFIG_ALGORITHM_HS256 == JWT_HS256 && CONFIG_ALGORITHM_ES384 == JWT_ES384,
		       "the bits of the configuration are those of the keys");
	read_secret(&gathering);
	for (uint32_t i = 0; i < config->public_key.count; i++)
		read_pem(&gathering, config->public_key.items[i]);
	read_jwks(&gathering);
	if (!gathering.is_wrong)
		keyring = make(&gathering, serial);
	for (uint32_t i = 0; i < gathering.count; i++) {
		release(gathering.keys[i].kid);
		release(gathering.keys[i].bytes);
		release(gathering.keys[i].exponent);
	}
	return keyring;
}
