/* wire/channel_name.c - what may stand in a channel's name. */
#include "wire/channel_name.h"

#include "belfry/limits.h"
#include "wire/utf8.h"

/* C1 controls are U+0080..U+009F: C2 80..C2 9F, and C2 is a lead byte wherever it stands. */
static bool has_c1(struct slice name)
{
	for (size_t i = 0; i + 1 < name.size; i++)
		if (name.bytes[i] == 0xC2 && name.bytes[i + 1] < 0xA0)
			return true;
	return false;
}

bool channel_name_is_valid(struct slice name)
{
	uint8_t seen = 0;

	if (name.size == 0 || name.size > CHANNEL_SIZE_MAX)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t byte = name.bytes[i];

		if (byte <= ' ' || byte == ',' || byte == 0x7F)
			return false;
		seen |= byte;
	}
	return seen < 0x80 || (utf8_is_valid(name) && !has_c1(name));
}

struct slice channel_name_namespace(struct slice name)
{
	return slice_cut(&name, ':');
}
