/* admin/api_keys.c - who may use the HTTP API. */
#include "admin/api_keys.h"

#include <stdlib.h>

#include "base/assert.h"

static void read_key(struct api_key *key, struct slice text)
{
	struct slice prefix = slice_of_text(CONFIG_HASHED_KEY);

	if (!slice_starts_with(text, prefix)) {
		digest_sha256(text, key->hash);
		return;
	}
	bool right = digest_read_sha256(slice_skip(text, prefix.size), key->hash);

	ASSERT(right); /* the configuration was checked */
}

bool api_keys_init(struct api_keys *keys, const struct config_list *list)
{
	keys->count = 0;
	keys->items = calloc(list->count ? list->count : 1, sizeof(*keys->items));
	if (!keys->items)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		read_key(&keys->items[keys->count++], slice_of_text(list->items[i]));
	return true;
}

void api_keys_deinit(struct api_keys *keys)
{
	free(keys->items);
	keys->items = NULL;
	keys->count = 0;
}

struct api_key *api_keys_find(const struct api_keys *keys, struct slice authorization)
{
	struct slice value = authorization;
	struct slice scheme = slice_cut(&value, ' ');
	uint8_t hash[SHA256_SIZE];
	struct api_key *found = NULL;

	if (slice_is_absent(value) || !slice_equal_fold(scheme, SLICE("Bearer")))
		return NULL;
	digest_sha256(slice_trim(value), hash);
	for (uint32_t i = 0; i < keys->count; i++)
		if (digest_equal(slice_of(keys->items[i].hash, SHA256_SIZE),
				 slice_of(hash, SHA256_SIZE)))
			found = &keys->items[i];
	return found;
}
