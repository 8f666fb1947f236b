/* tests/model/history_model.c - the history against an array of records that is searched from end
 * to end: what is kept, what is current, how much is unread. Small windows that move on fast, and
 * now and then one of many blocks. */
#include <string.h>

#include "model.h"
#include "router/history.h"

#define RECORDS 120000 /* of one round */
#define CHANNELS 40
#define NAMES 60 /* producers' ids, and keys, of a channel */

struct truth {
	struct history_item item;
	uint32_t channel;
	bool superseded, read, deleted, is_counted;
};

static struct truth records[RECORDS]; /* by number */
static uint64_t first, end;
static uint64_t bases[CHANNELS];
static uint64_t based_at[CHANNELS]; /* number of the next record when the base was set */
static struct event_id floor_id, now;
static struct history_options options;
static struct history *history;
static uint32_t names_count; /* few names come back often */
static uint32_t walk_every;  /* steps between checks that look at everything */

static uint64_t channel_hash(uint32_t channel)
{
	return channel * 0x9E3779B97F4A7C15u;
}

/* With few bits that differ, so that chains get long; 0: without a name. */
static uint64_t name_hash(uint32_t channel, uint32_t name)
{
	return name ? (uint64_t)channel << 40 | (uint64_t)name << 7 : 0;
}

static bool is_kept(uint64_t number)
{
	return number >= first && number < end;
}

static bool is_unread(const struct truth *record)
{
	return record->item.counts && !record->read && !record->deleted && !record->superseded;
}

static void raise_truth(struct event_id id)
{
	if (event_id_is_after(id, floor_id))
		floor_id = id;
}

static uint64_t find_name(uint64_t id_hash)
{
	for (uint64_t number = end; id_hash != 0 && number-- > first;)
		if (records[number].item.id_hash == id_hash)
			return number;
	return 0;
}

static uint64_t find_newest(uint32_t channel, uint64_t before)
{
	for (uint64_t number = before; number-- > first;)
		if (!records[number].item.id_only && records[number].channel == channel)
			return number;
	return 0;
}

static bool is_expired(const struct truth *record, uint64_t now_ms)
{
	return record->item.expires_ms != 0 && now_ms >= record->item.expires_ms;
}

static uint64_t unread_at(uint32_t channel, uint64_t now_ms)
{
	uint64_t unread = bases[channel];

	for (uint64_t number = first; number < end; number++)
		unread += records[number].channel == channel && records[number].is_counted &&
			  is_unread(&records[number]) && !is_expired(&records[number], now_ms);
	return unread;
}

static uint64_t unread_of(uint32_t channel)
{
	return unread_at(channel, 0);
}

static bool is_duplicate(uint64_t id_hash)
{
	uint64_t number = find_name(id_hash);

	return number != 0 && now.ms - records[number].item.id.ms < options.dedupe_ms;
}

/* ---- operations ---- */

static void trim_truth(void)
{
	while (end - first > options.records_max ||
	       (first < end &&
		records[end - 1].item.id.ms - records[first].item.id.ms > options.retention_ms))
		raise_truth(records[first++].item.id);
}

static void add_truth(const struct history_item *item, uint32_t channel)
{
	for (uint64_t number = first; number < end && item->key_hash != 0; number++)
		if (records[number].item.key_hash == item->key_hash &&
		    !records[number].item.id_only)
			records[number].superseded = true;
	records[end++] =
		(struct truth){.item = *item, .channel = channel, .is_counted = item->counts};
	trim_truth();
}

static struct history_item pick_item(uint32_t channel)
{
	struct history_item item = {.id = now, .channel = channel_hash(channel)};

	item.counts = channel % 2 == 0;
	if (pick(2))
		item.id_hash = name_hash(channel, 1 + pick(names_count));
	if (pick(3) == 0)
		item.key_hash = name_hash(channel, 1 + pick(names_count));
	if (pick(4) == 0)
		item.expires_ms = now.ms + pick(300);
	if (pick(10) == 0) {
		item.id_only = true;
		item.key_hash = item.expires_ms = 0;
		item.counts = false;
	}
	return item;
}

static void add_to(uint32_t channel)
{
	struct history_item item = pick_item(channel);
	uint64_t newest = item.id_only ? 0 : find_newest(channel, end);
	bool double_id = is_duplicate(item.id_hash);

	CHECK(history_is_duplicate(history, item.id_hash, now) == double_id);
	double_id = double_id || (newest && event_id_equal(records[newest].item.id, now));
	CHECK(history_add(history, &item) == (double_id ? HISTORY_DUPLICATE : HISTORY_ADDED));
	if (!double_id && !(item.id_only && item.id_hash == 0))
		add_truth(&item, channel);
}

