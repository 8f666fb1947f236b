/* tests/model/channels_model.c - the table of channels against arrays. Members keep their order
 * and places over compactions, and no sweep forgets one: whoever was in when a circle began and
 * still is when it ends was visited. */
#include <string.h>

#include "model.h"
#include "shard/channels.h"

#define NAMES 1500
#define SLOTS 400

/* What a channel must look like. */
struct expected {
	uint32_t index; /* CHANNEL_NONE: nobody holds it */
	uint32_t holders;
	uint32_t member[SLOTS]; /* MEMBER_NONE: the slot is not in */
	bool must_visit[SLOTS]; /* was in when the circle began and is not visited yet */
	uint32_t order[SLOTS];  /* slots as they joined */
	uint32_t order_count;
};

static struct channels channels;
static struct expected *all;
static uint32_t names_count, slots_count;
static uint32_t held;

static struct slice name_of(uint32_t i, char text[32])
{
	return slice_of(text, (size_t)snprintf(text, 32, "channel:%u", i));
}

static enum encoding encoding_of(uint32_t i)
{
	return (enum encoding)(i % ENCODING_COUNT);
}

static uint32_t find(uint32_t i)
{
	char text[32];
	struct slice name = name_of(i, text);
	struct channel_key key = {name, hash_bytes(channels.key, name), encoding_of(i)};

	return channels_find(&channels, &key);
}

static void hold(uint32_t i)
{
	char text[32];
	bool is_new;
	uint32_t index = channels_hold(&channels, name_of(i, text), encoding_of(i), &is_new);

	CHECK(index != CHANNEL_NONE && is_new == (all[i].holders == 0));
	CHECK(is_new || index == all[i].index);
	held += is_new;
	all[i].index = index;
	all[i].holders++;
}

static void release(uint32_t i)
{
	if (all[i].holders <= all[i].order_count) /* each member is a holder */
		return;
	bool is_last = channels_release(&channels, all[i].index);

	CHECK(is_last == (--all[i].holders == 0));
	if (!is_last)
		return;
	channels_remove(&channels, all[i].index);
	all[i].index = CHANNEL_NONE;
	held--;
}

static void join(uint32_t i, uint32_t slot)
{
	struct channel *channel;

	if (all[i].holders == 0 || all[i].member[slot] != MEMBER_NONE)
		return;
	hold(i);
	channel = channels_at(&channels, all[i].index);
	all[i].member[slot] = channel_join(channel, slot);
	CHECK(all[i].member[slot] != MEMBER_NONE);
	all[i].order[all[i].order_count++] = slot;
	if (channel->tape)
		CHECK(channel_members(channel)[all[i].member[slot]].position ==
		      channel->tape->head);
}

static void on_moved(void *owner, uint32_t slot, uint32_t member)
{
	struct expected *expected = owner;

	CHECK(member < expected->member[slot] && expected->member[slot] != MEMBER_NONE);
	expected->member[slot] = member;
}

static void leave(uint32_t i, uint32_t place)
{
	struct expected *expected = &all[i];
	uint32_t slot = expected->order[place];
	struct channel *channel = channels_at(&channels, expected->index);

	channel_leave(channel, expected->member[slot]);
	expected->member[slot] = MEMBER_NONE;
	expected->must_visit[slot] = false;
	expected->order_count--;
	memmove(expected->order + place, expected->order + place + 1,
		(expected->order_count - place) * sizeof(uint32_t));
	if (channel_has_many_holes(channel) || pick(50) == 0)
		channel_compact(channel, on_moved, expected);
	release(i);
}

/* ---- the sweep, as shard/send.c walks ---- */

static void begin_circle(struct expected *expected, struct channel *channel)
{
	for (uint32_t slot = 0; slot < slots_count; slot++) {
		CHECK(!expected->must_visit[slot]); /* the last circle left nobody out */
		expected->must_visit[slot] = expected->member[slot] != MEMBER_NONE;
	}
	tape_end_circle(channel->tape, channel->members_used);
}

static void walk(uint32_t i, uint32_t steps)
{
	struct channel *channel;

	if (all[i].order_count == 0)
		return;
	channel = channels_at(&channels, all[i].index);
	if (!channel->tape) {
		channel->tape = tape_create(1u << 20);
		CHECK(channel->tape);
	}
	while (steps-- > 0) {
		if (channel->tape->circle_left == 0)
			begin_circle(&all[i], channel);
		CHECK(channel->tape->cursor < channel->members_used);
		CHECK(channel->tape->circle_left <= channel->members_used);
		uint32_t slot = channel_members(channel)[channel->tape->cursor].slot;

		if (slot != MEMBER_HOLE)
			all[i].must_visit[slot] = false;
		tape_step(channel->tape, channel->members_used);
	}
}

static void check_channel(uint32_t i)
{
	struct channel *channel;
	uint32_t place = 0;
	char text[32];

	CHECK(find(i) == all[i].index);
	if (all[i].index == CHANNEL_NONE)
		return;
	channel = channels_at(&channels, all[i].index);
	CHECK(slice_equal(channel_name(channel), name_of(i, text)));
	CHECK(channel->holders == all[i].holders);
	CHECK(channel->members_count == all[i].order_count);
	CHECK(channel->members_used <= channel->members_capacity);
	for (uint32_t member = 0; member < channel->members_used; member++) {
		uint32_t slot = channel_members(channel)[member].slot;

		if (slot == MEMBER_HOLE)
			continue;
		CHECK(all[i].order[place++] == slot && all[i].member[slot] == member);
	}
	CHECK(place == all[i].order_count);
	/* holes stay few, or the walk over members is wasted */
	CHECK(channel->members_used - place <= 8 + place / 4);
}

static void step(void)
{
	uint32_t i = pick(names_count);

	switch (pick(8)) {
	case 0:
		hold(i);
		break;
	case 1:
		release(i);
		break;
	case 2:
	case 3:
		if (all[i].order_count > 0)
			leave(i, pick(all[i].order_count));
		break;
	case 4:
		walk(i, pick(2 * slots_count));
		break;
	default:
		join(i, pick(slots_count));
		break;
	}
	check_channel(i);
	CHECK(channels.count == held);
}

static void round_of_channels(void)
{
	names_count = pick(3) == 0 ? NAMES : 1 + pick(8);
	slots_count = names_count == NAMES ? 20 : 1 + pick(SLOTS);
	held = 0;
	CHECK(channels_init(&channels, (struct hash_key){model_seed, 1}));
	all = calloc(names_count, sizeof(*all));
	CHECK(all);
	for (uint32_t i = 0; i < names_count; i++) {
		all[i].index = CHANNEL_NONE;
		memset(all[i].member, 0xFF, sizeof(all[i].member));
		if (pick(4))
			hold(i);
	}
	for (uint32_t steps = 0; steps < 8000; steps++)
		step();
	for (uint32_t i = 0; i < names_count; i++)
		check_channel(i);
	channels_deinit(&channels);
	free(all);
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 250, round_of_channels);
}
