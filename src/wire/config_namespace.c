/* wire/config_namespace.c - from number to name and back. */
#include "wire/config_namespace.h"

#include "base/assert.h"

struct slice config_namespace_name(const struct config *config, uint32_t number)
{
	ASSERT(number <= config->namespace.count);
	return number == 0 ? SLICE("/") : slice_of_text(config->namespace.items[number - 1]);
}

struct slice config_namespace_of(const struct config *config, enum encoding encoding)
{
	if (encoding < ENCODING_SOCKET_IO)
		return SLICE("/");
	return config_namespace_name(config, (uint32_t)(encoding - ENCODING_SOCKET_IO));
}

bool config_namespace_find(const struct config *config, struct slice name, uint32_t *ret_number)
{
	for (uint32_t i = 0; i <= config->namespace.count; i++) {
		if (!slice_equal(config_namespace_name(config, i), name))
			continue;
		*ret_number = i;
		return true;
	}
	return false;
}
