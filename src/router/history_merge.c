/* router/history_merge.c - two indexes side by side, record by record. */
#include "router/history_merge.h"

#include <stdlib.h>

#include "router/history_private.h"

/* One of the old indexes, and how far it is copied. */
struct source {
	const struct history *history;
	uint64_t next;              /* number of the next record */
	uint64_t next_id, next_key; /* places of record_names_next */
	uint64_t next_expiry;       /* number in its queue */
	uint32_t past;              /* new number behind the last record that was copied */
	uint32_t *pasts;            /* `past` as it was at each record, and at the end */
	uint32_t *channels;         /* new index by old one; RECORD_CHANNEL_NONE: not copied */
};

struct merge {
	struct history *merged;
	const struct partition_set *kept;
};

/* ---- channels ---- */

/* A base without any record is of no known partition, and stays. */
static bool is_channel_kept(const struct merge *merge, const struct record_channel *channel)
{
	return channel->is_used && (channel->partition == RECORD_PARTITION_NONE ||
				    partition_set_has(merge->kept, channel->partition));
}

/* Without its records, and with numbers that are still the old ones. What knows its partition is
 * right about a base that both have. */
static bool copy_channel(struct merge *merge, const struct record_channel *old, uint32_t *ret_index)
{
	struct record_channels *channels = &merge->merged->channels;
	uint32_t index = record_channels_need(channels, old->hash);

	if (index == RECORD_CHANNEL_NONE)
		return false;
	*ret_index = index;
	struct record_channel *channel = record_channels_at(channels, index);

	ASSERT(old->partition == RECORD_PARTITION_NONE ||
	       channel->partition == RECORD_PARTITION_NONE);
	if (old->partition == RECORD_PARTITION_NONE && channel->partition != RECORD_PARTITION_NONE)
		return true;
	channel->partition = old->partition;
	channel->unread = old->unread;
	channel->base = old->base;
	channel->has_expiring = old->has_expiring;
	return true;
}

static bool copy_channels(struct merge *merge, struct source *source)
{
	const struct record_channels *channels = &source->history->channels;

	for (uint32_t i = 0; i < record_channels_end(channels); i++) {
		const struct record_channel *channel = record_channels_at(channels, i);

		source->channels[i] = RECORD_CHANNEL_NONE;
		if (is_channel_kept(merge, channel) &&
		    !copy_channel(merge, channel, &source->channels[i]))
			return false;
	}
	return true;
}

/* An old number that parts a channel's records, as a new one. Right behind the last record that is
 * before it: a base is set by an entry of its channel, so that all from other partitions that
 * follow this one are after it. */
static uint64_t past_of(const struct source *source, uint64_t number)
{
	const struct block_queue *records = &source->history->records;

	if (number > records->end)
		number = records->end;
	return source->pasts[number > records->first ? number - records->first : 0];
}

/* When all records are copied. */
static void renumber_channels(struct merge *merge, struct source *source)
{
	const struct record_channels *channels = &source->history->channels;

	for (uint32_t i = 0; i < record_channels_end(channels); i++) {
		const struct record_channel *old = record_channels_at(channels, i);

		if (source->channels[i] == RECORD_CHANNEL_NONE)
			continue;
		struct record_channel *channel =
			record_channels_at(&merge->merged->channels, source->channels[i]);

		if (channel->partition != old->partition)
			continue;
		channel->read_from = past_of(source, old->read_from);
		channel->counted_from = past_of(source, old->counted_from);
	}
}

/* ---- records ---- */

static bool is_record_kept(const struct merge *merge, const struct source *source,
			   const struct record *record)
{
	if (record->channel == RECORD_CHANNEL_NONE)
		return partition_set_has(merge->kept, record->distance);
	return source->channels[record->channel] != RECORD_CHANNEL_NONE;
}

/* When the next record of the source expires; 0: never. */
static uint64_t take_expiry(struct source *source, const struct record *record)
{
	const struct block_queue *queue = &source->history->expiries;
	const struct expiry *expiry;

	if ((record->flags & RECORD_EXPIRES) == 0)
		return 0;
	do
		expiry = block_queue_at(queue, source->next_expiry++);
	while (expiry->number < source->next);
	ASSERT(expiry->number == source->next);
	return expiry->at_ms;
}

