/* tests/model/history_merge_model.c - an index that joins and leaves partitions against one that
 * has only ever had those it has now.
 *
 * What happens is written down, so that it can be told again to a new index, with as many of its
 * partitions as one likes. */
#include <string.h>

#include "model.h"
#include "router/history_merge.h"

#define DEEDS 3000 /* of one round */
#define CHANNELS 24
#define NAMES 12 /* producers' ids, and keys, of a channel */
#define PARTITIONS 6

enum deed_type { DEED_ADD, DEED_BASE, DEED_MARK, DEED_READ_ALL, DEED_TRIM, DEED_RAISE };

struct deed {
	enum deed_type type;
	uint32_t partition; /* who has not read it does not know of it */
	struct history_item item;
	struct event_id id;
	enum history_mark mark;
	uint32_t count;
};

static struct deed deeds[DEEDS];
static uint32_t deeds_count;
static uint32_t partitions_count;
static struct event_id now;
static uint32_t now_partition;
static struct history_options options;
static bool is_narrow; /* what is old goes: then nobody leaves, and there are no bases */
static uint32_t names_count;

static uint64_t channel_hash(uint32_t channel)
{
	return (channel + 1) * 0x9E3779B97F4A7C15u;
}

static uint64_t name_hash(uint32_t channel, uint32_t name)
{
	return (uint64_t)(channel + 1) << 40 | (uint64_t)name << 7;
}

/* ---- what happens ---- */

static struct deed *note(enum deed_type type, uint32_t partition)
{
	struct deed *deed = &deeds[deeds_count++];

	*deed = (struct deed){.type = type, .partition = partition};
	return deed;
}

static uint32_t pick_channel(uint32_t partition)
{
	return pick(CHANNELS / partitions_count) * partitions_count + partition;
}

static struct event_id pick_id(void)
{
	struct event_id id = now;

	if (deeds_count > 0 && pick(8))
		id = deeds[pick(deeds_count)].item.id;
	switch (pick(6)) {
	case 0:
		id.sequence++;
		break;
	case 1:
		id.ms -= id.ms > 3 ? pick(3) : 0;
		break;
	default:
		break;
	}
	return id;
}

static struct history_item pick_item(uint32_t channel)
{
	struct history_item item = {.id = now, .channel = channel_hash(channel)};

	item.partition = now_partition;
	item.counts = channel % 3 > 0;
	if (pick(2))
		item.id_hash = name_hash(channel, 1 + pick(names_count));
	if (pick(3) == 0)
		item.key_hash = name_hash(channel, 1 + pick(names_count));
	if (pick(4) == 0)
		item.expires_ms = now.ms + pick(300);
	return item;
}

/* One that leaves no more than its id, in its own stream or in another channel's. */
static struct history_item pick_id_only(void)
{
	uint32_t channel = pick(2) ? pick_channel(now_partition) : pick(CHANNELS);
	struct history_item item = {.id = now, .channel = channel_hash(channel), .id_only = true};

	item.partition = now_partition;
	item.id_hash = name_hash(channel, 1 + pick(names_count));
	if (channel % partitions_count != now_partition) /* the same name nowhere else */
		item.id_hash = name_hash(CHANNELS, 1 + deeds_count);
	return item;
}

/* The next entry: of the same id in a later partition, or later. */
static void move_on(void)
{
	if (pick(4) == 0 && now_partition + 1 < partitions_count) {
		now_partition += 1 + pick(partitions_count - now_partition - 1);
		return;
	}
	now_partition = pick(partitions_count);
	now.ms += pick(3) ? 0 : pick(20);
	now.sequence++;
}

static void add(void)
{
	move_on();
	for (uint32_t n = 1 + (pick(4) ? 0 : pick(5)); n > 0; n--) {
		struct deed *deed = note(DEED_ADD, now_partition);

		if (pick(10) == 0)
			deed->item = pick_id_only();
		else
			deed->item = pick_item(pick_channel(now_partition));
	}
}

static void set_base(void)
{
	move_on();
	struct deed *deed = note(DEED_BASE, now_partition);

	deed->item.id = now;
	deed->item.channel = channel_hash(pick_channel(now_partition));
	deed->item.partition = now_partition;
	deed->count = pick(3) ? pick(6) : 0;
}

