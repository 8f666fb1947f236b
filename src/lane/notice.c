/* lane/notice.c - the one shared ownership in the program. */
#include "lane/notice.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct notice *notice_create(uint32_t channels_count, size_t bytes_size, uint8_t **ret_bytes)
{
	size_t fixed = sizeof(struct notice) + channels_count * sizeof(struct notice_channel);
	struct notice *notice = malloc(fixed + bytes_size);

	ASSERT(channels_count > 0);
	if (!notice)
		return NULL;
	memset(notice, 0, fixed);
	atomic_init(&notice->refs, 1);
	notice->channels_count = channels_count;
	*ret_bytes = (uint8_t *)notice + fixed;
	return notice;
}

void notice_ref(struct notice *notice, uint32_t count)
{
	/* relaxed: whoever adds holds a reference already */
	atomic_fetch_add_explicit(&notice->refs, count, memory_order_relaxed);
}

void notice_unref(struct notice *notice)
{
	/* release: our reads are done; acquire: so are everybody else's before the free */
	uint32_t before = atomic_fetch_sub_explicit(&notice->refs, 1, memory_order_acq_rel);

	ASSERT(before > 0);
	if (before == 1)
		free(notice);
}