static void push_record(struct history *merged, const struct record *old, uint32_t channel_index,
			const struct history_item *names)
{
	uint64_t number = merged->records.end;
	struct record *record = block_queue_push(&merged->records);

	*record = *old;
	if (names->id_hash != 0)
		record_names_push_new(&merged->ids, names->id_hash, number);
	if (names->key_hash != 0)
		record_names_push_new(&merged->keys, names->key_hash, number);
	if (names->expires_ms != 0) {
		struct expiry *expiry = block_queue_push(&merged->expiries);

		*expiry = (struct expiry){.number = number, .at_ms = names->expires_ms};
	}
	if (channel_index == RECORD_CHANNEL_NONE)
		return;
	struct record_channel *channel = record_channels_at(&merged->channels, channel_index);

	record->channel = channel_index & RECORD_CHANNEL_NONE;
	record->distance = channel->newest ? (uint32_t)(number - channel->newest) : 0;
	channel->newest = number;
}

/* The next record of the source, if it is kept. */
static bool copy_record(struct merge *merge, struct source *source)
{
	const struct history *history = source->history;
	const struct record *record = history_record(history, source->next);
	uint32_t channel = RECORD_CHANNEL_NONE;

	source->pasts[source->next - history->records.first] = source->past;
	if (is_record_kept(merge, source, record)) {
		const struct history_item names = {
			.id_hash = record_names_next(&history->ids, &source->next_id, source->next),
			.key_hash =
				record_names_next(&history->keys, &source->next_key, source->next),
			.expires_ms = take_expiry(source, record),
		};

		if (!history_reserve(merge->merged, &names))
			return false;
		if (record->channel != RECORD_CHANNEL_NONE)
			channel = source->channels[record->channel];
		push_record(merge->merged, record, channel, &names);
		source->past = (uint32_t)merge->merged->records.end;
	}
	source->next++;
	return true;
}

static bool is_at_end(const struct source *source)
{
	return source->next == source->history->records.end;
}

/* The next record of `a` comes before that of `b`. */
static bool is_before(const struct source *a, const struct source *b)
{
	struct event_id id_a = history_id(a->history, a->next);
	struct event_id id_b = history_id(b->history, b->next);

	if (!event_id_equal(id_a, id_b))
		return event_id_is_after(id_b, id_a);
	return history_partition(a->history, a->next) < history_partition(b->history, b->next);
}

static bool copy_records(struct merge *merge, struct source *a, struct source *b)
{
	while (!is_at_end(a) || !is_at_end(b)) {
		bool from_a = is_at_end(b) || (!is_at_end(a) && is_before(a, b));

		if (!copy_record(merge, from_a ? a : b))
			return false;
	}
	a->pasts[history_count(a->history)] = a->past;
	b->pasts[history_count(b->history)] = b->past;
	return true;
}

/* ---- both ---- */

static bool source_init(struct source *source, const struct history *history)
{
	uint32_t channels = record_channels_end(&history->channels);

	*source = (struct source){
		.history = history,
		.next = history->records.first,
		.next_expiry = history->expiries.first,
		.past = 1,
		.pasts = malloc((history_count(history) + 1) * sizeof(*source->pasts)),
		.channels = malloc((channels + 1) * sizeof(*source->channels)),
	};
	return source->pasts && source->channels;
}

static void source_deinit(struct source *source)
{
	free(source->pasts);
	free(source->channels);
}

/* For all that are there, although not all may be kept. */
static bool widen(struct record_names *names, const struct record_names *a,
		  const struct record_names *b)
{
	uint64_t count = block_queue_count(&a->items) + block_queue_count(&b->items);

	return record_names_widen(names, count);
}

static bool copy_both(struct merge *merge, struct source *a, struct source *b)
{
	if (!widen(&merge->merged->ids, &a->history->ids, &b->history->ids) ||
	    !widen(&merge->merged->keys, &a->history->keys, &b->history->keys))
		return false;
	if (!copy_channels(merge, a) || !copy_channels(merge, b) || !copy_records(merge, a, b))
		return false;
	renumber_channels(merge, a);
	renumber_channels(merge, b);
	history_raise_floor(merge->merged, history_floor(a->history));
	history_raise_floor(merge->merged, history_floor(b->history));
	history_trim(merge->merged);
	return true;
}

struct history *history_merge(const struct history *one, const struct history *other,
			      const struct partition_set *kept)
{
	struct merge merge = {.merged = history_create(&one->options), .kept = kept};
	struct history *nothing = other ? NULL : history_create(&one->options);
	struct source a = {0}, b = {0};
	bool is_done = false;

	if (merge.merged && (other || nothing))
		is_done = source_init(&a, one) && source_init(&b, other ? other : nothing) &&
			  copy_both(&merge, &a, &b);
	source_deinit(&a);
	source_deinit(&b);
	history_destroy(nothing);
	if (is_done)
		return merge.merged;
	history_destroy(merge.merged);
	return NULL;
}
