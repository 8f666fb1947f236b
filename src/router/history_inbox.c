/* router/history_inbox.c - what a user has read, and how much it has not. */
#include "router/history_private.h"

#define BASE_MAX (1u << 31) /* with all records that can be kept it fits */

/* The record is in the channel with this hash. */
static bool is_in(const struct history *history, uint64_t number, uint64_t channel)
{
	uint32_t index = history_record(history, number)->channel;

	return index != RECORD_CHANNEL_NONE &&
	       record_channels_at(&history->channels, index)->hash == channel;
}

uint64_t history_find(const struct history *history, uint64_t channel, uint64_t id_hash)
{
	uint64_t number = 0;

	if (id_hash != 0)
		number = record_names_find(&history->ids, id_hash, history->records.first);
	return number != 0 && is_in(history, number, channel) ? number : 0;
}

/* One entry has at most ENTRY_CHANNELS_MAX records, side by side. */
uint64_t history_find_event(const struct history *history, uint64_t channel, struct event_id id)
{
	uint64_t number = history_after(history, id);

	while (number > history->records.first &&
	       event_id_equal(history_id(history, number - 1), id))
		if (is_in(history, --number, channel))
			return number;
	return 0;
}

/* A record that is not counted is part of the base, which goes down in its place. */
static void settle(struct record_channel *channel, const struct record *record, uint64_t number)
{
	if (!history_is_unread(channel, record, number))
		return;
	if (number >= channel->counted_from)
		history_uncount(channel);
	else if (channel->base > 0)
		channel->base--;
}

bool history_set_mark(struct history *history, uint64_t number, enum history_mark mark)
{
	struct record *record = history_record(history, number);
	uint32_t flag = mark == HISTORY_READ ? RECORD_READ : RECORD_DELETED;

	ASSERT(record->channel != RECORD_CHANNEL_NONE);
	struct record_channel *channel = record_channels_at(&history->channels, record->channel);

	if ((record->flags & flag) != 0 || (mark == HISTORY_READ && number < channel->read_from))
		return false;
	settle(channel, record, number);
	record->flags |= flag & 0xF;
	return true;
}

/* How many of the channel's records from `from` on are counted. */
static uint32_t count_from(const struct history *history, const struct record_channel *channel,
			   uint64_t from)
{
	uint64_t number = channel->newest;
	uint32_t count = 0;

	while (number >= from && number != 0) {
		count += history_is_counted(channel, history_record(history, number), number);
		number = history_previous(history, number);
	}
	return count;
}

uint32_t history_read_all(struct history *history, uint64_t channel, struct event_id last)
{
	uint32_t index = record_channels_find(&history->channels, channel);
	uint64_t from = history_after(history, last);

	if (index == RECORD_CHANNEL_NONE)
		return 0;
	struct record_channel *found = record_channels_at(&history->channels, index);
	uint32_t before = found->unread + found->base;

	if (from >= found->counted_from)
		found->base = 0;
	if (from > found->read_from) {
		found->unread = count_from(history, found, from);
		found->read_from = from;
	}
	uint32_t read = before - (found->unread + found->base);

	record_channels_drop_unused(&history->channels, index);
	return read;
}

void history_set_base(struct history *history, uint64_t channel, uint32_t count)
{
	uint32_t index = count > 0 ? record_channels_need(&history->channels, channel)
				   : record_channels_find(&history->channels, channel);

	if (index == RECORD_CHANNEL_NONE)
		return;
	struct record_channel *found = record_channels_at(&history->channels, index);

	found->base = count < BASE_MAX ? count : BASE_MAX;
	found->unread = 0;
	found->counted_from = history->records.end;
	record_channels_drop_unused(&history->channels, index);
}

bool history_has_base(const struct history *history, uint64_t channel)
{
	uint32_t index = record_channels_find(&history->channels, channel);

	return index != RECORD_CHANNEL_NONE &&
	       record_channels_at(&history->channels, index)->base > 0;
}

/* Of those that are counted; time is looked at here and not in the fold, so all nodes agree. */
static uint32_t count_expired(const struct history *history, const struct record_channel *channel,
			      uint64_t now_ms)
{
	uint64_t number = channel->newest;
	uint32_t left = channel->unread, expired = 0;

	while (left > 0 && number != 0) {
		const struct record *record = history_record(history, number);

		if (history_is_counted(channel, record, number)) {
			left--;
			expired += !history_is_current(history, number, now_ms);
		}
		number = history_previous(history, number);
	}
	return expired;
}

uint32_t history_unread(const struct history *history, uint64_t channel, uint64_t now_ms)
{
	uint32_t index = record_channels_find(&history->channels, channel);

	if (index == RECORD_CHANNEL_NONE)
		return 0;
	const struct record_channel *found = record_channels_at(&history->channels, index);
	uint32_t unread = found->unread + found->base;

	if (found->has_expiring && now_ms > 0)
		unread -= count_expired(history, found, now_ms);
	return unread;
}
