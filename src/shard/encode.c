/* shard/encode.c - one case for each encoding. */
#include "shard/encode.h"

#include "shard/notice_frame.h"
#include "shard/shard_state.h"

/* The notice's own frame, or one made in the arena. */
static struct slice encode_ws(struct shard *shard, const struct notice *notice, uint32_t index)
{
	size_t size = notice_frame_size(notice, index);
	uint8_t *bytes;

	if (!slice_is_absent(notice->frame))
		return notice->frame;
	bytes = arena_take(&shard->arena, size);
	ASSERT(bytes != NULL);
	notice_frame_write(notice, index, bytes);
	return slice_of(bytes, size);
}

struct slice encode_notice(struct shard *shard, const struct notice *notice, uint32_t index,
			   enum encoding encoding)
{
	ASSERT(index < notice->channels_count && encoding < ENCODING_COUNT);
	counter_add(&shard->counters->encoded, 1);
	switch (encoding) {
	case ENCODING_WS:
	default:
		return encode_ws(shard, notice, index);
	}
}
