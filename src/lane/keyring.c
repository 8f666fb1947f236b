/* lane/keyring.c - one block: struct, keys, names, bytes. */
#include "lane/keyring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static size_t names_size(const struct jwt_names *names)
{
	size_t size = names->count * sizeof(char *);

	for (uint32_t i = 0; i < names->count; i++)
		size += strlen(names->items[i]) + 1;
	return size;
}

static size_t keys_size(const struct jwt_rules *rules)
{
	size_t size = rules->keys_count * sizeof(struct jwt_key);

	for (uint32_t i = 0; i < rules->keys_count; i++)
		size += rules->keys[i].kid.size + rules->keys[i].bytes.size +
			rules->keys[i].exponent.size;
	return size;
}

static size_t rules_size(const struct jwt_rules *rules)
{
	return keys_size(rules) + names_size(&rules->issuers) + names_size(&rules->audiences) +
	       strlen(rules->claim_user) + strlen(rules->claim_channels) +
	       strlen(rules->claim_admin) + 3;
}

/* Takes `size` bytes of the block. */
static uint8_t *take(uint8_t **at, const void *bytes, size_t size)
{
	uint8_t *copy = *at;

	if (size > 0)
		memcpy(copy, bytes, size);
	*at += size;
	return copy;
}

static struct slice copy_slice(uint8_t **at, struct slice slice)
{
	if (slice_is_absent(slice))
		return slice;
	return slice_of(take(at, slice.bytes, slice.size), slice.size);
}

static const char *copy_text(uint8_t **at, const char *text)
{
	return (const char *)take(at, text, strlen(text) + 1);
}

/* Pointers first, texts behind all of them: both are where they are aligned. */
static struct jwt_names copy_names(const struct jwt_names *names, const char **room, uint8_t **at)
{
	for (uint32_t i = 0; i < names->count; i++)
		room[i] = copy_text(at, names->items[i]);
	return (struct jwt_names){room, names->count};
}

static void copy_keys(const struct jwt_rules *rules, struct jwt_key *keys, uint8_t **at)
{
	for (uint32_t i = 0; i < rules->keys_count; i++) {
		keys[i] = rules->keys[i];
		keys[i].kid = copy_slice(at, rules->keys[i].kid);
		keys[i].bytes = copy_slice(at, rules->keys[i].bytes);
		keys[i].exponent = copy_slice(at, rules->keys[i].exponent);
	}
}

struct keyring *keyring_create(const struct jwt_rules *rules, uint32_t serial)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring) + rules_size(rules));

	if (!keyring)
		return NULL;
	struct jwt_key *keys = (struct jwt_key *)(keyring + 1);
	const char **issuers = (const char **)(keys + rules->keys_count);
	const char **audiences = issuers + rules->issuers.count;
	uint8_t *at = (uint8_t *)(audiences + rules->audiences.count);

	atomic_init(&keyring->refs, 1);
	keyring->serial = serial;
	keyring->rules = *rules;
	keyring->rules.keys = keys;
	copy_keys(rules, keys, &at);
	keyring->rules.issuers = copy_names(&rules->issuers, issuers, &at);
	keyring->rules.audiences = copy_names(&rules->audiences, audiences, &at);
	keyring->rules.claim_user = copy_text(&at, rules->claim_user);
	keyring->rules.claim_channels = copy_text(&at, rules->claim_channels);
	keyring->rules.claim_admin = copy_text(&at, rules->claim_admin);
	ASSERT((size_t)(at - (uint8_t *)(keyring + 1)) == rules_size(rules));
	return keyring;
}

void keyring_ref(struct keyring *keyring)
{
	/* relaxed: whoever adds holds a reference already */
	atomic_fetch_add_explicit(&keyring->refs, 1, memory_order_relaxed);
}

void keyring_unref(struct keyring *keyring)
{
	if (!keyring)
		return;
	/* release: our reads are done; acquire: so are everybody else's before the free */
	uint32_t before = atomic_fetch_sub_explicit(&keyring->refs, 1, memory_order_acq_rel);

	ASSERT(before > 0);
	if (before > 1)
		return;
	explicit_bzero(keyring + 1, rules_size(&keyring->rules));
	free(keyring);
}
