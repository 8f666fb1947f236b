/* shard/poll_answer.c - cuts events, counts them, and tells up to where they reach. */
#include "shard/poll_answer.h"

#include "base/assert.h"
#include "wire/event_id.h"
#include "wire/sse.h"

#define FRAME_SIZE_MAX 256 /* all but the events, which are shorter than in the outbox */

size_t poll_answer_size_max(const struct outbox *outbox)
{
	return FRAME_SIZE_MAX + outbox_size(outbox);
}

/* What was written so far. */
struct batch {
	uint32_t count;
	bool is_cut;                  /* something durable was left out */
	struct event_id last;         /* of what is in */
	struct event_id first_absent; /* is_cut */
};

static void take(struct writer *writer, const struct sse_cut *cut, uint32_t limit,
		 struct batch *batch)
{
	bool is_durable = !event_id_is_none(cut->id);

	if (batch->is_cut)
		return;
	if (batch->count == limit) {
		batch->is_cut = is_durable;
		batch->first_absent = cut->id;
		return;
	}
	if (batch->count++ > 0)
		writer_text(writer, ",");
	sse_write_data(writer, cut);
	if (is_durable)
		batch->last = cut->id;
}

static struct event_id position_of(const struct poll_answer *answer, const struct batch *batch)
{
	if (batch->is_cut)
		return event_id_is_none(batch->last) ? event_id_before(batch->first_absent)
						     : batch->last;
	return event_id_is_after(batch->last, answer->position) ? batch->last : answer->position;
}

static void write_position(struct writer *writer, struct event_id position)
{
	if (event_id_is_none(position)) {
		writer_text(writer, "null");
		return;
	}
	writer_text(writer, "\"");
	event_id_write(writer, position);
	writer_text(writer, "\"");
}

uint32_t poll_answer_write(struct writer *writer, const struct poll_answer *answer,
			   struct outbox **outbox)
{
	struct batch batch = {.count = 0};
	struct sse_cut cut;

	writer_text(writer, "{\"events\":[");
	while (*outbox) {
		struct slice bytes = outbox_first(*outbox); /* events are not divided over two */
		size_t size = bytes.size;

		while (bytes.size > 0) {
			bool is_whole = sse_cut_event(&bytes, &cut);

			ASSERT(is_whole);
			take(writer, &cut, answer->limit, &batch);
		}
		outbox_consume(outbox, size);
	}
	writer_text(writer, "],\"last_event_id\":");
	write_position(writer, position_of(answer, &batch));
	writer_format(writer, ",\"recovered\":%s", answer->is_recovered ? "true" : "false");
	if (answer->has_unread)
		writer_format(writer, ",\"unread\":%u", answer->unread);
	writer_format(writer, ",\"epoch\":\"%016lx\"}", answer->epoch);
	return batch.count;
}
