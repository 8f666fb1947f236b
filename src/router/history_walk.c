/* router/history_walk.c - from number to number: by channel, by event id. */
#include "router/history_private.h"

uint64_t history_first(const struct history *history)
{
	return history->records.first;
}

uint64_t history_end(const struct history *history)
{
	return history->records.end;
}

struct event_id history_id(const struct history *history, uint64_t number)
{
	return history_record(history, number)->id;
}

uint32_t history_partition(const struct history *history, uint64_t number)
{
	const struct record *record = history_record(history, number);

	if (record->channel == RECORD_CHANNEL_NONE)
		return record->distance;
	return record_channels_at(&history->channels, record->channel)->partition;
}

uint64_t history_newest(const struct history *history, uint64_t channel)
{
	uint32_t index = record_channels_find(&history->channels, channel);

	if (index == RECORD_CHANNEL_NONE)
		return 0;
	return record_channels_at(&history->channels, index)->newest;
}

uint64_t history_previous(const struct history *history, uint64_t number)
{
	const struct record *record = history_record(history, number);
	uint64_t distance = record->channel != RECORD_CHANNEL_NONE ? record->distance : 0;

	if (distance == 0 || distance > number - history->records.first)
		return 0;
	return number - distance;
}

/* When a record that is among the expiries expires. */
static uint64_t expiry_of(const struct history *history, uint64_t number)
{
	const struct block_queue *queue = &history->expiries;
	uint64_t low = queue->first, high = queue->end - 1;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const struct expiry *expiry = block_queue_at(queue, middle);

		if (expiry->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	const struct expiry *expiry = block_queue_at(queue, low);

	ASSERT(expiry->number == number);
	return expiry->at_ms;
}

bool history_is_current(const struct history *history, uint64_t number, uint64_t now_ms)
{
	const struct record *record = history_record(history, number);

	if (record->channel == RECORD_CHANNEL_NONE ||
	    (record->flags & (RECORD_DELETED | RECORD_SUPERSEDED)) != 0)
		return false;
	return (record->flags & RECORD_EXPIRES) == 0 || now_ms < expiry_of(history, number);
}

uint64_t history_after(const struct history *history, struct event_id id)
{
	uint64_t low = history->records.first, high = history->records.end;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (event_id_is_after(history_id(history, middle), id))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool history_has(const struct history *history, struct event_id id)
{
	uint64_t after = history_after(history, id);

	return after > history->records.first && event_id_equal(history_id(history, after - 1), id);
}

/* Side by side there are no more than each stream's entry of this id has. */
bool history_has_of(const struct history *history, struct event_id id, uint32_t partition)
{
	uint64_t number = history_after(history, id);

	while (number > history->records.first &&
	       event_id_equal(history_id(history, number - 1), id))
		if (history_partition(history, --number) == partition)
			return true;
	return false;
}