static void mark(void)
{
	uint32_t partition = pick(partitions_count), channel = pick_channel(partition);
	struct event_id id = pick_id();
	struct deed *deed = note(pick(4) ? DEED_MARK : DEED_READ_ALL, partition);

	deed->item = (struct history_item){.id = now, .channel = channel_hash(channel)};
	if (!is_narrow && pick(2)) /* or one that has lost the record may mark another one */
		deed->item.id_hash = name_hash(channel, 1 + pick(names_count));
	deed->id = id;
	deed->mark = pick(2) ? HISTORY_READ : HISTORY_DELETED;
	if (deed->type == DEED_READ_ALL && pick(3) == 0)
		deed->id = now;
}

static void trim(void)
{
	struct event_id id = pick_id();
	struct deed *deed = note(pick(3) ? DEED_TRIM : DEED_RAISE, 0);

	deed->item.id = now;
	deed->id = id;
}

static void happen(void)
{
	switch (pick(12)) {
	case 0:
		if (!is_narrow)
			set_base();
		break;
	case 1:
	case 2:
	case 3:
		mark();
		break;
	case 4:
		if (pick(10) == 0)
			trim();
		break;
	default:
		add();
	}
}

/* ---- what an index makes of it ---- */

static bool concerns(const struct deed *deed, const struct partition_set *set)
{
	return deed->type == DEED_TRIM || deed->type == DEED_RAISE ||
	       partition_set_has(set, deed->partition);
}

static uint64_t do_mark(struct history *history, const struct deed *deed)
{
	uint64_t number = history_find(history, deed->item.channel, deed->item.id_hash);

	if (number == 0)
		number = history_find_event(history, deed->item.channel, deed->id);
	return number != 0 ? history_set_mark(history, number, deed->mark) : 2;
}

static uint64_t do_base(struct history *history, const struct deed *deed)
{
	enum history_verdict verdict = history_add(history, &deed->item);

	if (verdict == HISTORY_ADDED)
		history_set_base(history, deed->item.channel, deed->count);
	return verdict;
}

/* Returns what it says. */
static uint64_t carry_out(struct history *history, const struct deed *deed)
{
	switch (deed->type) {
	case DEED_ADD:
		return history_add(history, &deed->item);
	case DEED_BASE:
		return do_base(history, deed);
	case DEED_MARK:
		return do_mark(history, deed);
	case DEED_READ_ALL:
		return history_read_all(history, deed->item.channel, deed->id);
	case DEED_TRIM:
		history_trim_before(history, deed->id);
		return 0;
	case DEED_RAISE:
		history_raise_floor(history, deed->id);
		return 0;
	}
	return 0;
}

static struct history *tell(const struct partition_set *set)
{
	struct history *history = history_create(&options);

	CHECK(history);
	for (uint32_t i = 0; i < deeds_count; i++)
		if (concerns(&deeds[i], set))
			CHECK(carry_out(history, &deeds[i]) != HISTORY_NO_MEMORY ||
			      deeds[i].type > DEED_BASE);
	return history;
}

/* ---- comparing ---- */

/* The number in `b` of what is `number` in `a`. */
static uint64_t in_b(const struct history *a, const struct history *b, uint64_t number)
{
	return number != 0 ? number - history_first(a) + history_first(b) : 0;
}

static void compare_record(const struct history *a, const struct history *b, uint64_t number)
{
	uint64_t same = in_b(a, b, number), now_ms = now.ms - 100 + pick(400);
	struct event_id id = history_id(a, number);

	CHECK(event_id_equal(history_id(b, same), id));
	CHECK(history_partition(b, same) == history_partition(a, number));
	CHECK(history_previous(b, same) == in_b(a, b, history_previous(a, number)));
	CHECK(history_is_current(b, same, 0) == history_is_current(a, number, 0));
	CHECK(history_is_current(b, same, now_ms) == history_is_current(a, number, now_ms));
}

static void compare_position(const struct history *a, const struct history *b, uint64_t channel)
{
	struct event_id id = pick_id();

	CHECK(history_after(b, id) == in_b(a, b, history_after(a, id)));
	CHECK(history_has(b, id) == history_has(a, id));
	CHECK(history_find_event(b, channel, id) == in_b(a, b, history_find_event(a, channel, id)));
}

static void compare_names(const struct history *a, const struct history *b, uint32_t channel)
{
	uint64_t hash = channel_hash(channel);

	for (uint32_t name = 1; name <= names_count; name++) {
		uint64_t id_hash = name_hash(channel, name);

		CHECK(history_find(b, hash, id_hash) == in_b(a, b, history_find(a, hash, id_hash)));
		CHECK(history_is_duplicate(b, id_hash, now) ==
		      history_is_duplicate(a, id_hash, now));
	}
}

