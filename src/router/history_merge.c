/* router/history_merge.c - two indexes side by side, record by record. */
#include "router/history_merge.h"

#include <stdlib.h>

#include "router/history_private.h"

/* What a channel is in the new index. Its newest record is here until all are copied, because the
 * channels themselves do not fit into a processor's caches. */
struct copied_channel {
	uint32_t index;  /* RECORD_CHANNEL_NONE: it is not copied */
	uint32_t newest; /* number; 0: none yet */
};

/* One of the old indexes, and how far it is copied. */
struct source {
	const struct history *history;
	uint64_t next;                   /* number of the next record */
	uint64_t next_id, next_key;      /* places of record_names_next */
	uint64_t next_expiry;            /* number in its queue */
	uint32_t past;                   /* new number behind the last record that was copied */
	uint32_t *pasts;                 /* `past` as it was at each record, and at the end */
	struct copied_channel *channels; /* by old index */
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

		source->channels[i] = (struct copied_channel){.index = RECORD_CHANNEL_NONE};
		if (is_channel_kept(merge, channel) &&
		    !copy_channel(merge, channel, &source->channels[i].index))
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
		const struct copied_channel *copied = &source->channels[i];

		if (copied->index == RECORD_CHANNEL_NONE)
			continue;
		struct record_channel *channel =
			record_channels_at(&merge->merged->channels, copied->index);

		if (channel->partition != old->partition)
			continue;
		channel->newest = copied->newest;
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
	return source->channels[record->channel].index != RECORD_CHANNEL_NONE;
}

/* When the next record of the source, which is among the expiries, expires. */
static uint64_t take_expiry(struct source *source)
{
	const struct block_queue *queue = &source->history->expiries;
	const struct expiry *expiry;

	do
		expiry = block_queue_at(queue, source->next_expiry++);
	while (expiry->number < source->next);
	ASSERT(expiry->number == source->next);
	return expiry->at_ms;
}

/* The hash that `old` has for the source's next record, if it has one. */
static bool copy_name(const struct source *source, const struct record_names *old, uint64_t *place,
		      struct record_names *names, uint64_t number)
{
	uint64_t hash = record_names_next(old, place, source->next);

	return hash == 0 || record_names_append(names, hash, number);
}

static bool copy_expiry(struct source *source, struct block_queue *expiries, uint64_t number)
{
	const struct record *record = history_record(source->history, source->next);

	if ((record->flags & RECORD_EXPIRES) == 0)
		return true;
	if (!block_queue_reserve(expiries))
		return false;
	struct expiry *expiry = block_queue_push(expiries);

	*expiry = (struct expiry){.number = number, .at_ms = take_expiry(source)};
	return true;
}

static void link_record(struct record *record, uint32_t number, struct copied_channel *channel)
{
	record->channel = channel->index & RECORD_CHANNEL_NONE;
	record->distance = channel->newest ? number - channel->newest : 0;
	channel->newest = number;
}

/* The next record of the source. */
static bool copy_record(struct history *merged, struct source *source)
{
	const struct history *history = source->history;
	const struct record *old = history_record(history, source->next);
	uint64_t number = merged->records.end;

	if (!block_queue_reserve(&merged->records) ||
	    !copy_name(source, &history->ids, &source->next_id, &merged->ids, number) ||
	    !copy_name(source, &history->keys, &source->next_key, &merged->keys, number) ||
	    !copy_expiry(source, &merged->expiries, number))
		return false;
	struct record *record = block_queue_push(&merged->records);

	*record = *old;
	if (old->channel != RECORD_CHANNEL_NONE)
		link_record(record, (uint32_t)number, &source->channels[old->channel]);
	return true;
}

/* If it is kept. */
static bool take_record(struct merge *merge, struct source *source)
{
	const struct block_queue *records = &source->history->records;

	source->pasts[source->next - records->first] = source->past;
	if (is_record_kept(merge, source, block_queue_at(records, source->next))) {
		if (!copy_record(merge->merged, source))
			return false;
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

		if (!take_record(merge, from_a ? a : b))
			return false;
	}
	a->pasts[history_count(a->history)] = a->past;
	b->pasts[history_count(b->history)] = b->past;
	return record_names_link(&merge->merged->ids) && record_names_link(&merge->merged->keys);
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

static bool copy_both(struct merge *merge, struct source *a, struct source *b)
{
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