/* An entry for some channels. */
static void add(void)
{
	now.ms += pick(3) ? 0 : pick(20);
	now.sequence = pick(8) ? now.sequence + 1 : now.sequence + (UINT64_C(1) << pick(62));
	if (now.sequence >> 62)
		now = (struct event_id){now.ms + 1, 0};
	for (uint32_t n = 1 + (pick(4) ? 0 : pick(5)); n > 0 && end + 1 < RECORDS; n--)
		add_to(pick(CHANNELS));
}

static struct event_id pick_id(void)
{
	struct event_id id = now;

	if (first < end && pick(8))
		id = records[first + pick((uint32_t)(end - first))].item.id;
	switch (pick(6)) {
	case 0:
		id.sequence++;
		break;
	case 1:
		id.ms -= pick(3);
		break;
	default:
		break;
	}
	return id;
}

static void mark(void)
{
	enum history_mark mark = pick(2) ? HISTORY_READ : HISTORY_DELETED;
	uint64_t number = first + (first < end ? pick((uint32_t)(end - first)) : 0);
	struct truth *record = &records[number];

	if (first == end || record->item.id_only)
		return;
	bool *flag = mark == HISTORY_READ ? &record->read : &record->deleted;
	bool is_new = !*flag && (mark == HISTORY_DELETED || record->item.counts);

	if (is_unread(record) && !record->is_counted && bases[record->channel] > 0)
		bases[record->channel]--;
	*flag = true;
	CHECK(history_set_mark(history, number, mark) == is_new);
}

static void read_all(void)
{
	uint32_t channel = pick(CHANNELS);
	struct event_id last = pick(2) ? now : pick_id();
	uint64_t before = unread_of(channel), number = first;

	for (; number < end && !event_id_is_after(records[number].item.id, last); number++)
		records[number].read |= records[number].channel == channel;
	if (number >= based_at[channel])
		bases[channel] = 0;
	CHECK(history_read_all(history, channel_hash(channel), last) ==
	      before - unread_of(channel));
}

static void set_base(void)
{
	uint32_t channel = pick(CHANNELS), count = pick(2) ? pick(5) : 0;

	if (pick(100) == 0)
		count = UINT32_MAX;
	for (uint64_t number = first; number < end; number++)
		if (records[number].channel == channel)
			records[number].is_counted = false;
	bases[channel] = count < 1u << 31 ? count : 1u << 31;
	based_at[channel] = end;
	history_set_base(history, channel_hash(channel), count);
}

static void trim_before(void)
{
	struct event_id id = pick_id();

	while (first < end && event_id_is_after(id, records[first].item.id))
		first++;
	raise_truth(id);
	history_trim_before(history, id);
}

/* ---- comparing ---- */

static bool is_current(const struct truth *record, uint64_t now_ms)
{
	return !record->item.id_only && !record->superseded && !record->deleted &&
	       !is_expired(record, now_ms);
}

static void check_record(void)
{
	uint64_t number = first + (first < end ? pick((uint32_t)(end - first)) : 0);
	const struct truth *record = &records[number];
	uint64_t now_ms = now.ms - 100 + pick(400);

	if (first == end)
		return;
	CHECK(event_id_equal(history_id(history, number), record->item.id));
	CHECK(history_is_current(history, number, now_ms) == is_current(record, now_ms));
	CHECK(history_find(history, record->item.channel + 1, record->item.id_hash) == 0);
	if (!record->item.id_only)
		CHECK(history_previous(history, number) == find_newest(record->channel, number));
}

static void check_names(void)
{
	uint32_t channel = pick(CHANNELS);
	uint64_t id_hash = name_hash(channel, pick(names_count + 2));
	uint64_t number = find_name(id_hash), at_ms = now.ms - 100 + pick(400);

	if (number != 0 && records[number].item.id_only)
		number = 0;
	CHECK(history_find(history, channel_hash(channel), id_hash) == number);
	CHECK(history_newest(history, channel_hash(channel)) == find_newest(channel, end));
	CHECK(history_unread(history, channel_hash(channel), 0) == unread_of(channel));
	CHECK(history_unread(history, channel_hash(channel), at_ms) == unread_at(channel, at_ms));
	CHECK(history_unread(history, 1, at_ms) == 0 && history_newest(history, 1) == 0);
}