static void compare_channel(const struct history *a, const struct history *b, uint32_t channel)
{
	uint64_t hash = channel_hash(channel), now_ms = now.ms - 100 + pick(400);

	CHECK(history_newest(b, hash) == in_b(a, b, history_newest(a, hash)));
	CHECK(history_unread(b, hash, 0) == history_unread(a, hash, 0));
	CHECK(history_unread(b, hash, now_ms) == history_unread(a, hash, now_ms));
	CHECK(history_has_base(b, hash) == history_has_base(a, hash));
}

static void compare(const struct history *a, const struct history *b)
{
	CHECK(history_count(a) == history_count(b));
	CHECK(event_id_equal(history_floor(a), history_floor(b)));
	for (uint64_t number = history_first(a); number < history_end(a); number++)
		compare_record(a, b, number);
	for (uint32_t channel = 0; channel < CHANNELS; channel++) {
		compare_channel(a, b, channel);
		compare_names(a, b, channel);
		compare_position(a, b, channel_hash(channel));
	}
	for (uint32_t i = 0; i < deeds_count; i++)
		if (deeds[i].item.id_only)
			CHECK(history_is_duplicate(a, deeds[i].item.id_hash, now) ==
			      history_is_duplicate(b, deeds[i].item.id_hash, now));
}

/* ---- rounds ---- */

static struct partition_set pick_set(void)
{
	struct partition_set set = {{0}};

	for (uint32_t i = 0; i < partitions_count; i++)
		if (pick(2))
			partition_set_add(&set, i);
	return set;
}

static void pick_options(void)
{
	options = (struct history_options){1u << 30, 1u << 20, pick(4) ? pick(2000) : 0};
	is_narrow = pick(3) == 0;
	if (is_narrow && pick(2))
		options = (struct history_options){UINT64_MAX, 40 + pick(200), 0};
	else if (is_narrow)
		options = (struct history_options){20 + pick(600), 1u << 20, pick(20)};
	partitions_count = 2 + pick(PARTITIONS - 1);
	names_count = 1 + pick(NAMES - 1);
	now = (struct event_id){pick(2) ? 1000 : UINT64_MAX / 2, 0};
	now_partition = 0;
	deeds_count = 0;
}

/* Some partitions are joined, some are left. */
static struct history *change(struct history *live, struct partition_set *kept)
{
	struct partition_set joins = pick_set(), leaves = pick_set();

	partition_set_remove_all(&joins, kept);
	partition_set_add_all(kept, &joins);
	if (!is_narrow && pick(2))
		partition_set_remove_all(kept, &leaves);
	struct history *other = partition_set_is_empty(&joins) && pick(2) ? NULL : tell(&joins);
	bool is_turned = other && pick(2);
	struct history *merged =
		history_merge(is_turned ? other : live, is_turned ? live : other, kept);

	CHECK(merged);
	history_destroy(live);
	history_destroy(other);
	return merged;
}

/* To both, who must say the same. */
static void live_on(struct history *live, struct history *whole, const struct partition_set *kept)
{
	for (uint32_t left = pick(100); left > 0 && deeds_count + 10 < DEEDS; left--) {
		uint32_t done = deeds_count;

		happen();
		for (; done < deeds_count; done++)
			if (concerns(&deeds[done], kept))
				CHECK(carry_out(live, &deeds[done]) ==
				      carry_out(whole, &deeds[done]));
	}
}

static void empty_both(struct history *live, struct history *whole)
{
	struct event_id id = {now.ms + pick(2), now.sequence};

	for (uint64_t ms = now.ms - 50; ms < now.ms; ms += 1 + pick(20)) {
		history_trim_before(live, (struct event_id){ms, 0});
		history_trim_before(whole, (struct event_id){ms, 0});
		compare(whole, live);
	}
	history_trim_before(live, id);
	history_trim_before(whole, id);
	compare(whole, live);
}

static void round_of_merges(void)
{
	struct partition_set kept = {{0}};
	uint32_t changes = 1 + pick(4);

	pick_options();
	kept = pick_set();
	for (uint32_t left = pick(300); left > 0; left--)
		happen();
	struct history *live = tell(&kept);

	for (; changes > 0; changes--) {
		live = change(live, &kept);
		struct history *whole = tell(&kept);

		compare(whole, live);
		live_on(live, whole, &kept);
		compare(whole, live);
		if (changes == 1)
			empty_both(live, whole);
		history_destroy(whole);
	}
	history_destroy(live);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 3000, round_of_merges);
}
