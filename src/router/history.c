/* router/history.c - records in the order of the log, each with a link back in its channel. */
#include "router/history.h"

#include <stdlib.h>

#include "router/history_private.h"

#define RECORDS_MAX (1u << 30) /* record_names.h needs all that are kept within 2^31 */

struct history *history_create(const struct history_options *options)
{
	struct history *history = malloc(sizeof(*history));

	if (!history)
		return NULL;
	*history = (struct history){.options = *options};
	if (history->options.records_max > RECORDS_MAX)
		history->options.records_max = RECORDS_MAX;
	block_queue_init(&history->records, sizeof(struct record));
	block_queue_init(&history->expiries, sizeof(struct expiry));
	record_names_init(&history->ids);
	record_names_init(&history->keys);
	record_channels_init(&history->channels);
	return history;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	block_queue_deinit(&history->records);
	block_queue_deinit(&history->expiries);
	record_names_deinit(&history->ids);
	record_names_deinit(&history->keys);
	record_channels_deinit(&history->channels);
	free(history);
}

/* ---- trimming ---- */

static void raise_floor(struct history *history, struct event_id floor)
{
	if (event_id_is_after(floor, history->floor))
		history->floor = floor;
}

static void trim_first(struct history *history)
{
	uint64_t number = history->records.first;
	const struct record *record = history_record(history, number);

	raise_floor(history, record->id);
	if (record->channel != RECORD_CHANNEL_NONE) {
		struct record_channel *channel =
			record_channels_at(&history->channels, record->channel);

		if (history_is_counted(channel, record, number))
			history_uncount(channel);
		if (channel->newest == number) {
			channel->newest = 0;
			record_channels_drop_unused(&history->channels, record->channel);
		}
	}
	block_queue_pop(&history->records);
}

static void trim_expiries(struct history *history)
{
	struct block_queue *queue = &history->expiries;

	while (block_queue_count(queue) > 0) {
		const struct expiry *expiry = block_queue_at(queue, queue->first);

		if (expiry->number >= history->records.first)
			return;
		block_queue_pop(queue);
	}
}

/* What belongs to records that are gone. */
static void trim_tables(struct history *history)
{
	record_names_trim(&history->ids, history->records.first);
	record_names_trim(&history->keys, history->records.first);
	trim_expiries(history);
}

static bool is_too_old(const struct history *history)
{
	struct event_id newest = history_id(history, history->records.end - 1);
	struct event_id oldest = history_id(history, history->records.first);

	return newest.ms - oldest.ms > history->options.retention_ms;
}

void history_trim(struct history *history)
{
	uint64_t first = history->records.first;

	while (history_count(history) > history->options.records_max ||
	       (history_count(history) > 0 && is_too_old(history)))
		trim_first(history);
	if (history->records.first != first)
		trim_tables(history);
}

void history_trim_before(struct history *history, struct event_id id)
{
	while (history_count(history) > 0 &&
	       event_id_is_after(id, history_id(history, history->records.first)))
		trim_first(history);
	trim_tables(history);
	raise_floor(history, id);
}

struct event_id history_floor(const struct history *history)
{
	return history->floor;
}

void history_raise_floor(struct history *history, struct event_id floor)
{
	raise_floor(history, floor);
}

/* ---- adding ---- */

bool history_is_duplicate(const struct history *history, uint64_t id_hash, struct event_id id)
{
	uint64_t number;

	if (id_hash == 0)
		return false;
	number = record_names_find(&history->ids, id_hash, history->records.first);
	if (number == 0)
		return false;
	uint64_t added_ms = history_id(history, number).ms;

	return id.ms < added_ms || id.ms - added_ms < history->options.dedupe_ms;
}

/* The same entry names a channel twice. */
static bool is_there(const struct history *history, const struct history_item *item)
{
	uint64_t newest = item->id_only ? 0 : history_newest(history, item->channel);

	return newest != 0 && event_id_equal(history_id(history, newest), item->id);
}

/* After this nothing can fail. */
static bool reserve(struct history *history, const struct history_item *item)
{
	return block_queue_reserve(&history->records) &&
	       (item->id_hash == 0 || record_names_reserve(&history->ids)) &&
	       (item->key_hash == 0 || record_names_reserve(&history->keys)) &&
	       (item->expires_ms == 0 || block_queue_reserve(&history->expiries));
}

static void supersede(struct history *history, struct record_channel *channel, uint64_t key_hash)
{
	uint64_t number = record_names_find(&history->keys, key_hash, history->records.first);

	if (number == 0)
		return;
	struct record *record = history_record(history, number);

	if (history_is_counted(channel, record, number))
		history_uncount(channel);
	record->flags |= RECORD_SUPERSEDED;
}

/* Links the record `number` behind its channel's newest. */
static void link_record(struct history *history, struct record *record, uint64_t number,
			const struct history_item *item)
{
	struct record_channel *channel = record_channels_at(&history->channels, record->channel);
	uint64_t distance = channel->newest ? number - channel->newest : 0;

	if (item->key_hash != 0) {
		supersede(history, channel, item->key_hash);
		record_names_push(&history->keys, item->key_hash, number);
	}
	if (item->expires_ms != 0) {
		struct expiry *expiry = block_queue_push(&history->expiries);

		*expiry = (struct expiry){.number = number, .at_ms = item->expires_ms};
		record->flags |= RECORD_EXPIRES;
		channel->has_expiring = true;
	}
	if (item->counts)
		channel->unread++;
	else
		record->flags |= RECORD_READ;
	record->distance = (uint32_t)distance; /* all that are kept lie within RECORDS_MAX */
	channel->newest = number;
	channel->partition = (uint16_t)item->partition;
}

enum history_verdict history_add(struct history *history, const struct history_item *item)
{
	uint64_t number = history->records.end;
	uint32_t channel = RECORD_CHANNEL_NONE;

	ASSERT(item->partition < RECORD_PARTITION_NONE);
	ASSERT(history_count(history) == 0 ||
	       !event_id_is_after(history_id(history, number - 1), item->id));
	if (history_is_duplicate(history, item->id_hash, item->id) || is_there(history, item))
		return HISTORY_DUPLICATE;
	if (item->id_only && item->id_hash == 0)
		return HISTORY_ADDED; /* nothing of it is remembered */
	if (!reserve(history, item))
		return HISTORY_NO_MEMORY;
	if (!item->id_only) {
		channel = record_channels_need(&history->channels, item->channel);
		if (channel == RECORD_CHANNEL_NONE)
			return HISTORY_NO_MEMORY;
	}
	struct record *record = block_queue_push(&history->records);

	*record = (struct record){.id = item->id, .channel = channel & RECORD_CHANNEL_NONE};
	if (item->id_hash != 0)
		record_names_push(&history->ids, item->id_hash, number);
	if (item->id_only)
		record->distance = item->partition;
	else
		link_record(history, record, number, item);
	history_trim(history);
	return HISTORY_ADDED;
}

/* ---- for operators ---- */

uint64_t history_count(const struct history *history)
{
	return block_queue_count(&history->records);
}

size_t history_size(const struct history *history)
{
	return sizeof(*history) + block_queue_size(&history->records) +
	       block_queue_size(&history->expiries) + record_names_size(&history->ids) +
	       record_names_size(&history->keys) + record_channels_size(&history->channels);
}