static void check_position(void)
{
	struct event_id id = pick_id();
	uint32_t channel = pick(CHANNELS);
	uint64_t after = first, in_channel = 0;
	bool has = false;

	for (; after < end && !event_id_is_after(records[after].item.id, id); after++) {
		if (!event_id_equal(records[after].item.id, id))
			continue;
		has = true;
		if (records[after].channel == channel && !records[after].item.id_only)
			in_channel = after;
	}
	CHECK(history_after(history, id) == after);
	CHECK(history_has(history, id) == has);
	CHECK(history_find_event(history, channel_hash(channel), id) == in_channel);
}

static void check_window(void)
{
	CHECK(history_first(history) == first && history_end(history) == end);
	CHECK(history_count(history) == end - first);
	CHECK(event_id_equal(history_floor(history), floor_id));
	CHECK(history_size(history) > (end - first) * 24);
	CHECK(is_kept(first) == (first < end));
}

static void check_all(void)
{
	for (uint32_t channel = 0; channel < CHANNELS; channel++) {
		uint64_t number = history_newest(history, channel_hash(channel));
		uint64_t expected = find_newest(channel, end);

		while (number == expected && number != 0) {
			expected = find_newest(channel, number);
			number = history_previous(history, number);
		}
		CHECK(number == expected);
		CHECK(history_unread(history, channel_hash(channel), 0) == unread_of(channel));
		CHECK(history_unread(history, channel_hash(channel), now.ms) ==
		      unread_at(channel, now.ms));
	}
}

/* ---- rounds ---- */

static void step(uint32_t count)
{
	add();
	if (pick(3) == 0)
		mark();
	if (pick(12) == 0)
		read_all();
	if (pick(20) == 0)
		set_base();
	if (pick(200) == 0)
		trim_before();
	if (pick(300) == 0) {
		raise_truth(pick(2) ? now : floor_id);
		history_raise_floor(history, floor_id);
	}
	check_window();
	if (pick(walk_every) == 0) {
		check_record();
		check_names();
		check_position();
	}
	if (count % (walk_every * 50) == 0)
		check_all();
}

static void pick_options(void)
{
	static const uint64_t retentions[] = {10, 1000, 20000, UINT64_MAX};

	options.records_max = pick(50) ? pick(300) : 5000;
	options.retention_ms = retentions[pick(4)];
	options.dedupe_ms = pick(4) ? pick(2000) : 0;
	names_count = 1 + pick(NAMES - 1);
	now = (struct event_id){pick(2) ? 0 : UINT64_MAX / 2, 0};
	now.ms += 1000;
	walk_every = 1;
}

static void round_of_history(void)
{
	uint32_t steps = pick(50) ? 600 : 20000;

	memset(records, 0, sizeof(*records) * (end ? end : 1));
	memset(bases, 0, sizeof(bases));
	memset(based_at, 0, sizeof(based_at));
	pick_options();
	first = end = 1;
	floor_id = (struct event_id){0, 0};
	history = history_create(&options);
	CHECK(history);
	for (uint32_t i = 0; i < steps; i++)
		step(i);
	check_all();
	history_destroy(history);
}

/* Many blocks at once, and what was in them when they go. */
static void round_of_blocks(void)
{
	pick_options();
	options = (struct history_options){.records_max = 45000, .retention_ms = UINT64_MAX};
	memset(records, 0, sizeof(records));
	memset(bases, 0, sizeof(bases));
	memset(based_at, 0, sizeof(based_at));
	walk_every = 1000;
	first = end = 1;
	floor_id = (struct event_id){0, 0};
	history = history_create(&options);
	CHECK(history);
	while (end + CHANNELS < RECORDS) {
		now.ms++;
		for (uint32_t channel = 0; channel < CHANNELS; channel += 1 + pick(3)) {
			struct history_item item = pick_item(channel);

			item.key_hash = 0; /* the truth is slow with keys */
			item.id_hash = item.id_only ? item.id_hash : end << 7;
			if (item.id_only && item.id_hash == 0)
				continue;
			CHECK(history_add(history, &item) == HISTORY_ADDED);
			add_truth(&item, channel);
		}
		check_window();
		if (pick(walk_every) == 0)
			check_position();
		check_record();
	}
	for (uint64_t number = first; number < end; number++)
		if (!records[number].item.id_only)
			CHECK(history_find(history, records[number].item.channel,
					   records[number].item.id_hash) == number);
	check_all();
	history_destroy(history);
}

static void round_of_any(void)
{
	if (pick(150) == 0)
		round_of_blocks();
	else
		round_of_history();
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 1500, round_of_any);
}
