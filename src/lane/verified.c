/* lane/verified.c - shared like notices are. */
#include "lane/verified.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

size_t verified_size(const struct verified *verified)
{
	return sizeof(*verified) + verified->user.size + verified->jti.size +
	       verified->channels.size;
}

static struct slice copy(uint8_t **at, struct slice text)
{
	if (slice_is_absent(text))
		return text;
	memcpy(*at, text.bytes, text.size);
	*at += text.size;
	return slice_of(*at - text.size, text.size);
}

struct verified *verified_create(const struct verified *source)
{
	struct verified *verified = malloc(verified_size(source));

	if (!verified)
		return NULL;
	uint8_t *at = (uint8_t *)(verified + 1);

	*verified = (struct verified){
		.serial = source->serial,
		.name = source->name,
		.expires_s = source->expires_s,
		.not_before_s = source->not_before_s,
		.issued_s = source->issued_s,
		.user = copy(&at, source->user),
		.jti = copy(&at, source->jti),
		.channels = copy(&at, source->channels),
		.admin = source->admin,
	};
	atomic_init(&verified->refs, 1);
	return verified;
}

void verified_ref(struct verified *verified, uint32_t count)
{
	/* relaxed: whoever adds holds a reference already */
	atomic_fetch_add_explicit(&verified->refs, count, memory_order_relaxed);
}

void verified_unref(struct verified *verified)
{
	/* release: our reads are done; acquire: so are everybody else's before the free */
	uint32_t before = atomic_fetch_sub_explicit(&verified->refs, 1, memory_order_acq_rel);

	ASSERT(before > 0);
	if (before == 1)
		free(verified);
}
